"""The jobs of peer_patching.py in nnsight, with the same arguments and the same JSON line.

    python benches/peer_nnsight.py map-last 2 benches/smollm2.json --limit 40

Models are those of peer_forward.py. A head's z is its share of the output projection's input, an MLP's hook_post the input of
its down projection.
"""
import json
import time

import torch
from nnsight import NNsight

import peer_forward
import peer_patching


def parts(model, config):
    """The modules whose inputs are patched, (attention's, MLP's) layer by layer; the unembedding; heads and d_mlp."""
    if config["model_type"] == "ablate":
        return [(block.o, block.down) for block in model.blocks], model.unembed, config["n_heads"], config["d_mlp"]
    blocks = [(block.self_attn.o_proj, block.mlp.down_proj) for block in model.model.layers]
    return blocks, model.lm_head, config["num_attention_heads"], config["intermediate_size"]


@torch.no_grad()
def main(job, threads, path, limit, batch, pos):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    config = json.load(open(path))
    pos = min(pos, config.get("n_ctx", pos))
    model = NNsight(peer_forward.load(config).eval())
    blocks, unembed, heads, d_mlp = parts(model, config)
    layers = len(blocks)
    inputs = {"last": False} if config["model_type"] == "ablate" else {"use_cache": False}
    clean_tokens, source_tokens = torch.randint(0, config["vocab_size"], (2, batch, pos))
    wanted = torch.randint(0, config["vocab_size"], (batch, 2))

    def measure(logits):
        return logits[:, -1].log_softmax(-1).gather(-1, wanted).exp()

    def cached():
        with model.trace(clean_tokens, **inputs):
            logits = unembed.output.save()
        measure(logits)
        with model.trace(source_tokens, **inputs):
            source = [].save()
            for attention, mlp in blocks:
                source.append((attention.input, mlp.input))
        return source

    cached()
    start = time.perf_counter()
    source = cached()
    before = time.perf_counter() - start

    d_head = source[0][0].shape[-1] // heads
    means = [z.mean(0) for z, _ in source]
    kept = [(i // heads, i % heads) for i in torch.randperm(layers * heads).tolist()]

    def ablated(number):
        """Whether an element of a layer's concatenated z is replaced: [layer, n_heads * d_head]."""
        mask = torch.ones(layers, heads, dtype=torch.bool)
        for layer, head in kept[:number]:
            mask[layer, head] = False
        return mask.repeat_interleave(d_head, 1)

    def patched(layer, head, neuron, position):
        side, unit = int(head is None), slice(None)
        if head is not None:
            unit = slice(head * d_head, (head + 1) * d_head)
        elif neuron is not None:
            unit = neuron
        value = source[layer][side][:, position, unit]
        with model.trace(clean_tokens, **inputs):
            blocks[layer][side].input[:, position, unit] = value
            logits = unembed.output.save()
        return logits

    def circuit(number):
        mask = ablated(number)
        with model.trace(clean_tokens, **inputs):
            for layer, (attention, _) in enumerate(blocks):
                attention.input[:, :, mask[layer]] = means[layer][:, mask[layer]]
            logits = unembed.output.save()
        return logits

    every = peer_patching.interventions(job, layers, heads, d_mlp, pos)
    number = min(limit or len(every), len(every))
    seconds = []
    for i in range(number):
        at = every[i * len(every) // number]
        start = time.perf_counter()
        measure(circuit(at) if job == "faithfulness" else patched(*at))
        seconds.append(time.perf_counter() - start)
    peer_patching.report(before, seconds, len(every), batch, pos)


if __name__ == "__main__":
    peer_patching.command(__doc__, main)

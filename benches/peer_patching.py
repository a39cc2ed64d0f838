"""TransformerLens, a patching experiment as it is usually written: one hooked forward of the whole batch per component, the
activations of clean and source runs cached. Prints one JSON line.

    python benches/peer_patching.py map-last 2 benches/smollm2.json --limit 40

Jobs:
    map-last      every head's z and every MLP's hook_post at the last position, n_layers × (n_heads + 1) forwards
    map-four      the same at each of the last four positions
    neurons       every neuron of the middle layer at the last position, one forward each
    faithfulness  k = 0 … 40 heads (or all there are) kept, the others mean-ablated at every position, MLPs untouched
    steering      a vector added to hook_resid_post at the last position, at 20 strengths in each layer
    tracing       noise on the embeddings of the second and third token, and clean hook_mlp_out restored in a window of 10 layers, at every
                  layer and position

Each forward is reduced to P(r) and P(r') of every prompt at the last position. `--limit` runs that many forwards, evenly
spread over the job's; `seconds` is the whole job: both cached runs, those forwards, and the median one for each of the rest.
"""
import argparse
import json
import pathlib
import statistics
import sys
import time

import torch

HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parent / "tests" / "fixtures"))


def shape(config, pos):
    """HookedTransformerConfig's arguments, as from_pretrained leaves a model: norms folded into what reads them."""
    same = dict(normalization_type="RMSPre", final_rms=True, gated_mlp=True, act_fn="silu", seed=0,
        device=str(torch.get_default_device()), dtype=torch.get_default_dtype())
    if config["model_type"] == "ablate":
        return dict(
            same, n_layers=config["n_layers"], d_model=config["d_model"], n_heads=config["n_heads"], d_head=config["d_head"],
            d_mlp=config["d_mlp"], d_vocab=config["vocab_size"], n_ctx=config["n_ctx"], eps=config["norm_eps"],
            positional_embedding_type="standard")
    heads = config["num_attention_heads"]
    d_head = config["hidden_size"] // heads
    return dict(
        same, n_layers=config["num_hidden_layers"], d_model=config["hidden_size"], n_heads=heads, d_head=d_head,
        n_key_value_heads=config["num_key_value_heads"], d_mlp=config["intermediate_size"], d_vocab=config["vocab_size"],
        n_ctx=pos, eps=config["rms_norm_eps"], positional_embedding_type="rotary", rotary_dim=d_head,
        rotary_base=config["rope_theta"])


def load(config, pos):
    from lens import HookedTransformer, HookedTransformerConfig

    return HookedTransformer(HookedTransformerConfig(**shape(config, pos))).eval()


def interventions(job, layers, heads, d_mlp, pos):
    """What each forward of a job patches: (layer, head, neuron, position), or how many heads are kept."""
    if job == "faithfulness":
        return list(range(min(40, layers * heads) + 1))
    if job == "steering":
        strengths = [sign * 0.1 * size for size in range(1, 11) for sign in (1, -1)]
        return [("steer", layer, strength) for layer in range(layers) for strength in strengths]
    if job == "tracing":
        return [("trace", range(max(0, i - 5), min(layers, i + 5)), p) for i in range(layers) for p in range(pos)]
    if job == "neurons":
        return [(layers // 2, None, neuron, pos - 1) for neuron in range(d_mlp)]
    positions = [pos - 1] if job == "map-last" else range(pos - 4, pos)
    return [(layer, head, None, p) for layer in range(layers) for head in [*range(heads), None] for p in positions]


def patch(value, position, unit):
    def hook(activation, hook):
        activation[:, position, unit] = value[:, position, unit]
        return activation

    return hook


def hooks(intervention, source, means, kept):
    if isinstance(intervention, int):
        ablated = torch.ones(len(means), means[0].shape[1], dtype=torch.bool)
        for layer, head in kept[:intervention]:
            ablated[layer, head] = False

        def ablate(z, hook):
            z[:, :, ablated[hook.layer()]] = means[hook.layer()][:, ablated[hook.layer()]]
            return z

        return [(lambda name: name.endswith("hook_z"), ablate)]
    if intervention[0] == "steer":
        _, layer, strength = intervention

        def steer(stream, hook):
            stream[:, -1] += strength * torch.arange(stream.shape[-1]).sin()
            return stream

        return [(f"blocks.{layer}.hook_resid_post", steer)]
    if intervention[0] == "trace":
        _, window, position = intervention

        def corrupt(embedded, hook):
            embedded[:, 1:3] += source["noise"][:, : embedded[:, 1:3].shape[1]]
            return embedded

        names = [f"blocks.{layer}.hook_mlp_out" for layer in window]
        return [("hook_embed", corrupt), *((name, patch(source[name], position, slice(None))) for name in names)]
    layer, head, neuron, position = intervention
    unit = head if head is not None else neuron if neuron is not None else slice(None)
    name = f"blocks.{layer}.attn.hook_z" if head is not None else f"blocks.{layer}.mlp.hook_post"
    return [(name, patch(source[name], position, unit))]


@torch.no_grad()
def main(job, threads, path, limit, batch, pos):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    config = json.load(open(path))
    pos = min(pos, config.get("n_ctx", pos))
    model = load(config, pos)
    layers, heads = model.cfg.n_layers, model.cfg.n_heads
    clean_tokens, source_tokens = torch.randint(0, model.cfg.d_vocab, (2, batch, pos))
    wanted = torch.randint(0, model.cfg.d_vocab, (batch, 2))

    def measure(logits):
        return logits[:, -1].log_softmax(-1).gather(-1, wanted).exp().cpu()

    def cached():
        measure(model(clean_tokens))
        if job == "steering":
            return {}
        if job == "tracing":
            _, source = model.run_with_cache(clean_tokens, names_filter=lambda name: name.endswith("hook_mlp_out"))
            return {**source, "noise": 0.1 * torch.randn(batch, 2, model.cfg.d_model)}
        _, source = model.run_with_cache(source_tokens, names_filter=lambda name: name.endswith(("hook_z", "hook_post")))
        return source

    cached()
    start = time.perf_counter()
    source = cached()
    before = time.perf_counter() - start

    means = [source[f"blocks.{layer}.attn.hook_z"].mean(0) for layer in range(layers)] if job == "faithfulness" else []
    kept = [(i // heads, i % heads) for i in torch.randperm(layers * heads).tolist()]
    every = interventions(job, layers, heads, model.cfg.d_mlp, pos)
    number = min(limit or len(every), len(every))
    seconds = []
    for i in range(number):
        start = time.perf_counter()
        logits = model.run_with_hooks(
            clean_tokens, return_type="logits", fwd_hooks=hooks(every[i * len(every) // number], source, means, kept))
        measure(logits)
        seconds.append(time.perf_counter() - start)
    report(before, seconds, len(every), batch, pos)


def report(before, seconds, forwards, batch, pos):
    whole = before + sum(seconds) + statistics.median(seconds) * (forwards - len(seconds))
    print(json.dumps({
        "seconds": [whole], "forwards": forwards, "measured": len(seconds),
        "per_forward": statistics.median(seconds), "cached_runs": before, "prompts": batch, "positions": pos}))


def command(text, main):
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", choices=["map-last", "map-four", "neurons", "faithfulness", "steering", "tracing"])
    parser.add_argument("threads", type=int)
    parser.add_argument("config")
    parser.add_argument("--limit", type=int, help="forwards to run (all)")
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--positions", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    options = parser.parse_args()
    torch.set_default_device(options.device)
    torch.set_default_dtype(getattr(torch, options.dtype))
    main(options.job, options.threads, options.config, options.limit, options.batch, options.positions)


if __name__ == "__main__":
    command(__doc__, main)

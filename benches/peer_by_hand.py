"""What someone who knows it writes by hand in PyTorch: the exact effect map at the last position of a model of Llama's shape, every head and
MLP. Rows are batched, start at the layer that is edited, and are computed at the last position alone, with the keys and values of the
clean run: the algorithm of `ablate`, so that the ratio to it is of the engines. Prints one JSON line, as peer_patching.py does.

    python benches/peer_by_hand.py map-last 2 benches/smollm2.json --batch 50 [--device cuda:0 --dtype bfloat16]
    python benches/peer_by_hand.py map-last 2 CONFIG --check            # against whole forward passes, one edit each

Norms are folded into what reads them, as `ablate` folds them, so there are none to multiply with. Weights are random.
"""
import argparse
import json
import sys
import time

import torch
import torch.nn.functional as F

ROWS_AT_ONCE = {"cpu": 1024}
ROWS_ON_A_GPU = 8192


class Llama:
    """Weights, and what is computed with them."""

    def __init__(self, config, pos):
        self.layers, self.width, self.heads = config["num_hidden_layers"], config["hidden_size"], config["num_attention_heads"]
        self.kv_heads, self.eps, self.pos = config["num_key_value_heads"], config["rms_norm_eps"], pos
        self.d_head, self.d_vocab = config.get("head_dim") or self.width // self.heads, config["vocab_size"]
        inner, own, kv = config["intermediate_size"], self.heads * self.d_head, self.kv_heads * self.d_head
        weight = lambda out, into: (torch.randn(out, into) * into**-0.5)
        shapes = dict(q=(own, self.width), k=(kv, self.width), v=(kv, self.width), o=(self.width, own),
            gate=(inner, self.width), up=(inner, self.width), down=(self.width, inner))
        self.blocks = [{name: weight(*shape) for name, shape in shapes.items()} for _ in range(self.layers)]
        self.embed, self.unembed = weight(self.d_vocab, self.width), weight(self.d_vocab, self.width)
        base = config.get("rope_theta") or config.get("rope_parameters", {}).get("rope_theta", 10000.0)
        frequencies = base ** -(torch.arange(0, self.d_head, 2, dtype=torch.float32) / self.d_head)
        angles = torch.arange(pos, dtype=torch.float32)[:, None] * frequencies
        self.cos, self.sin = (torch.cat([part, part], -1)[:, None] for part in (angles.cos(), angles.sin()))

    def norm(self, x):
        wide = x.float()
        return (wide * (wide.pow(2).mean(-1, keepdim=True) + self.eps).rsqrt()).to(x.dtype)

    def rotated(self, x, at):
        """`[row, pos, head, d_head]`, of positions `at`."""
        wide = x.float()
        a, b = wide.chunk(2, -1)
        return (wide * self.cos[at] + torch.cat([-b, a], -1) * self.sin[at]).to(x.dtype).transpose(1, 2)

    def inputs(self, block, x, at):
        """Queries, keys, values, `[row, head, pos, d_head]`."""
        normed, shape = self.norm(x), (*x.shape[:2], -1, self.d_head)
        q, k, v = (F.linear(normed, block[name]).view(shape) for name in "qkv")
        return self.rotated(q, at), self.rotated(k, at), v.transpose(1, 2)

    def hidden(self, block, x):
        normed = self.norm(x)
        return F.silu(F.linear(normed, block["gate"])) * F.linear(normed, block["up"])

    def run(self, tokens, patch=None):
        """Of prompts `[prompt, pos]`: the stream before each layer at the last position, keys, values, z and MLP's hidden values there,
        and logits. `patch` changes z and hidden values at the last position."""
        x, kept = self.embed[tokens], []
        for layer, block in enumerate(self.blocks):
            before = x[:, -1]
            q, k, v = self.inputs(block, x, slice(None))
            z = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True).transpose(1, 2).flatten(2)
            if patch:
                patch(layer, z, None)
            x = x + F.linear(z, block["o"])
            hidden = self.hidden(block, x)
            if patch:
                patch(layer, None, hidden)
            x = x + F.linear(hidden, block["down"])
            kept.append((before, k, v, z[:, -1], hidden[:, -1]))
        return kept, F.linear(self.norm(x[:, -1]), self.unembed)

    def after(self, layer, x, kept, prompts):
        """A layer at the last position of rows `[row, d_model]` of some prompts."""
        block, (_, keys, values, _, _) = self.blocks[layer], kept[layer]
        q, k, v = self.inputs(block, x[:, None], slice(self.pos - 1, self.pos))
        k = torch.cat([keys[prompts, :, :-1], k], 2)
        v = torch.cat([values[prompts, :, :-1], v], 2)
        z = F.scaled_dot_product_attention(q, k, v, enable_gqa=True).flatten(1)
        x = x + F.linear(z, block["o"])
        return x + F.linear(self.hidden(block, x), block["down"])


def probabilities(logits, wanted):
    return logits.float().log_softmax(-1).gather(-1, wanted).exp()


def effect_map(model, clean_tokens, source_tokens, wanted, at_once):
    """P(r) and P(r') of every row, `[layer * (head + 1) * prompt, 2]`, and of the clean run."""
    (clean, logits), (source, _) = model.run(clean_tokens), model.run(source_tokens)
    count, heads, width = len(clean_tokens), model.heads, model.d_head
    every = torch.arange(count)
    rows, prompts = torch.empty(0, model.width), torch.empty(0, dtype=torch.long)
    for layer, block in enumerate(model.blocks):
        parts = [model.after(layer, x, clean, at) for x, at in zip(rows.split(at_once), prompts.split(at_once)) if len(x)]
        before, _, _, z, _ = clean[layer]
        patched = z.repeat(heads, 1).view(heads, count, heads, width)
        index = torch.arange(heads)
        patched[index, :, index] = source[layer][3].view(count, heads, width).transpose(0, 1)
        mid = before.repeat(heads, 1) + F.linear(patched.flatten(0, 1).flatten(1), block["o"])
        of_heads = mid + F.linear(model.hidden(block, mid), block["down"])
        of_mlp = before + F.linear(z, block["o"]) + F.linear(source[layer][4], block["down"])
        rows, prompts = torch.cat([*parts, of_heads, of_mlp]), torch.cat([prompts, every.repeat(heads + 1)])
    read = [
        probabilities(F.linear(model.norm(x), model.unembed), wanted[at])
        for x, at in zip(rows.split(at_once), prompts.split(at_once))
    ]
    return torch.cat(read).cpu(), probabilities(logits, wanted).cpu()


def check(model, clean_tokens, source_tokens, wanted, at_once):
    """Largest relative difference from whole forward passes of the first and last heads and the MLP of some layers."""
    found, _ = effect_map(model, clean_tokens, source_tokens, wanted, at_once)
    found = found.view(model.layers, model.heads + 1, len(clean_tokens), 2)
    source, worst = model.run(source_tokens)[0], 0.0
    for at in sorted({0, 1, model.layers // 2, model.layers - 1} & set(range(model.layers))):
        for unit in (0, model.heads - 1, model.heads):

            def patch(layer, z, hidden):
                own = slice(unit * model.d_head, (unit + 1) * model.d_head)
                if layer == at and z is not None and unit < model.heads:
                    z[:, -1, own] = source[at][3][:, own]
                if layer == at and hidden is not None and unit == model.heads:
                    hidden[:, -1] = source[at][4]

            whole = probabilities(model.run(clean_tokens, patch)[1], wanted).cpu()
            worst = max(worst, ((found[at, unit] - whole).abs() / whole.clamp(min=1e-9)).max().item())
    return worst


def product_peak(model, rows=4096):
    """The fastest of ten large products of the model's MLP, GFLOP/s."""
    x, w = torch.randn(rows, model.width), model.blocks[0]["up"]
    wait = torch.cuda.synchronize if x.is_cuda else lambda: None
    seconds = []
    for _ in range(10):
        wait()
        start = time.perf_counter()
        F.linear(x, w)
        wait()
        seconds.append(time.perf_counter() - start)
    return 2 * rows * w.numel() / 1e9 / min(seconds)


@torch.no_grad()
def main(options):
    if options.job != "map-last":
        sys.exit(f"no job {options.job} by hand; write map-last")
    torch.set_num_threads(options.threads)
    torch.set_default_device(options.device)
    torch.set_default_dtype(getattr(torch, options.dtype))
    torch.manual_seed(0)
    config = json.load(open(options.config))
    model = Llama(config, options.positions)
    clean, source = torch.randint(0, model.d_vocab, (2, options.batch, options.positions))
    wanted = torch.randint(0, model.d_vocab, (options.batch, 2))
    at_once = ROWS_AT_ONCE.get(options.device, ROWS_ON_A_GPU)
    if options.check:
        print(json.dumps({"largest_relative_difference": check(model, clean, source, wanted, at_once)}))
        return
    model.run(clean)
    seconds, begin = [], time.perf_counter()
    while not seconds or len(seconds) < 5 and time.perf_counter() - begin < 20:
        start = time.perf_counter()
        found, _ = effect_map(model, clean, source, wanted, at_once)
        seconds.append(time.perf_counter() - start)
    said = {"seconds": seconds, "rows": len(found), "peak_gflop_per_second": product_peak(model)}
    if clean.is_cuda:
        said["memory_mib"] = torch.cuda.max_memory_allocated() >> 20
    print(json.dumps(said))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job")
    parser.add_argument("threads", type=int)
    parser.add_argument("config")
    parser.add_argument("--limit", type=int, help="not used: all rows are run")
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--positions", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--check", action="store_true", help="compare with whole forward passes instead")
    main(parser.parse_args())

"""PyTorch eager, the same recipe as `cargo bench --bench speed -- train THREADS STEPS`: prints the same JSON line.

    python benches/peer_train.py 2 200
"""
import json
import math
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

NUMBERS, LAYERS, D, HEADS, D_MLP, BATCH = 100, 4, 64, 4, 256, 256


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(D))

    def forward(self, x):
        return F.rms_norm(x, (D,), self.weight, 1e-5)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln1, self.ln2 = Norm(), Norm()
        self.q, self.k, self.v, self.o = (nn.Linear(D, D, bias=False) for _ in range(4))
        self.gate, self.up = nn.Linear(D, D_MLP, bias=False), nn.Linear(D, D_MLP, bias=False)
        self.down = nn.Linear(D_MLP, D, bias=False)

    def forward(self, x, last):
        batch, pos, _ = x.shape
        heads = lambda y: y.view(batch, -1, HEADS, D // HEADS).transpose(1, 2)
        y = self.ln1(x)
        # The last layer is computed at the last position only; its query sees every key, so no mask is needed.
        queries = y[:, -1:] if last else y
        z = F.scaled_dot_product_attention(heads(self.q(queries)), heads(self.k(y)), heads(self.v(y)), is_causal=not last)
        x = (x[:, -1:] if last else x) + self.o(z.transpose(1, 2).reshape(batch, -1, D))
        y = self.ln2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.pos = nn.Embedding(NUMBERS + 5, D), nn.Parameter(torch.empty(4, D))
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.ln_final, self.unembed = Norm(), nn.Linear(D, NUMBERS + 5, bias=False)
        for name, p in self.named_parameters():
            if p.dim() >= 2:
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * LAYERS) if ".o." in name or ".down." in name else 0.02)

    def forward(self, tokens, last=True):
        x = self.embed(tokens) + self.pos
        for i, block in enumerate(self.blocks):
            x = block(x, last and i == LAYERS - 1)
        return self.unembed(self.ln_final(x))


def data():
    """Per operator: every legal prompt as tokens and answer, held out by operand pair."""
    pairs = torch.rand(NUMBERS, NUMBERS) < 0.2
    train, held = [], []
    for op, f in enumerate((lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a // b)):
        rows = [(a, NUMBERS + op, b, NUMBERS + 4, f(a, b)) for a in range(NUMBERS) for b in range(NUMBERS)
                if not (op == 3 and b == 0) and 0 <= f(a, b) < NUMBERS]
        rows = torch.tensor(rows)
        mask = pairs[rows[:, 0], rows[:, 2]]
        train.append(rows[~mask])
        held.append(rows[mask])
    return train, held


def main(threads, steps):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    train, held = data()
    start = time.perf_counter()
    model = Model()
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 1.0}, {"params": vectors, "weight_decay": 0.0}]
    opt = torch.optim.AdamW(groups, lr=2e-3, betas=(0.9, 0.98))
    rate = lambda s: (s + 1) / 100 if s < 100 else 0.5 * (1 + math.cos(math.pi * (s - 100) / max(steps - 100, 1)))
    decks = [torch.randperm(len(t)) for t in train]
    at = [0] * 4
    for step in range(1, steps + 1):
        rows = []
        for op, t in enumerate(train):
            if at[op] + BATCH // 4 > len(t):
                decks[op], at[op] = torch.randperm(len(t)), 0
            rows.append(t[decks[op][at[op]:at[op] + BATCH // 4]])
            at[op] += BATCH // 4
        rows = torch.cat(rows)
        for group in opt.param_groups:
            group["lr"] = 2e-3 * rate(step - 1)
        loss = F.cross_entropy(model(rows[:, :4])[:, -1], rows[:, 4])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        loss.item()
        if step % 100 == 0 or step == steps:
            with torch.no_grad():
                accuracy = [sum((model(b[:, :4])[:, -1].argmax(-1) == b[:, 4]).sum().item() for b in t.split(1024)) / len(t) for t in held]
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": [seconds], "examples": steps * BATCH}))
    return accuracy


if __name__ == "__main__":
    print(main(int(sys.argv[1]), int(sys.argv[2])), file=sys.stderr)

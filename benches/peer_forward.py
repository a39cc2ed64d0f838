"""PyTorch eager beside `cargo bench --bench speed -- forward …`: same arguments, same JSON line.

    python benches/peer_forward.py 2 benches/smollm2.json 64 5 all

Llama shapes run transformers' own LlamaForCausalLM with eager attention; the built-in model's shape the module below.
"""
import json
import sys
import time

import torch

from peer_train import Model

REPEAT_FOR = 1.5


def load(config):
    if config["model_type"] == "ablate":
        return Model()
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM._from_config(LlamaConfig(**config), attn_implementation="eager", torch_dtype=torch.float32)


def main(threads, path, batch, pos, logits):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    config = json.load(open(path))
    model = load(config).eval()
    ids = torch.arange(batch * pos).mul(7919).remainder(config["vocab_size"]).view(batch, pos)
    if config["model_type"] == "ablate":
        job = lambda: model(ids, last=logits == "last")
    else:
        job = lambda: model(ids, use_cache=False, logits_to_keep=int(logits == "last")).logits
    seconds = []
    with torch.no_grad():
        job()
        begin = time.perf_counter()
        while len(seconds) < 5 or time.perf_counter() - begin < REPEAT_FOR:
            start = time.perf_counter()
            job()
            seconds.append(time.perf_counter() - start)
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])

"""`generate` of transformers beside `cargo bench --bench speed -- generate …`: same arguments, same JSON line.

    python benches/peer_generate.py 2 benches/smollm2.json 1 16 64

Prompts of 16 tokens are continued by 64 tokens each, greedily, with keys and values kept, in transformers' own LlamaForCausalLM with
its fastest attention (sdpa); a hook adds a vector to the stream after the middle block wherever a token is read, at the prompt and at
each new token. Random weights; no token ends a text.
"""
import json
import sys
import time

import torch
import transformers
from transformers import LlamaConfig, LlamaForCausalLM

REPEAT_FOR = 1.5


def main(threads, path, batch, pos, tokens):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    transformers.utils.logging.set_verbosity_error()
    config = LlamaConfig(**json.load(open(path)))
    model = LlamaForCausalLM._from_config(config, attn_implementation="sdpa", dtype=torch.float32).eval()
    ids = torch.arange(batch * pos).mul(7919).remainder(config.vocab_size).view(batch, pos)
    vector = 0.1 * torch.sin(1 + torch.arange(config.hidden_size))

    def add(_module, _inputs, output):
        return (output[0] + vector, *output[1:]) if isinstance(output, tuple) else output + vector

    model.model.layers[config.num_hidden_layers // 2].register_forward_hook(add)
    asked = transformers.GenerationConfig(max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False, eos_token_id=None, pad_token_id=0)
    model.generation_config = asked
    mask = torch.ones_like(ids)
    job = lambda: model.generate(ids, attention_mask=mask, generation_config=asked)
    seconds = []
    with torch.no_grad():
        job()
        begin = time.perf_counter()
        while len(seconds) < 3 or time.perf_counter() - begin < REPEAT_FOR:
            start = time.perf_counter()
            job()
            seconds.append(time.perf_counter() - start)
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main(*(int(value) if value.isdigit() else value for value in sys.argv[1:]))

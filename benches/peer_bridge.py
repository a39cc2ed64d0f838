"""The jobs of peer_patching.py in TransformerLens 4's bridge, which took HookedTransformer's place: the same arguments, the same JSON line.

    python benches/peer_bridge.py map-last 2 benches/smollm2.json --limit 18

The model within it is transformers' own LlamaForCausalLM with random weights, so the configuration has to be one of Llama's shape.
Installed apart from TransformerLens 2 (transformer-lens==4.3.0 with --no-deps, rich): tests/fixtures/requirements.txt.
"""
import sys

import torch

import peer_patching

sys.path.append(str(peer_patching.HERE.parent / "tests" / "fixtures"))


def load(config, pos):
    from bridge import build_bridge_from_module
    from transformers import LlamaConfig, LlamaForCausalLM

    if config["model_type"] != "llama":
        sys.exit(f"the bridge wraps models of transformers, of which {config['model_type']} is none; write a configuration of Llama's shape")
    config = LlamaConfig(**config)
    dtype = torch.get_default_dtype()
    model = LlamaForCausalLM._from_config(config, attn_implementation="eager", torch_dtype=dtype).to(torch.get_default_device())
    return build_bridge_from_module(model, "LlamaForCausalLM", hf_config=config, dtype=dtype).eval()


if __name__ == "__main__":
    peer_patching.load = load
    peer_patching.command(__doc__, peer_patching.main)

#!/usr/bin/env python3
"""Prints how far ablate's logits are from transformers', for tiny random models of every family and configuration.

    python scripts/parity-table.py target/release/ablate            # all; a Markdown table, as in docs/models.md
    python scripts/parity-table.py target/release/ablate qwen2      # one family

Needs torch, transformers and safetensors. Every parameter is drawn at random, biases and norms too, and each model is saved by
transformers, so that the file is what a user has; the reference is transformers on that file, in f32 with eager attention, which is
what `attn_implementation="eager"` and `dtype=float32` give. All next-token logits of one prompt are compared. Exit code 1 where a model
is refused or differs by more than TOLERANCE of the largest logit.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch  # noqa: E402
import transformers  # noqa: E402

TOLERANCE = 1e-4
PROMPT = "When Anna and Bob went to the store, Bob gave 12 + 7 = 19 to"
VOCAB = 300

LLAMA = dict(hidden_size=48, intermediate_size=80, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=96)
GPT = dict(n_embd=48, n_inner=80, n_layer=3, n_head=4, n_positions=96)
NEOX = dict(hidden_size=64, intermediate_size=80, num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=96)
LINEAR = {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 32, "rope_theta": 500000.0}

# Family, configuration class, what is particular, settings over the family's, keys written into config.json afterwards.
CASES = [
    ("llama", "Llama", "two query heads for each key/value head", {}, {}),
    ("llama", "Llama", "one key/value head for each head", {"num_key_value_heads": 4}, {}),
    ("llama", "Llama", "heads wider than d_model / heads", {"head_dim": 20}, {}),
    ("llama", "Llama", "tied", {"tie_word_embeddings": True}, {}),
    ("llama", "Llama", "said to be tied, with an unembedding of its own", {}, {"tie_word_embeddings": True}),
    ("llama", "Llama", "biases in attention and MLP", {"attention_bias": True, "mlp_bias": True}, {}),
    ("llama", "Llama", "rotation scaled: linear", {"rope_parameters": LINEAR}, {}),
    ("llama", "Llama", "rotation scaled: llama3", {"rope_parameters": LLAMA3}, {}),
    ("llama", "Llama", "rope_scaling beside rope_parameters", {}, {"rope_scaling": LINEAR}),
    ("llama", "Llama", "stored in bf16", {"dtype": "bfloat16"}, {}),
    ("mistral", "Mistral", "no window", {"sliding_window": None}, {}),
    ("mistral", "Mistral", "a window longer than the prompt", {"sliding_window": 80}, {}),
    ("mistral", "Mistral", "a window of 16, the prompt longer", {"sliding_window": 16}, {}),
    ("qwen2", "Qwen2", "biases of q, k, v", {}, {}),
    ("qwen2", "Qwen2", "tied", {"tie_word_embeddings": True}, {}),
    ("qwen2", "Qwen2", "a window that no layer uses",
     {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 3}, {}),
    ("qwen2", "Qwen2", "a window of 16 in the last two layers",
     {"use_sliding_window": True, "sliding_window": 16, "max_window_layers": 1}, {}),
    ("gpt_neox", "GPTNeoX", "attention and MLP side by side", {}, {}),
    ("gpt_neox", "GPTNeoX", "one after the other", {"use_parallel_residual": False}, {}),
    ("gpt_neox", "GPTNeoX", "whole heads rotated", {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0,
                                                                       "partial_rotary_factor": 1.0}}, {}),
    ("gpt_neox", "GPTNeoX", "tied", {"tie_word_embeddings": True}, {}),
    ("gptj", "GPTJ", "part of each head rotated", {"rotary_dim": 4}, {}),
    ("gptj", "GPTJ", "whole heads rotated", {"rotary_dim": 12}, {}),
    ("gpt2", "GPT2", "tied", {}, {}),
    ("gpt2", "GPT2", "untied", {"tie_word_embeddings": False}, {}),
    ("gpt2", "GPT2", "scores divided by the layer's number", {"scale_attn_by_inverse_layer_idx": True}, {}),
    ("gpt2", "GPT2", "attention reordered and upcast", {"reorder_and_upcast_attn": True}, {}),
]
SETTINGS = {"gpt_neox": NEOX, "gptj": GPT, "gpt2": GPT}


def byte_tokenizer(folder):
    """One token per byte."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(f"{folder}/tokenizer.json")
    Path(f"{folder}/tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))


def random_model(kind, settings, seed):
    settings = {**settings, "vocab_size": VOCAB, "bos_token_id": None, "eos_token_id": None}
    dtype = getattr(torch, settings.pop("dtype", "float32"))
    config = getattr(transformers, f"{kind}Config")(**settings)
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=draw)
            if parameter.dim() == 2:
                parameter.copy_(noise / parameter.shape[-1] ** 0.5)
            else:
                is_scale = name.endswith("weight")
                parameter.copy_(0.3 * noise + (1.0 if is_scale else 0.0))
    return model.to(dtype)


def compared(program, kind, settings, edits, seed):
    """Tokens of the prompt, the largest logit, and the largest difference; or what the program says."""
    with tempfile.TemporaryDirectory() as folder:
        random_model(kind, settings, seed).save_pretrained(folder)
        byte_tokenizer(folder)
        path = Path(folder, "config.json")
        path.write_text(json.dumps({**json.loads(path.read_text()), **edits}))
        command = [program, "logits", folder, PROMPT, "--all", "--format", "json"]
        answer = subprocess.run(command, capture_output=True, text=True)
        if answer.returncode:
            return None, f"refused: {answer.stderr.strip().splitlines()[0]}"
        answer = json.loads(answer.stdout)[0]
        reference = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager"
        )
        with torch.no_grad():
            logits = reference.eval()(torch.tensor([answer["tokens"]])).logits[0, -1].double()
        found = torch.tensor(answer["logits"], dtype=torch.float64)[: len(logits)]
        return (len(answer["tokens"]), float(logits.abs().max()), float((found - logits).abs().max())), None


def main():
    program, *families = sys.argv[1:] or sys.exit(__doc__)
    torch.set_num_threads(1)
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    print("| family | configuration | largest logit | largest difference |\n|---|---|---|---|")
    wrong, worst = False, 0.0
    for seed, (family, kind, what, settings, edits) in enumerate(CASES):
        if families and family not in families:
            continue
        numbers, refusal = compared(program, kind, {**SETTINGS.get(family, LLAMA), **settings}, edits, seed)
        if refusal:
            wrong = True
            print(f"| `{family}` | {what} | | {refusal} |")
            continue
        tokens, largest, difference = numbers
        wrong |= difference > TOLERANCE * max(largest, 1.0)
        worst = max(worst, difference)
        print(f"| `{family}` | {what} | {largest:.1f} | {difference:.1e} |", flush=True)
    print(f"\nLargest of all: {worst:.1e}; one prompt of {len(PROMPT)} tokens; ablate {version}, "
          f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}, f32 on a CPU.")
    sys.exit(wrong)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Prints how far ablate's logits and activations are from transformers', for tiny random models of every family and configuration.

    python scripts/parity-table.py target/release/ablate            # all; a Markdown table, as in docs/models.md
    python scripts/parity-table.py target/release/ablate qwen2      # one family

Needs torch, transformers, safetensors and gguf. Every parameter is drawn at random, biases and norms too, and each model is saved by
transformers, so that the folder is what a user has; the reference is transformers on that folder, in f32 with eager attention, which is
what `attn_implementation="eager"` and `dtype=float32` give. All next-token logits of one prompt are compared, and, of the families that
tests/fixtures/sites.py can look into, every activation of every hook at every position, as a step `capture` keeps them.

GGUF files are those of tests/fixtures/gguf, which llama.cpp's converter made; as they have no tokens they are copied with a tokenizer
of one letter each, and their logits compared with transformers' on the folder beside them.

A difference is absolute where the value is below 1, and a share of it beyond. Exit code 1 where a model is refused or differs by more
than TOLERANCE.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch  # noqa: E402
import transformers  # noqa: E402

HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parent / "tests" / "fixtures"
sys.path.insert(0, str(FIXTURES))
from sites import PARTS, Hooked  # noqa: E402

TOLERANCE = 5e-5
PROMPT = "When Anna and Bob went to the store, Bob gave 12 + 7 = 19 to"
LETTERS = "(WHO?)ANNA=12+7;BOB=19"  # what a file of 64 letters can say
VOCAB = 300

LLAMA = dict(hidden_size=48, intermediate_size=80, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=96)
GPT = dict(n_embd=48, n_inner=80, n_layer=3, n_head=4, n_positions=96)
NEOX = dict(hidden_size=64, intermediate_size=80, num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=96)
LINEAR = {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 32, "rope_theta": 500000.0}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32, "rope_theta": 500000.0}
LONGROPE = {"rope_type": "longrope", "short_factor": [1.0, 1.1, 1.2, 1.4], "long_factor": [1.0, 2.0, 4.0, 8.0],
            "rope_theta": 10000.0, "partial_rotary_factor": 0.7}
# Of those that cap, windows are shorter than the prompt, and caps are where they change every score and logit.
GEMMA = dict(head_dim=16, query_pre_attn_scalar=20, sliding_window=16, bos_token_id=2, pad_token_id=0)
PLAIN = {"rope_type": "default", "rope_theta": 10000.0}


def by_kind(full, sliding=PLAIN):
    return {"rope_parameters": {"full_attention": full, "sliding_attention": sliding}}

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
    ("mistral", "Mistral", "a window of 16 in two layers of `layer_types`", {"sliding_window": 16},
     {"layer_types": ["sliding_attention", "full_attention", "sliding_attention"]}),
    ("qwen2", "Qwen2", "biases of q, k, v", {}, {}),
    ("qwen2", "Qwen2", "tied", {"tie_word_embeddings": True}, {}),
    ("qwen2", "Qwen2", "a window that no layer uses",
     {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 3}, {}),
    ("qwen2", "Qwen2", "a window of 16 in the last two layers",
     {"use_sliding_window": True, "sliding_window": 16, "max_window_layers": 1}, {}),
    ("qwen3", "Qwen3", "queries and keys normalised head by head", {"head_dim": 20}, {}),
    ("qwen3", "Qwen3", "tied, one key/value head, biases of attention",
     {"num_key_value_heads": 1, "tie_word_embeddings": True, "attention_bias": True, "head_dim": 12}, {}),
    ("qwen3", "Qwen3", "a window of 16 in the last two layers",
     {"use_sliding_window": True, "sliding_window": 16, "max_window_layers": 1, "head_dim": 16}, {}),
    ("qwen3", "Qwen3", "rotation scaled: yarn", {"rope_parameters": YARN, "head_dim": 16}, {}),
    ("gemma2", "Gemma2", "a window of 16 in every other layer, caps", {"attn_logit_softcapping": 3.0, "final_logit_softcapping": 2.0}, {}),
    ("gemma2", "Gemma2", "one key/value head, no caps",
     {"num_key_value_heads": 1, "attn_logit_softcapping": None, "final_logit_softcapping": None}, {}),
    ("gemma2", "Gemma2", "untied, caps as published", {"tie_word_embeddings": False}, {}),
    ("gemma2", "Gemma2", "stored in bf16", {"dtype": "bfloat16"}, {}),
    ("gemma3", "Gemma3Text", "two rotations, a window of 16 in five of six layers",
     {"num_hidden_layers": 6, **by_kind({"rope_type": "default", "rope_theta": 1000000.0})}, {}),
    ("gemma3", "Gemma3Text", "full attention scaled: linear",
     {"num_hidden_layers": 6, "num_key_value_heads": 1, **by_kind({"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0})}, {}),
    ("gemma3", "Gemma3Text", "logits capped, untied",
     {"final_logit_softcapping": 3.0, "tie_word_embeddings": False, "layer_types": ["full_attention", "sliding_attention"] * 2,
      "num_hidden_layers": 4}, {}),
    ("olmo2", "Olmo2", "norms after attention and MLP, queries and keys over all heads", {}, {}),
    ("olmo2", "Olmo2", "one key/value head, tied", {"num_key_value_heads": 1, "tie_word_embeddings": True}, {}),
    ("olmo2", "Olmo2", "biases of attention, rotation scaled: linear", {"attention_bias": True, "rope_parameters": LINEAR}, {}),
    ("olmo3", "Olmo3", "a window of 16 in three of four layers", {"num_hidden_layers": 4, "sliding_window": 16}, {}),
    ("olmo3", "Olmo3", "full attention scaled: yarn", {"num_hidden_layers": 4, "sliding_window": 16, **by_kind(YARN)}, {}),
    ("olmo3", "Olmo3", "one key/value head, stored in bf16",
     {"num_key_value_heads": 1, "sliding_window": 5, "num_hidden_layers": 4, "dtype": "bfloat16"}, {}),
    ("phi3", "Phi3", "fused projections, no window", {"num_key_value_heads": 4}, {}),
    ("phi3", "Phi3", "a window of 16", {"sliding_window": 16}, {}),
    ("phi3", "Phi3", "longrope, the prompt within the original context, part of each head rotated",
     {"rope_parameters": LONGROPE, "original_max_position_embeddings": 80, "max_position_embeddings": 320}, {}),
    ("phi3", "Phi3", "longrope, the prompt beyond it",
     {"rope_parameters": LONGROPE, "original_max_position_embeddings": 40, "max_position_embeddings": 160}, {}),
    ("smollm3", "SmolLM3", "every fourth layer not rotated", {"num_hidden_layers": 5}, {}),
    ("smollm3", "SmolLM3", "untied, one key/value head, the first layer not rotated",
     {"no_rope_layers": [0, 1, 1], "num_key_value_heads": 1, "tie_word_embeddings": False}, {}),
    ("smollm3", "SmolLM3", "a window of 16 where it does not rotate",
     {"use_sliding_window": True, "sliding_window": 16, "no_rope_layers": [1, 0, 0]}, {}),
    ("mixtral", "Mixtral", "two of four experts", {"num_local_experts": 4, "intermediate_size": 40}, {}),
    ("mixtral", "Mixtral", "three of five experts, a window of 16, stored in bf16",
     {"num_local_experts": 5, "num_experts_per_tok": 3, "intermediate_size": 40, "sliding_window": 16, "dtype": "bfloat16"}, {}),
    ("qwen3_moe", "Qwen3Moe", "two of six experts, their weights normalised",
     {"num_experts": 6, "num_experts_per_tok": 2, "norm_topk_prob": True, "moe_intermediate_size": 20, "head_dim": 16}, {}),
    ("qwen3_moe", "Qwen3Moe", "experts in the second layer alone",
     {"num_experts": 6, "num_experts_per_tok": 2, "decoder_sparse_step": 2, "moe_intermediate_size": 20, "head_dim": 16}, {}),
    ("olmoe", "Olmoe", "two of six experts, weights as they are",
     {"num_experts": 6, "num_experts_per_tok": 2, "intermediate_size": 20, "pad_token_id": 0}, {}),
    ("olmoe", "Olmoe", "queries, keys and values clipped",
     {"num_experts": 6, "num_experts_per_tok": 2, "intermediate_size": 20, "pad_token_id": 0, "clip_qkv": 0.5}, {}),
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
SETTINGS = {"gpt_neox": NEOX, "gptj": GPT, "gpt2": GPT, "gemma2": LLAMA | GEMMA, "gemma3": LLAMA | GEMMA, "phi3": LLAMA | {"pad_token_id": 0},
            "smollm3": LLAMA | {"pad_token_id": 0}}
GGUF = ["qwen3", "gemma2", "gemma3", "olmo2", "olmo3", "mistral", "phi3", "phi3-longrope", "smollm3", "llama-3.2"]


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
    settings = {"bos_token_id": None, "eos_token_id": None, **settings, "vocab_size": VOCAB}
    dtype = getattr(torch, settings.pop("dtype", "float32"))
    config = getattr(transformers, f"{kind}Config")(**settings)
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    draw = torch.Generator().manual_seed(seed)
    one = 0.0 if kind.startswith("Gemma") else 1.0  # Gemma's norms multiply by 1 + weight
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=draw)
            if parameter.dim() >= 2:
                parameter.copy_(noise / parameter.shape[-1] ** 0.5)
            else:
                is_scale = name.endswith("weight")
                parameter.copy_(0.3 * noise + (one if is_scale else 0.0))
    return model.to(dtype)


def eager(folder):
    eager = {"attn_implementation": "eager", "experts_implementation": "eager"}
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **eager).eval()


def far(found, wanted):
    """The largest difference: absolute up to unit scale, relative beyond. Masked scores are left out."""
    kept = wanted.isfinite()
    found, wanted = found.double()[kept], wanted.double()[kept]
    return float(((found - wanted).abs() / wanted.abs().clamp(min=1.0)).max())


class Refused(Exception):
    pass


def said(command):
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode:
        raise Refused(f"refused: {(answer.stderr.strip() or answer.stdout.strip()).splitlines()[0]}")
    return answer.stdout


def logits_of(program, source, prompt):
    """The tokens of the prompt and every logit of the next."""
    answer = json.loads(said([program, "logits", str(source), prompt, "--all", "--format", "json"]))[0]
    return torch.tensor([answer["tokens"]]), torch.tensor(answer["logits"], dtype=torch.float64)


def hooks_of(model, values):
    """Those that there are here: none under two names, none of a rotation that is not made."""
    follows = any("ln1_post" in name for name in values)
    absent = () if follows else ("attn.hook_out", "mlp.hook_out")
    still = tuple(f"blocks.{layer}.attn.hook_rot_" for layer, block in enumerate(Hooked(model).blocks)
                  if not getattr(block.self_attn, "use_rope", True))
    return [name for name in values if not name.endswith(absent) and not name.startswith(still)]


def activations_of(program, folder, hooks):
    """Every activation of the prompt, by hook."""
    from safetensors.torch import load_file

    spec = f"""
title = "parity"
[model]
source = {json.dumps(str(folder))}
processing = {{ fold_norm = false, center_unembed = false, center_writing = false }}
[prompts]
template = {json.dumps(PROMPT[:-1] + "{letter}")}
completion = "{{letter}}"
rows = [{{ letter = {json.dumps(PROMPT[-1])} }}]
answer = "multi-token"
[[step]]
name = "kept"
kind = "capture"
sites = {json.dumps(hooks)}
positions = ["all"]
[run]
store = {json.dumps(str(Path(folder, "store")))}
[output]
dir = {json.dumps(str(Path(folder, "results")))}
"""
    Path(folder, "parity.toml").write_text(spec)
    said([program, "run", str(Path(folder, "parity.toml"))])
    return load_file(Path(folder, "results", "activations", "kept.safetensors"))


def compared(program, kind, settings, edits, seed):
    """The largest logit; the largest difference of logits; of activations, with its hook."""
    with tempfile.TemporaryDirectory() as folder:
        random_model(kind, settings, seed).save_pretrained(folder)
        byte_tokenizer(folder)
        path = Path(folder, "config.json")
        path.write_text(json.dumps({**json.loads(path.read_text()), **edits}))
        tokens, found = logits_of(program, folder, PROMPT)
        model = eager(folder)
        with torch.no_grad():
            logits = model(tokens).logits[0, -1]
        largest, difference = float(logits.abs().max()), far(found[: len(logits)], logits)
        if model.config.model_type not in PARTS:
            return largest, difference, None
        with torch.no_grad():
            _, values = Hooked(model).run(tokens)
        hooks = hooks_of(model, values)
        kept = activations_of(program, folder, hooks)
        assert torch.equal(kept["tokens"], tokens), "other tokens"
        return largest, difference, max((far(kept[hook], values[hook]), hook) for hook in hooks)


def with_letters(source, target):
    """A GGUF file with 63 tokens of one letter each, and one of two, as there must be one."""
    import gguf

    reader = gguf.GGUFReader(source)
    text = lambda field: bytes(field.parts[field.data[0]]).decode()
    writer = gguf.GGUFWriter(target, text(reader.fields["general.architecture"]))
    for name, field in reader.fields.items():
        if name.startswith(("GGUF.", "tokenizer.")) or name == "general.architecture":
            continue
        kinds = field.types
        if kinds[0] == gguf.GGUFValueType.ARRAY:
            writer.add_key_value(name, [field.parts[at].tolist()[0] for at in field.data], kinds[0], sub_type=kinds[1])
        else:
            value = text(field) if kinds[0] == gguf.GGUFValueType.STRING else field.parts[field.data[0]].tolist()[0]
            writer.add_key_value(name, value, kinds[0])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([chr(33 + token) for token in range(63)] + ["=="])
    writer.add_token_types([gguf.TokenType.NORMAL] * 64)
    writer.add_token_merges(["= ="])
    writer.add_add_bos_token(False)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def compared_file(program, name):
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, f"{name}.gguf")
        with_letters(FIXTURES / "gguf" / f"{name}.gguf", target)
        tokens, found = logits_of(program, target, LETTERS)
        with torch.no_grad():
            logits = eager(FIXTURES / "gguf" / name)(tokens).logits[0, -1]
        return float(logits.abs().max()), far(found, logits), None


def rows(program):
    """Family, source, what is particular, and what compares it."""
    for seed, (family, kind, what, settings, edits) in enumerate(CASES):
        settings = {**SETTINGS.get(family, LLAMA), **settings}
        yield family, "folder", what, lambda: compared(program, kind, settings, edits, seed)
    for name in GGUF:
        family = {"phi3-longrope": "phi3", "llama-3.2": "llama"}.get(name, name)
        yield family, "GGUF", f"`tests/fixtures/gguf/{name}.gguf`", lambda: compared_file(program, name)


def main():
    program, *families = sys.argv[1:] or sys.exit(__doc__)
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    version = said([program, "--version"]).split()[-1]
    print("| family | source | configuration | largest logit | of logits | of activations, where |\n|---|---|---|---|---|---|")
    wrong, worst, worst_hook = False, 0.0, 0.0
    for family, source, what, compare in rows(program):
        if families and family not in families:
            continue
        row = f"| `{family}` | {source} | {what} |"
        try:
            largest, difference, activations = compare()
        except Refused as refusal:
            wrong = True
            print(f"{row} | {refusal} | |", flush=True)
            continue
        worst = max(worst, difference)
        told = ""
        if activations:
            worst_hook = max(worst_hook, activations[0])
            told = f"{activations[0]:.1e}, `{re.sub('^blocks[.]', '', activations[1])}`"
        wrong |= max(difference, activations[0] if activations else 0.0) > TOLERANCE
        print(f"{row} {largest:.1f} | {difference:.1e} | {told} |", flush=True)
    print(f"\nLargest of all: {worst:.1e} of logits, {worst_hook:.1e} of activations; one prompt of {len(PROMPT)} tokens, of GGUF files "
          f"{len(LETTERS)};\nablate {version}, transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}, f32 on a CPU.")
    sys.exit(wrong)


if __name__ == "__main__":
    main()

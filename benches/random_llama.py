"""Folders of random weights: a Llama of any configuration, as safetensors, a file a layer."""
import json
import pathlib
import shutil

import numpy as np

# Values that are drawn of a matrix; they come again and again in it. Odd, so that no two rows are the same.
DRAWN = (1 << 20) + 1

# By what safetensors calls values: what config.json calls them, and their bytes.
DTYPES = {"BF16": ("bfloat16", 2), "F32": ("float32", 4)}


def shapes(config, layers):
    """Shapes of the tensors, by file and name."""
    width, hidden, vocabulary = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    d_head = config.get("head_dim") or width // config["num_attention_heads"]
    queries, keys = d_head * config["num_attention_heads"], d_head * config["num_key_value_heads"]
    block = {
        "self_attn.q_proj": (queries, width), "self_attn.k_proj": (keys, width), "self_attn.v_proj": (keys, width),
        "self_attn.o_proj": (width, queries), "mlp.gate_proj": (hidden, width), "mlp.up_proj": (hidden, width),
        "mlp.down_proj": (width, hidden), "input_layernorm": (width,), "post_attention_layernorm": (width,),
    }
    files = {"ends": {"model.embed_tokens.weight": (vocabulary, width), "lm_head.weight": (vocabulary, width), "model.norm.weight": (width,)}}
    for layer in range(layers):
        files[f"layer-{layer}"] = {f"model.layers.{layer}.{name}.weight": shape for name, shape in block.items()}
    return files


def write_file(path, tensors, dtype, random):
    """Random matrices by name and shape; norms are ones."""
    header, offset = {}, 0
    for name, shape in tensors.items():
        size = DTYPES[dtype][1] * int(np.prod(shape))
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for shape in tensors.values():
            count = int(np.prod(shape))
            drawn = np.ones(1, dtype=np.float32) if len(shape) == 1 else np.float32(0.02) * random.standard_normal(min(DRAWN, count), dtype=np.float32)
            stored = (drawn.view(np.uint32) >> 16).astype(np.uint16) if dtype == "BF16" else drawn
            np.resize(stored, count).tofile(file)


def write_folder(folder, config, layers, dtype):
    """Writes the model, unless it is there; the index is the last of its files."""
    index = folder / "model.safetensors.index.json"
    if index.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(1)
    files = shapes(config, layers)
    for name, tensors in files.items():
        write_file(folder / f"{name}.safetensors", tensors, dtype, random)
    described = {**config, "num_hidden_layers": layers, "tie_word_embeddings": False, "torch_dtype": DTYPES[dtype][0]}
    (folder / "config.json").write_text(json.dumps(described))
    shutil.copy(pathlib.Path(__file__).resolve().parent.parent / "experiments/models/arith/tokenizer.json", folder / "tokenizer.json")
    index.write_text(json.dumps({"weight_map": {tensor: f"{name}.safetensors" for name, tensors in files.items() for tensor in tensors}}))

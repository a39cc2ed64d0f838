"""A large model in the memory that its files take: peak memory and seconds of a small map in f32 with `storage = "as-stored"`.

    python benches/as_stored.py BINARY [--format gguf|bf16] [--config tests/fixtures/configs/llama3-8b.json] [--layers 32] [--distinct 32] [--memory MIB] [--prompts 2] [--folder FOLDER]

Writes random weights of the configuration's shape (a Llama). `gguf`: blocks of the formats that llama.cpp's Q4_K_M mixes, which are Q6_K for the
unembedding and, in half of the layers, for values and down-projections, and Q4_K for all else. `bf16`: safetensors, a file a layer. Of a GGUF file, `--distinct` layers
are written, and the others are those again: a model that the disk has no room for. `--memory`: `memory_mib` of the model. Needs numpy and gguf. Prints Markdown: bytes of the files, peak of the whole run (`ru_maxrss`), seconds.
"""
import argparse
import json
import os
import pathlib
import subprocess
import tempfile
import time

import gguf
import numpy as np

import random_llama

HERE = pathlib.Path(__file__).resolve().parent
Q4_K, Q6_K = gguf.GGMLQuantizationType.Q4_K, gguf.GGMLQuantizationType.Q6_K
# Values of a block, and where its scales in half precision are.
BLOCK = 256
SCALES = {Q4_K: (0, 2), Q6_K: (208,)}
# Blocks of a matrix that are drawn; they come again and again in it.
DRAWN = 1 << 12

SPEC = """
title = "as stored"
[model]
source = "{source}"
storage = "as-stored"
{memory}
[prompts]
template = "{{a}}{{op}}{{b}}="
operands = {{ a = "0..100", b = "0..100" }}
operators = ["+"]
answer = "multi-token"
sample = {prompts}
[run]
memory_mib = 256
[[step]]
name = "map"
kind = "activation-patching"
sites = ["mlp_out"]
positions = ["last"]
bootstrap = 0
"""


def matrix(random, kind, rows, columns):
    """Random blocks whose scales are of the size of a trained model's."""
    size = gguf.GGML_QUANT_SIZES[kind][1]
    drawn = random.integers(0, 256, (DRAWN, size), dtype=np.uint8)
    for at in SCALES[kind]:
        scale = np.float16(2e-5 if kind == Q6_K else 2e-4)
        drawn[:, at : at + 2] = np.frombuffer(scale.tobytes(), dtype=np.uint8)
    count = rows * columns // BLOCK
    return np.resize(drawn, (count, size)).reshape(rows, -1)


class RepeatingWriter(gguf.GGUFWriter):
    """Tensors without data of their own have that of the tensor that `same_as` names."""

    def __init__(self, path, architecture):
        super().__init__(path, architecture)
        self.same_as = {}

    def write_ti_data_to_file(self):
        tensors, offset, offsets = self.tensors[0], 0, {}
        for name, info in tensors.items():
            if name not in self.same_as:
                offsets[name] = offset
                offset += self.ggml_pad(info.nbytes, self.data_alignment)
        for name, info in tensors.items():
            described = self._pack_val(name, gguf.GGUFValueType.STRING, add_vtype=False) + self._pack("I", len(info.shape))
            for extent in reversed(info.shape):
                described += self._pack("Q", extent)
            self.fout[0].write(described + self._pack("I", info.dtype) + self._pack("Q", offsets[self.same_as.get(name, name)]))
        self.state = gguf.gguf_writer.WriterState.TI_DATA

    def write_tensors_to_file(self):
        self.write_ti_data_to_file()
        self.write_padding(self.fout[0], self.fout[0].tell())
        for info in self.tensors[0].values():
            if info.tensor is not None:
                info.tensor.tofile(self.fout[0])
                self.write_padding(self.fout[0], info.nbytes)


def write_gguf(path, config, layers, distinct):
    random = np.random.default_rng(1)
    width, hidden, vocabulary = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    d_head = width // config["num_attention_heads"]
    writer = RepeatingWriter(str(path), "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(hidden)
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_rope_dimension_count(d_head)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(vocabulary)
    tokens = [str(number) for number in range(100)] + ["+", "="]
    tokens += [f"<unused{number}>" for number in range(vocabulary - len(tokens))]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * vocabulary)
    # Numbers of two digits are single tokens.
    writer.add_token_merges([f"{number // 10} {number % 10}" for number in range(10, 100)])
    writer.add_add_bos_token(False)

    def add(name, kind, rows, columns):
        writer.add_tensor(name, matrix(random, kind, rows, columns), raw_dtype=kind)

    def again(name, of):
        info = writer.tensors[0][of]
        writer.tensors[0][name] = gguf.gguf_writer.TensorInfo(shape=info.shape, dtype=info.dtype, nbytes=info.nbytes)
        writer.same_as[name] = of

    ones = np.ones(width, dtype=np.float32)
    add("token_embd.weight", Q4_K, vocabulary, width)
    add("output.weight", Q6_K, vocabulary, width)
    writer.add_tensor("output_norm.weight", ones)
    keys = config["num_key_value_heads"] * d_head
    for layer in range(distinct):
        wide = Q6_K if layer % 2 == 0 else Q4_K
        matrices = [
            ("attn_q", Q4_K, width, width),
            ("attn_k", Q4_K, keys, width),
            ("attn_v", wide, keys, width),
            ("attn_output", Q4_K, width, width),
            ("ffn_gate", Q4_K, hidden, width),
            ("ffn_up", Q4_K, hidden, width),
            ("ffn_down", wide, width, hidden),
        ]
        for name, kind, rows, columns in matrices:
            add(f"blk.{layer}.{name}.weight", kind, rows, columns)
        writer.add_tensor(f"blk.{layer}.attn_norm.weight", ones)
        writer.add_tensor(f"blk.{layer}.ffn_norm.weight", ones)
    for layer in range(distinct, layers):
        first = f"blk.{layer % distinct}."
        for of in [name for name in writer.tensors[0] if name.startswith(first)]:
            again(of.replace(first, f"blk.{layer}."), of)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_bf16(folder, config, layers, _):
    random_llama.write_folder(folder, config, layers, "BF16")


WRITERS = {"gguf": write_gguf, "bf16": write_bf16}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=os.path.abspath)
    parser.add_argument("--format", choices=WRITERS, default="gguf")
    parser.add_argument("--config", type=pathlib.Path, default=HERE.parent / "tests/fixtures/configs/llama3-8b.json")
    parser.add_argument("--layers", type=int, help="as many as the configuration says, left out")
    parser.add_argument("--distinct", type=int, help="all of them, left out")
    parser.add_argument("--memory", type=int, help="all weights are held, left out")
    parser.add_argument("--prompts", type=int, default=2)
    parser.add_argument("--folder", type=pathlib.Path, help="where the model is written, and left")
    options = parser.parse_args()
    config = json.loads(options.config.read_text())
    layers = options.layers or config["num_hidden_layers"]
    with tempfile.TemporaryDirectory() as temporary:
        temporary = pathlib.Path(temporary)
        path = (options.folder or temporary).resolve() / f"{options.config.stem}-{layers}.{options.format}"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            WRITERS[options.format](path, config, layers, min(options.distinct or layers, layers))
        spec = temporary / "spec.toml"
        memory = f"memory_mib = {options.memory}" if options.memory else ""
        spec.write_text(SPEC.format(source=path, prompts=options.prompts, memory=memory))
        started = time.monotonic()
        command = [options.binary, "run", str(spec), "-q", "--force", "--set", f"output.dir={temporary / 'out'}"]
        process = subprocess.Popen(command, env={**os.environ, "ABLATE_CACHE": "off"})
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            raise SystemExit(f"{' '.join(command)} failed")
        files = [path] if path.is_file() else path.glob("*.safetensors")
        seconds = time.monotonic() - started
        steps = json.loads((temporary / "out/manifest.json").read_text())["steps"]
        read = sum(step.get("bytes_read", 0) for step in steps) / 1e9
        print("| bytes of the files | peak of the run, MiB | GB read while it ran | seconds |\n|---|---|---|---|")
        print(f"| {sum(file.stat().st_size for file in files):,} | {usage.ru_maxrss / 1024:,.0f} | {read:.1f} | {seconds:.1f} |")

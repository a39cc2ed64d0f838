"""A model larger than the memory it is given, beside the same model in memory: the last-position map of heads and MLPs, by turns.

    python benches/larger_than_memory.py BINARY [--layers 28] [--memory 4096] [--prompts 10] [--rounds 3] [--sites SITES] [--folder FOLDER]
    python benches/larger_than_memory.py BINARY --config tests/fixtures/configs/llama3-70b.json --dtype bf16 --memory 14000 --prompts 1 --sites mlp_out --alone

Writes a random model of Llama-3.2-3B's width to the disk, in shards of one layer each (28 layers: 12 GB in f32), or takes random weights
of the shape of a configuration, and runs a spec whose first step opens the model and whose second is timed. Prints Markdown: seconds,
bytes read, peak memory of the whole run (`ru_maxrss`), and how fast the streamed run is beside the other. `--memory` is what the whole
process may take, in MiB: the model gets what is left beside two layers, activations and the program.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile

import random_llama

# The model that is written: of Llama-3.2-3B's width.
CONFIG = {
    "model_type": "llama", "vocab_size": 32000, "hidden_size": 3072, "intermediate_size": 8192, "num_attention_heads": 24,
    "num_key_value_heads": 8, "head_dim": 128, "max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu",
}
# Of activations, and of the program itself.
ACTIVATIONS, PROGRAM = 384, 128

SPEC = """
title = "larger than memory"
[model]
source = "{source}"
dtype = "{dtype}"
{memory}
[prompts]
template = "{{a}}{{op}}{{b}}="
operands = {{ a = "0..100", b = "0..100" }}
operators = ["+"]
sample = {prompts}
[run]
memory_mib = {activations}
[[step]]
name = "open"
kind = "logit-lens"
[[step]]
name = "map"
kind = "activation-patching"
sites = {sites}
positions = ["last"]
needs = ["open"]
bootstrap = 0
"""


def run(binary, folder, **spec):
    """Seconds of the timed step, bytes that it read, and the peak of the run in MiB."""
    path, out = folder / "spec.toml", folder / "out"
    path.write_text(SPEC.format(activations=ACTIVATIONS, **spec))
    command = [binary, "run", str(path), "-q", "--force", "--set", f"output.dir={out}"]
    process = subprocess.Popen(command, env={**os.environ, "ABLATE_CACHE": str(folder / "store")})
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(command)} failed")
    manifest = json.loads((out / "manifest.json").read_text())
    step = next(step for step in manifest["steps"] if step["name"] == "map")
    return step["seconds"], step.get("bytes_read", 0), usage.ru_maxrss / 1024


def layer_mib(binary, source, dtype):
    facts = json.loads(subprocess.run([binary, "model", source, "--dtype", dtype, "--json"], check=True, capture_output=True).stdout)
    shape = facts["facts"]
    kv = 2 * shape["d_model"] * shape["d_head"] * shape["n_kv_heads"]
    weights = 2 * shape["d_model"] * shape["d_head"] * shape["n_heads"] + kv + 3 * shape["d_model"] * shape["d_mlp"]
    return weights * (4 if dtype == "f32" else 2) / 2**20


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=os.path.abspath)
    parser.add_argument("--layers", type=int, default=28)
    parser.add_argument("--config", type=os.path.abspath, help="a configuration: its shape with random weights, made as they are read")
    parser.add_argument("--dtype", default="f32")
    parser.add_argument("--memory", type=int, default=4096)
    parser.add_argument("--prompts", type=int, default=10)
    parser.add_argument("--sites", default="z[head],mlp_out", help="what the map patches, with commas between")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--alone", action="store_true", help="not beside the model in memory")
    parser.add_argument("--folder", type=pathlib.Path, help="where the model is written, and left")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        temporary = pathlib.Path(temporary)
        if options.config:
            source = f"random:{options.config}#1"
        else:
            folder = (options.folder or temporary / "model").resolve()
            random_llama.write_folder(folder, CONFIG, options.layers, "F32")
            source = str(folder)
        layer = layer_mib(options.binary, source, options.dtype)
        budget = int(options.memory - 2 * layer - ACTIVATIONS - PROGRAM)
        shared = dict(source=source, dtype=options.dtype, prompts=options.prompts, sites=json.dumps(options.sites.split(",")))
        plan = temporary / "plan.toml"
        plan.write_text(SPEC.format(activations=ACTIVATIONS, memory=f"memory_mib = {budget}", **shared))
        print(subprocess.run([options.binary, "plan", str(plan)], check=True, capture_output=True, text=True).stdout)
        ways = [("streamed", f"memory_mib = {budget}")] + ([] if options.alone else [("in memory", "")])
        rounds = {name: [] for name, _ in ways}
        for _ in range(options.rounds):
            for name, memory in ways:
                rounds[name].append(run(options.binary, temporary, memory=memory, **shared))
        print("| | seconds (least to most) | GB read | peak of the run, MiB |\n|---|---|---|---|")
        for name, said in rounds.items():
            seconds = [one[0] for one in said]
            spread = f"{statistics.median(seconds):.1f} ({min(seconds):.1f}–{max(seconds):.1f})"
            print(f"| {name} | {spread} | {said[0][1] / 1e9:.1f} | {max(one[2] for one in said):.0f} |")
        if not options.alone:
            ratio = statistics.median(whole[0] / streamed[0] for streamed, whole in zip(rounds["streamed"], rounds["in memory"]))
            print(f"\nspeed of the streamed run beside the other: {ratio:.2f}")

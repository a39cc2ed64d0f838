"""What parts of a run cost beside the cells' own time: processor seconds of one run, and of the same in parts and gathered.

    python benches/shards.py target/release/ablate [CELLS] [PARTS] [PROMPTS]

There are two cells in each variant. PROMPTS make a cell longer: with 4 it takes about a millisecond, so that all is cost; with 1500 about a second.
Processor seconds of the processes, so that other work on the machine counts little. One run keeps nothing in a store; parts put
everything there, and the run that gathers takes it out again.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SPEC = """
title = "cells"
run.threads = 1
model.source = "builtin:arith"
prompts = {{ operands = {{ a = "0..60", b = "1..60" }}, operators = ["+", "-"], sample = {prompts} }}
matrix.skip = {{ key = "prompts.skip", values = [{values}] }}

[[step]]
name = "effects"
kind = "activation-patching"
sites = ["z[head]"]
positions = ["last"]

[[step]]
name = "mlps"
kind = "activation-patching"
sites = ["mlp_out"]

[[table]]
name = "heads"
from = "effects"
group_by = ["layer", "head"]
aggregate = {{ effect = "mean(mean)" }}
"""


def processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def timed(what: str, *arguments: str) -> float:
    """Runs the program; its processor seconds."""
    before, began = processor(), time.monotonic()
    subprocess.run([program, "run", "spec.toml", "--quiet", *arguments], check=True)
    used = processor() - before
    print(f"{what:24} {used:8.2f} s of processor, {time.monotonic() - began:8.2f} s", flush=True)
    return used


program = str(Path(sys.argv[1]).resolve())
cells = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
parts = int(sys.argv[3]) if len(sys.argv) > 3 else 10
prompts = int(sys.argv[4]) if len(sys.argv) > 4 else 4
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    os.environ["ABLATE_CACHE"] = f"{folder}/store"
    values = ", ".join(map(str, range(cells // 2)))
    Path("spec.toml").write_text(SPEC.format(values=values, prompts=prompts), encoding="utf-8")
    whole = timed("one run", "--no-store", "--set", "output.dir=whole")
    shared = [timed(f"part {part}/{parts}", "--shard", f"{part}/{parts}") for part in range(1, parts + 1)]
    gathered = timed("gathered", "--gather")
    for name in ["rows/effects.parquet", "tables/heads.csv"]:
        assert (Path("whole") / name).read_bytes() == (Path("results/spec") / name).read_bytes(), name
    beside = sum(shared) + gathered - whole
    print(f"parts: {sum(shared) / whole - 1:+.1%} beside one run; with gathering: {beside / whole:+.1%}")
    print(f"a cell takes {whole / cells * 1e3:.1f} ms in one run; parts and gathering take {beside / cells * 1e3:.1f} ms more")

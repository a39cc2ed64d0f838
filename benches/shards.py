"""What parts of a run cost beside the cells' own time: processor seconds of one run, and of the same in parts and gathered.

    python benches/shards.py target/release/ablate [CELLS] [PARTS]

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
prompts = {{ operands = {{ a = "0..60", b = "1..60" }}, operators = ["+", "-"], sample = 100 }}
matrix.skip = {{ key = "prompts.skip", values = [{values}] }}

[[step]]
name = "effects"
kind = "activation-patching"
sites = ["z[head]"]
positions = ["last"]

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
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    os.environ["ABLATE_CACHE"] = f"{folder}/store"
    values = ", ".join(map(str, range(cells)))
    Path("spec.toml").write_text(SPEC.format(values=values), encoding="utf-8")
    whole = timed("one run", "--no-store", "--set", "output.dir=whole")
    shared = [timed(f"part {part}/{parts}", "--shard", f"{part}/{parts}") for part in range(1, parts + 1)]
    gathered = timed("gathered", "--gather")
    for name in ["rows/effects.parquet", "tables/heads.csv"]:
        assert (Path("whole") / name).read_bytes() == (Path("results/spec") / name).read_bytes(), name
    print(f"parts: {sum(shared) / whole - 1:+.1%} beside one run; with gathering: {(sum(shared) + gathered) / whole - 1:+.1%}")

"""Runs ablate's speed bench and PyTorch eager by turns and prints medians, spreads and ratios as Markdown.

    cargo bench --bench speed --no-run          # prints the path of the executable
    python benches/compare.py EXECUTABLE [--threads 2] [--rounds 5] [--only TEXT]

Both sides run the same job in a process of their own, one after the other, round by round, so that a change in the
machine's load meets both. A round's time is the median of its repeats; the table shows the median of the rounds, their
range, and the median of the rounds' ratios (ablate's time by PyTorch's: below 1 is faster).
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
JOBS = [
    ("forward, built-in model, batch 1", "forward", ["benches/arith.json", "1", "4", "all"]),
    ("forward, built-in model, batch 64", "forward", ["benches/arith.json", "64", "4", "all"]),
    ("forward, SmolLM2's shape, batch 1", "forward", ["benches/smollm2.json", "1", "5", "all"]),
    ("forward, SmolLM2's shape, batch 64", "forward", ["benches/smollm2.json", "64", "5", "all"]),
    ("forward, SmolLM2's shape, batch 64, last position's logits", "forward", ["benches/smollm2.json", "64", "5", "last"]),
    ("training, built-in model, 100 steps of batch 256", "train", ["100"]),
]


def run(command):
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return statistics.median(json.loads(done.stdout.splitlines()[-1])["seconds"])


def row(name, job, arguments, options):
    ours, theirs = [], []
    for _ in range(options.rounds):
        ours.append(run([options.executable, job, str(options.threads), *arguments]))
        theirs.append(run([options.python, f"benches/peer_{job}.py", str(options.threads), *arguments]))
    ratio = statistics.median(a / b for a, b in zip(ours, theirs))
    cell = lambda times: f"{1e3 * statistics.median(times):.2f} ({1e3 * min(times):.2f}–{1e3 * max(times):.2f})"
    print(f"| {name} | {options.threads} | {cell(ours)} | {cell(theirs)} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("executable", type=os.path.abspath)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    print("| job | threads | ablate, ms | PyTorch eager, ms | ratio |\n|---|---|---|---|---|")
    for name, job, arguments in JOBS:
        if options.only in name:
            row(name, job, arguments, options)

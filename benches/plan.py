"""What `ablate plan` predicts beside what a run takes, step by step, as Markdown.

    python benches/plan.py BINARY SPEC... [--set KEY=VALUE ...]

Nothing is taken from the store. `measured` is the manifest's: from the step's start to its rows, the model's opening within the first
step that uses it. Steps without a prediction are left out.
"""
import argparse
import json
import os
import pathlib
import subprocess
import tempfile


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    # 1: ran, but expectations differ.
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stdout


def predicted(text):
    """Seconds by step, from the plan's table."""
    lines = iter(text.splitlines())
    heading = next(line for line in lines if line.split()[:2] == ["step", "model"])
    end = heading.index("seconds") + len("seconds")
    seconds = {}
    for line in lines:
        if not line.strip():
            break
        cell = line[:end].split()[-1]
        if cell != "-":
            step = line.split()[0]
            seconds[step] = seconds.get(step, 0.0) + float(cell)
    return seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=os.path.abspath)
    parser.add_argument("specs", nargs="+")
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    sets = [part for pair in options.set for part in ("--set", pair)]
    print("| spec | step | kind | predicted, s | measured, s | measured by predicted |\n|---|---|---|---|---|---|")
    for spec in options.specs:
        plan = predicted(run([options.binary, "plan", spec, *sets]))
        with tempfile.TemporaryDirectory() as folder:
            run([options.binary, "run", spec, "-q", "--no-store", "--set", f"output.dir={folder}", *sets])
            steps = json.loads((pathlib.Path(folder) / "manifest.json").read_text())["steps"]
        rows = [(step["name"], step["kind"], plan[step["name"]], step["seconds"]) for step in steps if step["name"] in plan]
        rows.append(("in all", "", sum(row[2] for row in rows), sum(row[3] for row in rows)))
        for step, kind, said, took in rows:
            print(f"| {pathlib.Path(spec).stem} | {step} | {kind} | {said:.2f} | {took:.2f} | {took / max(said, 1e-3):.1f} |", flush=True)

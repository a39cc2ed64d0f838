"""What `ablate plan` predicts beside what a run takes, step by step, as Markdown.

    python benches/plan.py BINARY SPEC... [--set KEY=VALUE ...]
    python benches/plan.py BINARY SPEC... --against OTHER [--times N]     # how long planning them takes, by turns with another build
    python benches/plan.py BINARY SPEC... --share [--times N]             # how long planning each takes, and what share of its run that is

Nothing is taken from the store. `measured` is the manifest's: from the step's start to its rows, the model's opening within the first
step that uses it. Steps without a prediction are left out.
"""
import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import tempfile
import time


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


def planning(binary, specs, sets):
    """Seconds of planning all of them, and of processor time: on a machine that others use too the latter says more."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    run([binary, "plan", *specs, *sets])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(binary, other, specs, sets, times):
    """Medians of both builds, by turns, without a store."""
    os.environ["ABLATE_CACHE"] = "off"
    pairs = [(planning(other, specs, sets), planning(binary, specs, sets)) for _ in range(times)]
    print("| | other, s | this, s | other by this |\n|---|---|---|---|")
    for number, what in enumerate(["wall", "processor"]):
        median = [statistics.median(pair[which][number] for pair in pairs) for which in (0, 1)]
        ratio = statistics.median(pair[0][number] / pair[1][number] for pair in pairs)
        print(f"| {what} | {median[0]:.2f} | {median[1]:.2f} | {ratio:.1f} |")


def share(binary, specs, sets, times):
    """Medians of the plan's and the run's wall time of each spec, by turns, without a store."""
    os.environ["ABLATE_CACHE"] = "off"
    print("| spec | plan, s | run, s | plan by run |\n|---|---|---|---|")
    for spec in specs:
        pairs = []
        for _ in range(times):
            planned, _ = planning(binary, [spec], sets)
            with tempfile.TemporaryDirectory() as folder:
                start = time.perf_counter()
                run([binary, "run", spec, "-q", "--no-store", "--set", f"output.dir={folder}", *sets])
                pairs.append((planned, time.perf_counter() - start))
        plan, whole = (statistics.median(pair[which] for pair in pairs) for which in (0, 1))
        ratio = statistics.median(planned / took for planned, took in pairs)
        print(f"| {pathlib.Path(spec).stem} | {plan:.2f} | {whole:.2f} | {ratio:.3f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=os.path.abspath)
    parser.add_argument("specs", nargs="+")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--against", type=os.path.abspath, metavar="OTHER")
    parser.add_argument("--share", action="store_true")
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    sets = [part for pair in options.set for part in ("--set", pair)]
    if options.against:
        compare(options.binary, options.against, options.specs, sets, options.times)
        raise SystemExit
    if options.share:
        share(options.binary, options.specs, sets, options.times)
        raise SystemExit
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

"""How long a run takes before its first line, and in all, when the store has every step.

    python benches/begin.py OLD NEW [SPEC …] [--pairs 10] [--cold]

OLD and NEW are two programs. Each has a store of its own, which its first run of a spec fills; then both run it by turns, and what is
shown is the median over the pairs, the least and the most, and the median of the quotients of the pairs. `first` is the time to the
first line that a run writes, `all` to its end, `cpu` the processor time that it took. With --cold nothing is in the store: `ablate new`
and the first run of the starter, in a new folder and with a new store each time.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path


def timed(command, folder, environment):
    """Seconds to the first line, to the end, and of processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    first = None
    text = b""
    while part := os.read(process.stderr.fileno(), 1 << 16):
        if first is None:
            first = time.perf_counter() - started
        text += part
    code = process.wait()
    whole = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code not in (0, 1):
        raise SystemExit(f"{' '.join(map(str, command))} ended with {code}:\n{text.decode()}")
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"first": first if first is not None else whole, "all": whole, "cpu": processor}, text.decode()


class Program:
    """A program with a store and a folder of results of its own."""

    def __init__(self, path, scratch, name):
        self.path = Path(path).resolve()
        self.folder = Path(scratch) / name
        self.folder.mkdir()
        self.environment = {**os.environ, "ABLATE_CACHE": str(self.folder / "store")}

    def run(self, spec):
        into = self.folder / "results" / spec.stem
        return timed([self.path, "run", spec, "--set", f"output.dir={into}"], self.folder, self.environment)

    def starter(self):
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        started = time.perf_counter()
        subprocess.run([self.path, "new", "mine"], cwd=self.folder, env=self.environment, check=True, capture_output=True)
        new = time.perf_counter() - started
        took, text = timed([self.path, "run", "mine.toml"], self.folder, self.environment)
        return {**took, "all": took["all"] + new}, text


def table(name, pairs):
    for what in ("first", "all", "cpu"):
        old, new = ([one[what] for one in side] for side in zip(*pairs))
        quotient = statistics.median(a / b for a, b in zip(old, new))
        shown = lambda of: f"{statistics.median(of):7.3f} ({min(of):.3f} to {max(of):.3f})"
        print(f"{name:<28} {what:<6} old {shown(old)}   new {shown(new)}   {quotient:5.1f} times", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs=2, metavar="PROGRAM")
    parser.add_argument("specs", nargs="*", type=Path)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--cold", action="store_true")
    settings = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        both = [Program(path, scratch, name) for path, name in zip(settings.programs, ("old", "new"))]
        if settings.cold:
            table("new, and run", [[program.starter()[0] for program in both] for _ in range(settings.pairs)])
        for spec in settings.specs:
            spec = spec.resolve()
            for program in both:
                program.run(spec)
            pairs = []
            for number in range(settings.pairs):
                # Whoever is first finds the files in memory as the other left them: by turns.
                order = both if number % 2 == 0 else both[::-1]
                took = {program: program.run(spec)[0] for program in order}
                pairs.append([took[program] for program in both])
            table(spec.stem, pairs)


if __name__ == "__main__":
    main()

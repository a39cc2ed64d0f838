"""What scripts/gpu-check.sh does: builds, then asks of a device, within ten minutes,

1. the laws of interventions, the fixtures of transformers and TransformerLens, and the agreement with the CPU (each logit within 1e-3 of the
   largest, the same arg-max on 99 % of prompts), by the tests that hold them on the CPU (scripts/gpu-tests.sh);
2. the exact effect map at the last position of every head and MLP of a configuration with random weights: seconds, rows per second, the
   card's memory, and the share of its own largest product, in each precision that it has;
3. the same by hand in PyTorch on the same card (peer_by_hand.py).

Prints one JSON object. What fails, or does not fit the time, is in it by name, and the exit code is 1.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).parent
TORCH_NAMES = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}
# Seconds of the whole, and what each part may take of what is left.
LIMIT, TESTS_LIMIT, MAP_LIMIT, PEER_LIMIT = 600, 240, 180, 60


def built(options, kind, name):
    """The executable of a test or bench, which cargo builds where it is not there."""
    feature = {"cuda": ["--features", "cuda"], "gpu": ["--features", "wgpu"], "cpu": []}[options.device.split(":")[0]]
    command = ["cargo", kind, *(["--release"] if kind == "test" else []), *options.cargo.split(), *feature, f"--{kind}", name, "--no-run", "--message-format=json-render-diagnostics"]
    done = subprocess.run(command, cwd=HERE.parent, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit("the build failed")
    messages = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    return [m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == name][-1]


class CardMemory:
    """The most memory in use on NVIDIA's cards, in MiB, while it is open; nothing where their tool is not there."""

    def __enter__(self):
        self.most, self.before, self.done = None, None, threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()
        return self

    def watch(self):
        command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
        while shutil.which(command[0]) and not self.done.is_set():
            said = subprocess.run(command, capture_output=True, text=True).stdout.split()
            used = max((int(one) for one in said if one.isdigit()), default=0)
            self.before = used if self.before is None else self.before
            self.most = max(self.most or 0, used - self.before)
            self.done.wait(0.2)

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


class Clock:
    """What is left of the ten minutes."""

    def __init__(self):
        self.start = time.monotonic()

    def run(self, command, most):
        """What a command printed, or why there is nothing: its code, the last of what it said, its seconds."""
        left = min(most, LIMIT - (time.monotonic() - self.start))
        if left < 1:
            return {"failed": "no time was left for it"}
        begin = time.monotonic()
        try:
            done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, timeout=left)
        except subprocess.TimeoutExpired:
            return {"failed": f"it took more than {left:.0f} s"}
        seconds = round(time.monotonic() - begin, 1)
        if done.returncode != 0:
            said = (done.stdout + done.stderr).strip().splitlines()
            return {"failed": " | ".join(said[-12:])[-2000:], "took": seconds}
        return {"printed": done.stdout, "took": seconds}


def tests(clock, executable, options):
    found = clock.run(["scripts/gpu-tests.sh", options.device, executable], TESTS_LIMIT)
    if "printed" in found:
        lines = [line for line in found.pop("printed").splitlines() if line.startswith("test result")]
        found["result"] = lines[-1] if lines else "nothing was run"
    return found


def numbers(clock, command, most):
    with CardMemory() as memory:
        found = clock.run(command, most)
    if "printed" in found:
        found.update(json.loads(found.pop("printed").splitlines()[-1]))
        found["fastest_seconds"] = min(found["seconds"])
    if memory.most is not None:
        found["card_mib"] = memory.most
    return found


def main(options):
    executables = built(options, "test", "main"), built(options, "bench", "patching")
    clock = Clock()
    said = {"device": options.device, "config": options.config, "prompts": options.prompts, "positions": options.positions}
    said["tests"] = tests(clock, executables[0], options)
    torch_device = "cpu" if options.torch_device is None else options.torch_device
    for dtype in options.dtypes.split(","):
        command = [executables[1], "map-last", str(options.threads), options.config, str(options.prompts), str(options.positions)]
        ours = numbers(clock, [*command, str(options.memory_mib), options.device, dtype], MAP_LIMIT)
        peer = [options.python, "benches/peer_by_hand.py", "map-last", str(options.threads), options.config]
        peer += ["--batch", str(options.prompts), "--positions", str(options.positions)]
        theirs = numbers(clock, [*peer, "--device", torch_device, "--dtype", TORCH_NAMES[dtype]], PEER_LIMIT)
        said[dtype] = {"ablate": ours, "by_hand": theirs}
        if "seconds" in ours and "seconds" in theirs:
            said[dtype]["times_faster_than_by_hand"] = round(min(theirs["seconds"]) / min(ours["seconds"]), 3)
    said["seconds"] = round(time.monotonic() - clock.start, 1)
    text = json.dumps(said, indent=2)
    print(text)
    if options.out:
        pathlib.Path(options.out).write_text(text + "\n")
    ours = [said["tests"], *(said[dtype]["ablate"] for dtype in options.dtypes.split(","))]
    return int(any("failed" in one for one in ours))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda:0", help="cuda:N, gpu:N; cpu to try the script")
    parser.add_argument("--torch-device", help="PyTorch's name of the card (as --device, of cuda; cpu otherwise)")
    parser.add_argument("--config", default="tests/fixtures/configs/llama3-8b.json")
    parser.add_argument("--prompts", type=int, default=50)
    parser.add_argument("--positions", type=int, default=5)
    parser.add_argument("--dtypes", default="f32,bf16")
    parser.add_argument("--memory-mib", type=int, default=8192, help="what rows may take of the card's memory")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--python", default=sys.executable, help="one that has torch")
    parser.add_argument("--cargo", default="", help="further arguments of cargo")
    parser.add_argument("--out", help="a file for the JSON")
    options = parser.parse_args()
    if options.torch_device is None and options.device.startswith("cuda"):
        options.torch_device = options.device
    sys.exit(main(options))

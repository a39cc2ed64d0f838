"""Runs an ablate bench and its peer by turns and prints medians, spreads and ratios as Markdown.

    cargo bench --no-run                        # prints the paths of the executables
    python benches/compare.py speed EXECUTABLE [--threads 2] [--rounds 5] [--only TEXT]        # beside PyTorch eager
    python benches/compare.py patching EXECUTABLE [--limit 12] [--prompts 50]                  # beside TransformerLens
    python benches/compare.py patching EXECUTABLE --peer peer_nnsight.py                       # beside nnsight
    python benches/compare.py patching EXECUTABLE --device cuda:0 --dtype bf16                 # Llama3-8B's shape on a GPU
    python benches/compare.py baselines EXECUTABLE --bridge-python PYTHON [--dtype bf16]       # beside all peers in one run
    python benches/compare.py growth EXECUTABLE                                                # ablate alone, more and more of it

Both sides run the same job in a process of their own, one after the other, round by round, so that a change in the
machine's load meets both. A round's time is the median of its repeats; the table shows the median of the rounds, their
range, and the median of the rounds' ratios (ablate's time by the peer's: below 1 is faster). The peer of `patching` runs
`--limit` of its forward passes, spread over the layers, and its time is that of all of them at their median. `baselines` runs the
effect map at the last position beside TransformerLens 4's bridge, nnsight and PyTorch by hand, each in each round, and splits the ratio: what the
algorithm makes (by hand against the bridge), and what the engine does (ablate against by hand). `growth` is the
executable of `patching`, which repeats a job for five seconds at least: the median and the range are of the repeats of all rounds.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
ARITH, SMOLLM2 = "benches/arith.json", "benches/smollm2.json"
SPEED = [
    ("forward, built-in model, batch 1", "forward", [ARITH, "1", "4", "all"]),
    ("forward, built-in model, batch 64", "forward", [ARITH, "64", "4", "all"]),
    ("forward, SmolLM2's shape, batch 1", "forward", [SMOLLM2, "1", "5", "all"]),
    ("forward, SmolLM2's shape, batch 64", "forward", [SMOLLM2, "64", "5", "all"]),
    ("forward, SmolLM2's shape, batch 64, last position's logits", "forward", [SMOLLM2, "64", "5", "last"]),
    ("64 new tokens, an edit at each, SmolLM2's shape, batch 1", "generate", [SMOLLM2, "1", "16", "64"]),
    ("64 new tokens, an edit at each, SmolLM2's shape, batch 8", "generate", [SMOLLM2, "8", "16", "64"]),
    ("training, built-in model, 100 steps of batch 256", "train", ["100"]),
]
PATCHING = [
    ("effect map at the last position, built-in model", "map-last", ARITH, 4),
    ("effect map at the last position, SmolLM2's shape", "map-last", SMOLLM2, 5),
    ("effect map at four positions, SmolLM2's shape", "map-four", SMOLLM2, 5),
    ("every neuron of the middle layer, SmolLM2's shape", "neurons", SMOLLM2, 5),
    ("faithfulness over 0 to 40 heads, SmolLM2's shape", "faithfulness", SMOLLM2, 5),
    ("steering at 20 strengths in 30 layers, SmolLM2's shape", "steering", SMOLLM2, 12),
    ("causal tracing, 30 layers × 12 positions, windows of 10, SmolLM2's shape", "tracing", SMOLLM2, 12),
]
# With --device cuda:0, in place of those.
PATCHING_ON_A_GPU = [("effect map at the last position, Llama3-8B's shape", "map-last", "tests/fixtures/configs/llama3-8b.json", 5)]
TORCH_NAMES = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}
# Model, its configuration, the key of its layers; then prompts, layers and positions of each run, one of which grows at a time.
GROWTH = [
    ("built-in model", ARITH, "n_layers", [(50, 4, 4), (100, 4, 4), (200, 4, 4), (400, 4, 4), (100, 2, 4), (100, 8, 4)]),
    ("SmolLM2's shape", SMOLLM2, "num_hidden_layers", [
        (5, 10, 5), (10, 10, 5), (20, 10, 5), (40, 10, 5), (10, 5, 5), (10, 20, 5), (10, 10, 10), (10, 10, 20)]),
]


def run(command):
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    result = json.loads(done.stdout.splitlines()[-1])
    return statistics.median(result["seconds"]), result


def by_turns(ours, theirs, rounds):
    """Seconds of each round of either side, the median ratio, and what ours last said."""
    pairs = []
    for _ in range(rounds):
        (our_seconds, said), (their_seconds, _) = run(ours), run(theirs)
        pairs.append((our_seconds, their_seconds))
    return *zip(*pairs), statistics.median(a / b for a, b in pairs), said


def cell(times, unit, digits=2):
    return f"{unit * statistics.median(times):.{digits}f} ({unit * min(times):.{digits}f}–{unit * max(times):.{digits}f})"


def speed(options):
    print("| job | threads | ablate, ms | PyTorch eager, ms | ratio |\n|---|---|---|---|---|")
    threads = str(options.threads)
    for name, job, arguments in SPEED:
        if options.only in name:
            peer = [options.python, f"benches/peer_{job}.py", threads, *arguments]
            ours, theirs, ratio, _ = by_turns([options.executable, job, threads, *arguments], peer, options.rounds)
            print(f"| {name} | {threads} | {cell(ours, 1e3)} | {cell(theirs, 1e3)} | {ratio:.2f} |", flush=True)


def patching(options):
    print("| job | threads | ablate, s | peer, s | times faster | rows/s | share of the processor's peak | memory, MiB |")
    print("|---|---|---|---|---|---|---|---|")
    threads = str(options.threads)
    for name, job, config, positions in PATCHING if options.device == "cpu" else PATCHING_ON_A_GPU:
        if options.only in name:
            peer = [options.python, f"benches/{options.peer}", job, threads, config]
            peer += ["--limit", str(options.limit), "--batch", str(options.prompts), "--positions", str(positions)]
            peer += ["--device", options.device, "--dtype", TORCH_NAMES[options.dtype]]
            command = [options.executable, job, threads, config, str(options.prompts), str(positions), "1024", options.device, options.dtype]
            ours, theirs, ratio, said = by_turns(command, peer, options.rounds)
            digits = 4 if max(ours) < 0.1 else 2
            print(
                f"| {name} | {threads} | {cell(ours, 1, digits)} | {cell(theirs, 1, digits)} | {1 / ratio:.1f} "
                f"| {said['rows_per_second']:.0f} | {said['share_of_peak']:.2f} | {said['memory_mib']} |",
                flush=True,
            )


def baselines(options):
    """The map of one configuration beside every peer; a round runs each once."""
    name, job, config, positions = PATCHING[1] if options.device == "cpu" else PATCHING_ON_A_GPU[0]
    config = options.config or config
    shared = ["--batch", str(options.prompts), "--positions", str(positions), "--device", options.device, "--dtype", TORCH_NAMES[options.dtype]]
    peer = lambda python, file: [python, f"benches/{file}", job, str(options.threads), config, "--limit", str(options.limit), *shared]
    ours = [options.executable, job, str(options.threads), config, str(options.prompts), str(positions), "1024", options.device, options.dtype]
    commands = {"ablate": ours, "by hand": peer(options.python, "peer_by_hand.py")}
    if options.bridge_python:
        commands["TransformerLens 4.3"] = peer(options.bridge_python, "peer_bridge.py")
    if options.nnsight_python:
        commands["nnsight"] = peer(options.nnsight_python, "peer_nnsight.py")
    seconds = {side: [] for side in commands}
    for _ in range(options.rounds):
        for side, command in commands.items():
            seconds[side].append(run(command)[0])
    ratio = lambda slow, fast: f"{statistics.median(a / b for a, b in zip(seconds[slow], seconds[fast])):.1f}"
    print(f"{name if not options.config else config}, {options.prompts} prompts, {options.dtype}, {options.threads} threads, {options.rounds} rounds\n")
    print("| side | s | ablate is faster, times | of these the algorithm | the engine |\n|---|---|---|---|---|")
    for side in commands:
        whole = "" if side == "ablate" else ratio(side, "ablate")
        algorithm = "" if side in ("ablate", "by hand") else ratio(side, "by hand")
        engine = "" if side == "ablate" else ratio("by hand", "ablate")
        print(f"| {side} | {cell(seconds[side], 1, 4 if max(seconds['ablate']) < 0.1 else 2)} | {whole} | {algorithm} | {engine} |", flush=True)


def growth(options):
    print("| model | prompts | layers | positions | rows | s | µs per row | GFLOP/s | share of the processor's peak | memory, MiB |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for model, config, key, runs in GROWTH:
        for prompts, layers, positions in runs if options.only in model else []:
            with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                json.dump({**json.loads((HERE.parent / config).read_text()), key: layers}, file)
                file.flush()
                command = [options.executable, "map-last", str(options.threads), file.name, str(prompts), str(positions)]
                said = [run(command)[1] for _ in range(options.rounds)]
            times = [second for one in said for second in one["seconds"]]
            rows, best = said[-1]["rows"], max(said, key=lambda one: one["share_of_peak"])
            print(
                f"| {model} | {prompts} | {layers} | {positions} | {rows} | {cell(times, 1, 4)} "
                f"| {1e6 * statistics.median(times) / rows:.1f} | {best['gflop_per_second']:.0f} | {best['share_of_peak']:.2f} "
                f"| {max(one['memory_mib'] for one in said)} |",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", choices=["speed", "patching", "baselines", "growth"])
    parser.add_argument("executable", type=os.path.abspath)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--limit", type=int, default=12)
    parser.add_argument("--prompts", type=int, default=50)
    parser.add_argument("--peer", default="peer_patching.py")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="f32", choices=TORCH_NAMES)
    parser.add_argument("--config", help="of baselines: another configuration of Llama's shape")
    parser.add_argument("--bridge-python", help="of baselines: one that has TransformerLens 4.3")
    parser.add_argument("--nnsight-python", help="of baselines: one that has nnsight 0.8.1")
    options = parser.parse_args()
    {"speed": speed, "patching": patching, "baselines": baselines, "growth": growth}[options.bench](options)

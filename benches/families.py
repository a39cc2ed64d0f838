"""Each family beside llama of the same shape: the speed of interventions per operation, in one run.

    cargo bench --bench patching --no-run                  # prints the path of EXECUTABLE
    python3 benches/families.py EXECUTABLE [prompts] [positions] [rounds] [family …]

The shape is SmolLM2-135M's (benches/smollm2.json) with a third of its layers. For each family and job, llama and the family run by turns;
a round's ratio is the family's operations per second over llama's in the same round. Prints a table in Markdown: medians, and the
smallest and largest ratio.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

JOBS = ["map-last", "faithfulness"]
LAYERS = 10
WINDOW = 512
KINDS = ["full_attention" if (layer + 1) % 3 == 0 else "sliding_attention" for layer in range(LAYERS)]


def families(shape):
    """The shape as each family's configuration."""
    windows = {"sliding_window": WINDOW, "layer_types": KINDS}
    gemma = windows | {"query_pre_attn_scalar": shape["head_dim"], "hidden_activation": "gelu_pytorch_tanh"}
    own = {
        "mistral": {"sliding_window": WINDOW},
        "qwen2": {},
        "qwen3": {},
        "gemma2": gemma | {"attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0},
        "gemma3_text": gemma | {"rope_theta": 1e6, "rope_local_base_freq": 1e4},
        "olmo2": {},
        "olmo3": windows,
        "phi3": {"sliding_window": WINDOW},
        "smollm3": {},
    }
    return {name: shape | keys | {"model_type": name} for name, keys in own.items()}


def run(executable, job, config, prompts, positions):
    command = [executable, job, "2", config, prompts, positions]
    line = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]
    told = json.loads(line)
    return told["gflop"] / statistics.median(told["seconds"])


def main():
    executable, *more = sys.argv[1:]
    prompts, positions, rounds = more[:3] + ["50", "5", "3"][len(more) :]
    shape = json.loads((Path(__file__).parent / "smollm2.json").read_text())
    shape |= {"num_hidden_layers": LAYERS, "head_dim": shape["hidden_size"] // shape["num_attention_heads"], "rms_norm_eps": 1e-6}
    shape.pop("rope_scaling", None)
    with tempfile.TemporaryDirectory() as folder:
        def written(name, config):
            path = Path(folder) / f"{name}.json"
            path.write_text(json.dumps(config))
            return str(path)

        llama = written("llama", shape)
        print(f"| family | {' | '.join(JOBS)} |\n|---|{'---|' * len(JOBS)}")
        for name, config in families(shape).items():
            if more[3:] and name not in more[3:]:
                continue
            other, cells = written(name, config), []
            for job in JOBS:
                ratios = []
                for number in range(int(rounds)):
                    order = [llama, other] if number % 2 == 0 else [other, llama]
                    speeds = {config: run(executable, job, config, prompts, positions) for config in order}
                    ratios.append(speeds[other] / speeds[llama])
                cells.append(f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

"""Peak memory of whole runs beside `run.memory_mib`: an effect map of every head and MLP at every position, every neuron at the
last one, and a mean ablation of everything.

    python benches/memory.py BINARY [--model models/SmolLM2-135M-Instruct.Q4_1.gguf] [--budgets 64,1024] [--prompts 200] [--only TEXT]

Beside the weights: the peak of the run less that of a run that mean-ablates one head on one prompt, which has the program, the model
and what reading the model takes. What may be above the budget are the results themselves, 8 bytes a value. Prints Markdown.
"""
import argparse
import os
import pathlib
import subprocess
import tempfile

SPEC = """
title = "memory"
[model]
source = "{model}"
[prompts]
template = "{template}"
operands = {{ a = "{operands}", b = "{operands}" }}
operators = ["+", "*"]
answer = "{answer}"
sample = {prompts}
[[step]]
name = "step"
bootstrap = 0
{step}
"""
PATCHING = 'kind = "activation-patching"\nsites = {}\npositions = {}'.format
ABLATION = 'kind = "ablation"\ncomponents = {}\nmean.sample = {}'.format
JOBS = [
    ("every head and MLP at each position", PATCHING('["z[head]", "mlp_post"]', '["each"]')),
    ("every neuron, last position", PATCHING('["mlp_post[neuron]"]', '["last"]')),
    ("mean ablation of everything", ABLATION('["L*H*", "L*MLP"]', 1000)),
]
# Patching needs several prompts to find counterfactuals among.
LITTLE = ABLATION('["L0H0"]', 1)


def peak(binary, folder, budget, **spec):
    """Most memory of a run, in MiB."""
    path = folder / "spec.toml"
    path.write_text(SPEC.format(**spec))
    command = [binary, "run", str(path), "-q", "--no-store", "--set", f"run.memory_mib={budget}", "--set", f"output.dir={folder / 'out'}"]
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(command)} failed")
    return usage.ru_maxrss / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=os.path.abspath)
    parser.add_argument("--model", default="builtin:arith")
    parser.add_argument("--budgets", default="64,1024")
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--only", default="", help="jobs whose name has this text")
    options = parser.parse_args()
    builtin = options.model.startswith("builtin:")
    model = options.model if builtin else os.path.abspath(options.model)
    # Numbers of several digits are several tokens in SmolLM2.
    operands, answer = ("0..100", "single-token") if builtin else ("0..10", "multi-token")
    shared = dict(model=model, template="{a}{op}{b}=", operands=operands, answer=answer)
    print("| model | job | budget, MiB | peak, MiB | beside the weights, MiB | of the budget |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for job, step in [job for job in JOBS if options.only in job[0]]:
            for budget in map(int, options.budgets.split(",")):
                least = peak(options.binary, folder, budget, step=LITTLE, prompts=1, **shared)
                most = peak(options.binary, folder, budget, step=step, prompts=options.prompts, **shared)
                name = model if builtin else pathlib.Path(model).name
                print(f"| {name} | {job} | {budget} | {most:.0f} | {most - least:.0f} | {(most - least) / budget:.2f} |", flush=True)

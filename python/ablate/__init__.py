"""Run `ablate` from Python and read what it made.

    import ablate

    results = ablate.run("mine.toml", set={"prompts.sample": 100})
    results.tables["by_operator"]      # a pandas or polars data frame
    results.figures["heads"]           # shown by Jupyter
    results = ablate.load("results/mine")

Everything here goes through the program and the files it writes; nothing of it is needed to use them.
"""

from ._binary import find_ablate_bin
from ._errors import AblateError, FailedError, RefusedError
from ._experiment import command, run
from ._figure import Figure
from ._logits import Candidate, NextToken, logits
from ._results import Results, load
from ._safetensors import Activations
from ._toml import spec

__all__ = [
    "AblateError",
    "Activations",
    "Candidate",
    "FailedError",
    "Figure",
    "NextToken",
    "RefusedError",
    "Results",
    "command",
    "find_ablate_bin",
    "load",
    "logits",
    "run",
    "spec",
]

"""Where the program is."""

from __future__ import annotations

import os
import shutil
import sysconfig
from pathlib import Path
from typing import Iterator


def find_ablate_bin() -> str:
    """The path of the program that was installed with this module, else of the one on the PATH.

    Raises FileNotFoundError where there is neither.
    """
    name = "ablate" + (sysconfig.get_config_var("EXE") or "")
    tried = []
    for folder in _folders():
        path = folder / name
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
        tried.append(str(folder))
    on_path = shutil.which(name)
    if on_path is not None:
        return on_path
    raise FileNotFoundError(f"no program '{name}' in {', '.join(tried)}, nor on the PATH; install the package again with pip")


def _folders() -> Iterator[Path]:
    """Folders that installers put scripts into, the likeliest first."""
    package = Path(__file__).resolve().parent
    yield Path(sysconfig.get_path("scripts"))
    # A virtual environment laid over another one: `…/lib/python3.11/site-packages/ablate` has its scripts in `…/bin`.
    if len(package.parents) > 3:
        yield package.parents[3] / ("Scripts" if os.name == "nt" else "bin")
    # `pip install --target FOLDER`.
    yield package.parent / "bin"
    # `pip install --user`.
    yield Path(sysconfig.get_path("scripts", scheme=sysconfig.get_preferred_scheme("user")))

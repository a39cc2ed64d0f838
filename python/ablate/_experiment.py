"""Running specs."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Mapping, Optional, Sequence, Union

from . import _errors, _toml
from ._process import Ended, execute
from ._results import Results, load

Spec = Union[str, "os.PathLike[str]", Mapping[str, Any]]

# Written above specs that come from Python, so that a file somebody wrote by hand is never replaced.
_WRITTEN = "# Written by ablate.run from Python, which writes it anew.\n"


def run(
    spec: Spec,
    *,
    set: Optional[Mapping[str, Any]] = None,
    name: Optional[str] = None,
    arguments: Sequence[str] = (),
    quiet: bool = False,
    frames: Optional[str] = None,
) -> Results:
    """Runs a spec, as `ablate run` does, and returns its results.

    `spec` is the path of a TOML file, or the spec itself: a dictionary (see `ablate.spec`), or its text, of more than one
    line. The spec itself is written to `NAME.toml` in the current folder first, with `name` or else one made of its title, so
    that its errors have lines and its results a folder of their own; a file there that was written by hand is not replaced.

    `set` lays values over the spec, by key: `{"model.device": "cuda:0", "prompts.sample": 100}`. `arguments` are further ones
    of `ablate run`, such as `["--no-store"]`. `quiet` shows no progress. `frames` is as in `ablate.load`.

    Raises RefusedError, FailedError (whose `results` are what was made all the same) or KeyboardInterrupt.
    """
    path = _file(spec, name)
    if path.is_dir():
        raise _errors.RefusedError(f"{path} is a folder: run its specs one by one, or all by ablate.command('run', …)")
    sets = [f"--set={key}={_toml.value(value, key)}" for key, value in (set or {}).items()]
    ended = execute(["run", *sets, *arguments, "--", str(path)], show=not quiet)
    results = [load(folder, frames=frames) for folder in ended.folders]
    last = results[-1] if results else None
    if ended.code != 0 or last is None:
        raise _errors.of_exit(ended.code, ended.text, last)
    return last


def command(*arguments: Union[str, "os.PathLike[str]"], quiet: bool = False) -> str:
    """Runs any command of the program and returns what it prints: `ablate.command("plan", "mine.toml")`.

    `quiet` shows no progress. Raises as `run`.
    """
    ended: Ended = execute([os.fspath(argument) for argument in arguments], show=not quiet)
    if ended.code != 0:
        # Some commands print what is wrong, and fail with a word about it.
        text = "\n".join(part for part in (ended.output.strip("\n"), ended.text) if part)
        raise _errors.of_exit(ended.code, text)
    return ended.output


def _file(spec: Spec, name: Optional[str]) -> Path:
    if isinstance(spec, Mapping):
        return _written(_toml.spec(spec), name or _slug(str(spec.get("title", ""))))
    if isinstance(spec, str) and "\n" in spec:
        title = re.search(r"""^title\s*=\s*["'](.*)["']\s*(?:#.*)?$""", spec, re.MULTILINE)
        return _written(spec, name or _slug(title.group(1) if title else ""))
    if name is not None:
        raise TypeError("name is for specs that are written here, not for files")
    return Path(spec)


def _slug(title: str) -> str:
    """A file's name made of a title."""
    words: str = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    return words[:60].rstrip("-") or "spec"


def _written(text: str, name: str) -> Path:
    path = Path(f"{name}.toml")
    text = _WRITTEN + text
    if path.exists():
        there = path.read_text(encoding="utf-8", errors="replace")
        if not there.startswith(_WRITTEN):
            raise _errors.RefusedError(f"{path} is there and was not written from Python; give another name=")
        if there == text:
            return path
    path.write_text(text, encoding="utf-8")
    return path

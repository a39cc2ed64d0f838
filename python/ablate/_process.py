"""The program as a child process: its messages passed on while it runs, Ctrl-C passed to it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from typing import IO, List, NamedTuple, Sequence

from ._binary import find_ablate_bin

INTERRUPTED = 130

# A line of progress, `effects: model: 1200/6000 rows (3 s)`: no part of an error.
_PROGRESS = re.compile(r"^.*: \d+/\d+ .*\(\d+ s.*\)$")
_RESULTS = re.compile(r"^(?:\[.*\] )?results in (.*)[/\\]report\.md(?: \(.*\))?$")


class Ended(NamedTuple):
    """How the program ended."""

    code: int
    output: str
    """Its standard output."""
    folders: List[str]
    """Folders of results that it said it wrote."""
    text: str
    """What it said on standard error, without progress."""


def execute(arguments: Sequence[str], show: bool) -> Ended:
    """Runs the program to its end; `show` passes its messages on to `sys.stderr` as they come.

    Raises KeyboardInterrupt where it was interrupted; the first Ctrl-C lets it finish what it is at, the second ends it.
    """
    with tempfile.TemporaryFile() as output:
        # A session of its own: a Ctrl-C of the terminal, and of Jupyter, goes to all processes of the group, and the
        # program takes a second one for an order to drop everything.
        child = subprocess.Popen(
            [find_ablate_bin(), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=os.name == "posix",
        )
        assert child.stderr is not None
        lines: List[str] = []
        with child, child.stderr as messages:
            try:
                _follow(messages, lines, show)
                code = child.wait()
            except KeyboardInterrupt:
                _interrupt(child, messages, lines, show)
                raise KeyboardInterrupt(_text(lines)) from None
            except BaseException:
                child.terminate()
                raise
        output.seek(0)
        printed = output.read().decode("utf-8", errors="replace")
    if code == INTERRUPTED:
        raise KeyboardInterrupt(_text(lines))
    folders = [found.group(1) for found in map(_RESULTS.match, lines) if found]
    return Ended(code, printed, folders, _text(lines))


def _text(lines: Sequence[str]) -> str:
    """What was said, without progress."""
    return "\n".join(line for line in lines if not _PROGRESS.match(line) and not _RESULTS.match(line)).strip("\n")


def _follow(messages: IO[str], lines: List[str], show: bool) -> None:
    for line in messages:
        lines.append(line.rstrip("\n"))
        if show:
            print(line, end="", file=sys.stderr, flush=True)


def _interrupt(child: "subprocess.Popen[str]", messages: IO[str], lines: List[str], show: bool) -> None:
    """Asks the program to stop and waits until it has; a second Ctrl-C meanwhile is passed on as well."""
    for _ in range(2):
        child.send_signal(signal.SIGINT)
        try:
            _follow(messages, lines, show)
            child.wait()
            return
        except KeyboardInterrupt:
            continue
    child.kill()

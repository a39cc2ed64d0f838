"""How the program ends: interrupts, signals, and a program that is not there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ablate
from ablate import _binary, _process
from conftest import SPEC

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")

# Says what becomes of ablate.run when it is interrupted.
INTERRUPTED = """
import sys
from ablate import _process
_process.find_ablate_bin = lambda: sys.argv[1]
import ablate
try:
    ablate.command("run", "x")
except KeyboardInterrupt:
    print("KeyboardInterrupt")
"""


def program(folder: Path, script: str) -> str:
    """A stand-in for the program."""
    path = folder / "stand-in"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def interrupted(folder: Path, script: str, times: int = 1) -> "tuple[str, float]":
    """Starts a run of a stand-in from Python, interrupts its whole process group as a terminal does, and waits."""
    ready = folder / "ready"
    caller = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, program(folder, f"{script.replace('READY', str(ready))}")],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 20
    while not ready.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert ready.exists()
    began = time.monotonic()
    for _ in range(times):
        os.killpg(caller.pid, signal.SIGINT)
        time.sleep(0.3)
    output, _ = caller.communicate(timeout=20)
    return output, time.monotonic() - began


def test_ctrl_c_reaches_the_program_once_and_it_ends_in_its_own_time(tmp_path: Path) -> None:
    counts = tmp_path / "counts"
    script = f"""
    trap 'echo one >> {counts}; stopping=1' INT
    touch READY
    while [ -z "$stopping" ]; do sleep 0.05; done
    sleep 0.5
    echo finished >> {counts}
    exit 130"""
    output, _ = interrupted(tmp_path, script)
    assert output == "KeyboardInterrupt\n"
    assert counts.read_text() == "one\nfinished\n"


def test_a_second_ctrl_c_is_passed_on_as_well(tmp_path: Path) -> None:
    script = """
    trap 'n=$((n+1)); [ $n -ge 2 ] && exit 130' INT
    touch READY
    while true; do sleep 0.05; done"""
    output, seconds = interrupted(tmp_path, script, times=2)
    assert output == "KeyboardInterrupt\n"
    assert seconds < 10


def test_a_run_of_the_program_itself_is_interrupted(tmp_path: Path) -> None:
    # Minutes of work, if nobody stops it.
    spec = {
        **SPEC,
        "prompts": {**SPEC["prompts"], "operands": {"a": "0..100", "b": "0..100"}, "sample": 2000},  # type: ignore[dict-item]
        "step": [{"name": "neurons", "kind": "neuron-patching", "layers": "*"}],
    }
    del spec["table"], spec["figure"]
    script = f"""
import ablate
try:
    ablate.run({spec!r}, name="long", quiet=True, arguments=["--no-store"])
except KeyboardInterrupt as interrupt:
    print("KeyboardInterrupt", interrupt)
"""
    caller = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=tmp_path, start_new_session=True)
    while not (tmp_path / "results" / "long").exists():
        assert caller.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)
    os.killpg(caller.pid, signal.SIGINT)
    output, _ = caller.communicate(timeout=30)
    assert output.startswith("KeyboardInterrupt") and "interrupted" in output
    assert not (tmp_path / "results" / "long" / "manifest.json").exists()


def test_exit_130_is_an_interrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = program(tmp_path, "echo 'error: interrupted; what was complete is kept' >&2; exit 130")
    monkeypatch.setattr(_process, "find_ablate_bin", lambda: stand_in)
    with pytest.raises(KeyboardInterrupt, match="what was complete is kept"):
        ablate.command("run", "x", quiet=True)


def test_a_signal_that_ends_the_program_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = program(tmp_path, "kill -9 $$")
    monkeypatch.setattr(_process, "find_ablate_bin", lambda: stand_in)
    with pytest.raises(ablate.AblateError, match="ended by signal 9") as raised:
        ablate.command("run", "x", quiet=True)
    assert raised.value.exit_code == -9


def test_output_that_is_no_text_and_long_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = program(tmp_path, "printf '\\377\\n' >&2; yes a | head -c 1000000; yes b | head -c 1000000 >&2")
    monkeypatch.setattr(_process, "find_ablate_bin", lambda: stand_in)
    assert len(ablate.command("run", "x", quiet=True)) == 1000000


def test_the_program_of_this_environment_is_found_and_its_absence_said(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Path(ablate.find_ablate_bin())
    assert found.name.startswith("ablate") and os.access(found, os.X_OK)
    monkeypatch.setattr(_binary, "_folders", lambda: iter([Path("/nowhere/bin")]))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(FileNotFoundError, match="/nowhere/bin"):
        ablate.find_ablate_bin()

"""The quickstart, by the program and from Python, against the committed results."""

from __future__ import annotations

import csv
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import ablate
from conftest import REPOSITORY

QUICKSTART = REPOSITORY / "experiments" / "quickstart.toml"
COMMITTED = REPOSITORY / "results" / "quickstart"


def as_rows(frame: Any) -> "list[list[str]]":
    columns = list(frame.columns)
    return [columns] + [[str(frame[column][row]) for column in columns] for row in range(len(frame))]


@pytest.mark.parametrize("frames", ["pandas", "polars"])
@pytest.mark.parametrize("by", ["program", "python"])
def test_the_quickstart_gives_the_committed_table(here: Path, frames: str, by: str) -> None:
    if by == "program":
        program = shutil.which("ablate") or ablate.find_ablate_bin()
        subprocess.run([program, "run", str(QUICKSTART)], check=True)
        results = ablate.load("results/quickstart", frames=frames)
    else:
        results = ablate.run(QUICKSTART, quiet=True, frames=frames)
    with (COMMITTED / "tables" / "accuracy_by_operator.csv").open(newline="", encoding="utf-8") as file:
        expected = list(csv.reader(file))
    found = as_rows(results.tables["accuracy_by_operator"])
    assert found[0] == expected[0]
    for mine, theirs in zip(found[1:], expected[1:], strict=True):
        assert [pytest.approx(float(cell)) if "." in cell else cell for cell in theirs] == [
            float(cell) if "." in cell else cell for cell in mine
        ]
    assert len(results.rows["accuracy.prompts"]) == 20672
    assert (results.figures["errors"]._repr_svg_() or "").startswith("<")

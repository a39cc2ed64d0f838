"""The installed package, run in folders of the tests' own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator

import pytest

import ablate

REPOSITORY = Path(__file__).resolve().parents[2]

SPEC = {
    "title": "Sums that the built-in model answers",
    "model": {"source": "builtin:arith"},
    "prompts": {"template": "{a}{op}{b}=", "operators": ["+", "-"], "operands": {"a": "0..20", "b": "0..20"}},
    "step": [{"name": "accuracy", "kind": "accuracy", "per_prompt": True}],
    "table": [
        {
            "name": "by_operand",
            "from": "accuracy.prompts",
            "group_by": ["operator", "a"],
            "aggregate": {"rate": "mean(correct)", "n": "count(correct)"},
        }
    ],
    "figure": [{"name": "by_operand", "kind": "lines", "from": "by_operand", "x": "a", "y": "rate", "series": "operator"}],
}


@pytest.fixture(autouse=True, scope="session")
def own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the user's store is read or written, and no variable of theirs is laid over the specs."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("ABLATE_")]:
        del os.environ[name]
    os.environ["ABLATE_CACHE"] = str(tmp_path_factory.mktemp("store"))
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> ablate.Results:
    """The results of SPEC."""
    folder, before = tmp_path_factory.mktemp("run"), Path.cwd()
    os.chdir(folder)
    try:
        ran = ablate.run(SPEC, name="sums", quiet=True)
    finally:
        os.chdir(before)
    return ablate.load(folder / ran.folder)

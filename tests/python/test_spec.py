"""Specs from dictionaries: what `tomllib` reads back is what was written."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy
import pytest

import ablate
from conftest import REPOSITORY, SPEC

tomllib = pytest.importorskip("tomllib")

TEXTS = [
    "",
    "plain",
    'quoted "twice" and \'once\'',
    "back\\slash \\n \\u0041",
    "tab\tbell\x07 delete\x7f null\x00 return\r",
    "two\nlines",
    "\nbegins and ends with a break\n",
    'three quotes """ in\ntwo lines "',
    "crlf\r\nlines\r\n",
    "− × ÷ Ġthe 日本 😀",
    "{a}{op}{b}=",
    "nan",
    "true",
]


@pytest.mark.parametrize("text", TEXTS)
def test_texts_come_back(text: str) -> None:
    content = {"title": text, "model": {"source": text, text or "empty": [text, {"inner": text}]}}
    assert tomllib.loads(ablate.spec(content)) == content


@pytest.mark.parametrize("number", [0, -1, 2**63 - 1, -(2**63), 0.0, 0.5, 1e-300, 1e16, 1e22, -2.5e-8, math.inf, -math.inf, True, False])
def test_numbers_come_back_with_their_types(number: Any) -> None:
    back = tomllib.loads(ablate.spec({"run": {"value": number, "list": [number]}}))["run"]
    assert back == {"value": number, "list": [number]}
    assert type(back["value"]) is type(number)


def test_signs_of_zero_and_nan_come_back() -> None:
    back = tomllib.loads(ablate.spec({"a": -0.0, "b": math.nan}))
    assert math.copysign(1, back["a"]) == -1
    assert math.isnan(back["b"])


def test_a_whole_spec_comes_back_however_its_keys_are_ordered() -> None:
    turned = dict(reversed(list(SPEC.items())))
    assert tomllib.loads(ablate.spec(turned)) == SPEC


def test_every_spec_of_the_repository_comes_back() -> None:
    specs = sorted((REPOSITORY / "experiments").rglob("*.toml"))
    assert len(specs) > 20
    for path in specs:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        assert tomllib.loads(ablate.spec(content)) == content, path


def test_numpy_and_paths_are_taken() -> None:
    content = {
        "model": {"source": Path("models") / "mine"},
        "prompts": {"sample": numpy.int64(3), "seeds": numpy.array([1, 2]), "rate": numpy.float64(0.5), "keep": (1, 2)},
        "step": ({"name": "one"},),
    }
    assert tomllib.loads(ablate.spec(content)) == {
        "model": {"source": "models/mine"},
        "prompts": {"sample": 3, "seeds": [1, 2], "rate": 0.5, "keep": [1, 2]},
        "step": [{"name": "one"}],
    }


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        ({"model": {"source": None}}, TypeError, "model.source is None; leave the key out"),
        ({"prompts": {"seeds": [1, None]}}, TypeError, "prompts.seeds.1 is None"),
        ({"prompts": {3: 1}}, TypeError, "key 3 is no text"),
        ({"step": [{"name": b"x"}]}, TypeError, "step.0.name: bytes"),
        ({"run": {"threads": 2**63}}, ValueError, "run.threads"),
        ({"title": "\ud800"}, ValueError, "surrogate"),
    ],
)
def test_what_toml_cannot_hold_is_refused_by_key(content: Any, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        ablate.spec(content)

"""Running specs: what comes back, and what is raised."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import ablate
from conftest import SPEC


def test_a_dictionary_is_written_and_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = ablate.run(SPEC)
    assert results.folder == Path("results/sums-that-the-built-in-model-answers")
    assert (here / "sums-that-the-built-in-model-answers.toml").is_file()
    assert results.manifest["title"] == SPEC["title"]
    # What the program says is passed on.
    assert "results in results" in capsys.readouterr().err


def test_a_text_and_a_file_are_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    by_text = ablate.run(ablate.spec(SPEC), name="text", quiet=True)
    assert by_text.folder == Path("results/text")
    (here / "file.toml").write_text(ablate.spec(SPEC))
    by_file = ablate.run("file.toml", quiet=True)
    assert by_file.folder == Path("results/file")
    assert ablate.run(here / "file.toml", quiet=True).manifest["models"] == by_text.manifest["models"]
    assert capsys.readouterr().err == ""


def test_set_lays_values_over(here: Path) -> None:
    results = ablate.run(
        SPEC,
        name="set",
        set={"prompts.operators": ["-"], "prompts.operands.a": "0..3", "output.dir": "else where/ü"},
        quiet=True,
    )
    assert results.folder == Path("else where/ü")
    assert set(results.tables["by_operand"]["operator"]) == {"-"}
    assert 'prompts.operators=["-"]' in results.manifest["spec"]["sets"]


def test_a_file_that_was_written_by_hand_is_kept(here: Path) -> None:
    (here / "mine.toml").write_text("# by hand\n")
    with pytest.raises(ablate.RefusedError, match="mine.toml is there and was not written from Python"):
        ablate.run(SPEC, name="mine")
    assert (here / "mine.toml").read_text() == "# by hand\n"
    # One of Python's own is.
    ablate.run(SPEC, name="own", quiet=True)
    ablate.run({**SPEC, "title": "another"}, name="own", quiet=True)
    assert 'title = "another"' in (here / "own.toml").read_text()


def test_a_refused_spec_raises_with_the_programs_text(here: Path) -> None:
    wrong = {**SPEC, "prompts": {"template": "{a}{op}{b}=", "opertors": ["+"], "operands": {"a": "0..9", "b": "0..9"}}}
    with pytest.raises(ablate.RefusedError) as raised:
        ablate.run(wrong, name="wrong", quiet=True)
    text = str(raised.value)
    assert "unknown key 'opertors'" in text and "wrong.toml:" in text and "write 'operators'" in text
    assert raised.value.exit_code == 2
    assert raised.value.results is None


def test_what_is_not_as_expected_raises_and_has_results(here: Path) -> None:
    expect = [{"name": "rate", "from": "accuracy", "where": {"operator": "+"}, "value": "rate", "is": 0.25, "tolerance": 0.01}]
    try:
        ablate.run({**SPEC, "expect": expect}, name="differs", quiet=True)
    except ablate.FailedError as error:
        assert error.exit_code == 1
        assert "1 of 1 expectation is not met: 'rate'" in str(error)
        # Progress is no part of the text.
        assert "prompts and answer tokens" not in str(error)
        assert error.results is not None
        assert len(error.results.tables["by_operand"]) == 40
    else:
        pytest.fail("nothing was raised")


def test_a_missing_spec_and_a_folder_are_refused(here: Path) -> None:
    with pytest.raises(ablate.RefusedError, match="nowhere.toml"):
        ablate.run("nowhere.toml", quiet=True)
    with pytest.raises(ablate.RefusedError, match="is a folder"):
        ablate.run(here)


def test_commands_return_what_they_print(here: Path) -> None:
    assert ablate.command("--version").startswith("ablate ")
    assert "logit-difference" in ablate.command("list", "measures")
    with pytest.raises(ablate.RefusedError, match="nosuch"):
        ablate.command("nosuch", quiet=True)


def test_python_m_ablate_is_the_program(here: Path) -> None:
    def module(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([sys.executable, "-m", "ablate", *arguments], capture_output=True, text=True)

    assert module("--version").stdout == ablate.command("--version")
    refused = module("run", "nowhere.toml")
    assert refused.returncode == 2
    assert "nowhere.toml" in refused.stderr


def test_logits_are_the_models(here: Path) -> None:
    first, second = ablate.logits("builtin:arith", ["12+34=", "50-8="], top=2)
    assert (first.top[0].token, second.top[0].token) == ("46", "42")
    assert [len(first.top), first.logits, first.prompt] == [2, None, "12+34="]
    (every,) = ablate.logits("builtin:arith", "12+34=", all=True)
    assert every.logits is not None
    assert every.logits[first.top[0].id] == pytest.approx(first.top[0].logit)
    assert max(every.logits) == every.logits[first.top[0].id]
    # A prompt that looks like a flag is a prompt.
    assert ablate.logits("builtin:arith", ["-8="])[0].prompt == "-8="
    assert ablate.logits("builtin:arith", []) == []
    with pytest.raises(ablate.RefusedError, match="builtin:arit"):
        ablate.logits("builtin:arit", "1+1=")

"""Reading results: frames of both libraries, figures, activations."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy
import pandas
import polars
import pytest

import ablate
from ablate import _frames
from conftest import REPOSITORY, SPEC


def test_tables_and_rows_are_the_same_in_pandas_and_polars(results: ablate.Results) -> None:
    as_pandas = ablate.load(results.folder, frames="pandas")
    as_polars = ablate.load(results.folder, frames="polars")
    for kind in ("tables", "rows"):
        ours, theirs = getattr(as_pandas, kind), getattr(as_polars, kind)
        assert list(ours) == list(theirs) != []
        for name in ours:
            assert isinstance(ours[name], pandas.DataFrame)
            assert isinstance(theirs[name], polars.DataFrame)
            assert ours[name].shape == theirs[name].shape
            assert list(ours[name].columns) == theirs[name].columns
            for column in ours[name].columns:
                mine = [None if value is None or value != value else value for value in ours[name][column]]
                other = [None if value is None or value != value else value for value in theirs[name][column]]
                assert mine == other, (name, column)


def test_numbers_are_those_of_the_csv(results: ablate.Results) -> None:
    read = ablate.load(results.folder, frames="pandas").tables["by_operand"]
    written = pandas.read_csv(results.folder / "tables" / "by_operand.csv")
    assert list(read["a"]) == list(written["a"])
    assert numpy.allclose(read["rate"], written["rate"], atol=1e-12)
    # Text columns can be filtered and sorted.
    assert len(read[read["operator"] == "-"]) == 20
    assert read.sort_values("operator")["operator"].is_monotonic_increasing


def test_a_name_is_a_table_or_else_rows(results: ablate.Results) -> None:
    assert len(results["by_operand"]) == 40
    assert len(results["accuracy.prompts"]) == len(results.rows["accuracy.prompts"])
    with pytest.raises(KeyError, match="write 'by_operand'"):
        results["by_operands"]
    with pytest.raises(KeyError, match="there are accuracy"):
        results.rows["zzz"]


def test_figures_are_what_jupyter_shows(results: ablate.Results) -> None:
    figure = results.figures["by_operand"]
    svg = figure._repr_svg_()
    assert svg is not None
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    # One format is enough for a notebook; the other is where there is no first.
    assert figure._repr_png_() is None
    assert figure.png is not None
    png = figure._replace(svg=None)._repr_png_()
    assert png is not None and png.startswith(b"\x89PNG")
    page = results._repr_html_()
    assert "data:image/svg+xml;base64," in page and SPEC["title"] in page


def test_a_figure_for_papers_alone_is_there(here: Path) -> None:
    figure = ablate.run({**SPEC, "output": {"images": ["pdf"]}}, name="paper", quiet=True).figures["by_operand"]
    assert figure.pdf is not None and figure.pdf.read_bytes().startswith(b"%PDF")
    assert figure.svg is None and figure.png is None
    assert figure._repr_svg_() is None and figure._repr_png_() is None


def test_texts_of_a_manifest_are_no_markup(results: ablate.Results, tmp_path: Path) -> None:
    folder = tmp_path / "hostile"
    shutil.copytree(results.folder, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest.update(title="<script>alert(1)</script>", notes=["<img src=x onerror=alert(2)>"])
    (folder / "manifest.json").write_text(json.dumps(manifest))
    page = ablate.load(folder)._repr_html_()
    assert "<script" not in page and "<img src=x" not in page


def test_manifest_and_report_are_there(results: ablate.Results) -> None:
    assert results.manifest["models"][0]["source"] == "builtin:arith"
    assert results.report.startswith(f"# {SPEC['title']}")
    assert results.failed == []
    for name in ("by_operand", "accuracy.prompts", SPEC["title"]):
        assert name in repr(results)


def test_files_that_the_manifest_does_not_list_are_no_results(results: ablate.Results, tmp_path: Path) -> None:
    folder = tmp_path / "stale"
    shutil.copytree(results.folder, folder)
    shutil.copy(folder / "tables" / "by_operand.parquet", folder / "tables" / "old.parquet")
    assert list(ablate.load(folder).tables) == list(results.tables)


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ablate.AblateError, match="is not there"):
        ablate.load(tmp_path / "nowhere")
    with pytest.raises(ablate.AblateError, match="has no manifest.json"):
        ablate.load(tmp_path)
    with pytest.raises(ValueError, match="write 'pandas' or 'polars'"):
        ablate.load(tmp_path, frames="arrow")


def test_committed_results_are_read() -> None:
    read = ablate.load(REPOSITORY / "results" / "quickstart", frames="pandas")
    rates = read.tables["accuracy_by_operator"].set_index("operator")["rate"]
    assert rates["-"] == 1.0
    assert rates["/"] == pytest.approx(9683 / 9900)


def test_activations_are_those_of_the_rows(here: Path) -> None:
    capture = {"kind": "capture", "sites": ["blocks.1.hook_resid_post", "blocks.0.attn.hook_z[head]"], "positions": ["last"]}
    spec = {
        **{key: SPEC[key] for key in ("title", "model")},
        "prompts": {**SPEC["prompts"], "sample": 3},  # type: ignore[dict-item]
        "step": [{"name": "tensors", **capture}, {"name": "values", **capture, "format": "rows"}],
    }
    results = ablate.run(spec, name="capture", quiet=True, frames="pandas")
    tensors, rows = results.activations["tensors"], results.rows["values"]
    assert tensors.metadata["step"] == "tensors"
    compared = 0
    for site, of_site in rows.groupby("site"):
        (name,) = [name for name in tensors if name.endswith(str(site).split(".")[-1])]
        array = tensors[name]
        assert array.dtype == numpy.float32
        assert sorted(array.ravel()) == pytest.approx(sorted(of_site["value"]))
        compared += array.size
    assert compared == len(rows) > 0
    assert len(results.rows["tensors.prompts"]) == array.shape[0]


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        ({"pandas", "pyarrow", "polars"}, "pandas"),
        ({"pandas", "polars"}, "polars"),
        ({"polars"}, "polars"),
        ({"pandas"}, "pyarrow, with which pandas reads Parquet"),
        (set(), "pandas with pyarrow, or polars"),
    ],
)
def test_the_library_that_is_there_is_taken_or_said(there: "set[str]", taken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name if name in there else None)
    if taken in ("pandas", "polars"):
        assert _frames._installed() == taken
    else:
        with pytest.raises(ImportError, match=taken):
            _frames._installed()

"""What a run left behind."""

from __future__ import annotations

import base64
import html
import json
import os
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Union

from ._errors import AblateError
from ._figure import Figure
from ._frames import Frames, Named, checked
from ._safetensors import Activations


def load(folder: Union[str, "os.PathLike[str]"], *, frames: Optional[str] = None) -> "Results":
    """The results in a folder that `ablate run` wrote, such as `results/mine`.

    `frames` is "pandas" or "polars"; left out, pandas where it and pyarrow are installed, else polars. Raises AblateError
    where the folder has no results.
    """
    return Results(Path(folder), frames)


class Results:
    """The tables, rows, figures and activations that a manifest lists; each is read when it is asked for.

    `tables` are the spec's tables, `rows` those of its steps: `results["effects"]` is either. A file that the manifest does
    not list is none of these results, and is not there.
    """

    folder: Path
    manifest: Dict[str, Any]
    """`manifest.json`: what was run, of what, by what."""
    tables: Mapping[str, Any]
    rows: Mapping[str, Any]
    figures: Mapping[str, Figure]
    activations: Mapping[str, Activations]

    def __init__(self, folder: Path, frames: Optional[str] = None) -> None:
        library = checked(frames)
        self.folder = folder
        self.manifest = _manifest(folder)
        files = [str(file["path"]) for file in self.manifest.get("files", [])]
        self.tables = Frames("table", self._by_name(files, "tables", ".parquet"), library)
        self.rows = Frames("rows", self._by_name(files, "rows", ".parquet"), library)
        drawn = [self._by_name(files, "figures", ending) for ending in (".svg", ".png", ".pdf")]
        names = dict.fromkeys(name for of_format in drawn for name in of_format)
        self.figures = Named("figure", {name: Figure(name, *(of_format.get(name) for of_format in drawn)) for name in names})
        tensors = self._by_name(files, "activations", ".safetensors")
        self.activations = _Tensors(tensors)

    def _by_name(self, files: List[str], folder: str, ending: str) -> Dict[str, Path]:
        start = folder + "/"
        of_kind = (path for path in files if path.startswith(start) and path.endswith(ending))
        return {path[len(start) : -len(ending)]: self.folder / path for path in of_kind}

    def __getitem__(self, name: str) -> Any:
        """The table of this name, or else the rows."""
        if name in self.tables or name not in self.rows:
            both = Named("table or rows", dict.fromkeys([*self.tables, *self.rows]))
            return self.tables[name] if name in both else both[name]
        return self.rows[name]

    @property
    def report(self) -> str:
        """`report.md`."""
        return (self.folder / "report.md").read_text(encoding="utf-8")

    @property
    def notes(self) -> List[str]:
        """What the run has to say of its results."""
        return list(self.manifest.get("notes", []))

    @property
    def failed(self) -> List[Any]:
        """Parts of the spec that failed: what they would have made is not there."""
        return list(self.manifest.get("failed", []))

    def __repr__(self) -> str:
        kinds = {"tables": self.tables, "rows": self.rows, "figures": self.figures, "activations": self.activations}
        listed = [f"  {kind}: {', '.join(names)}" for kind, names in kinds.items() if names]
        return "\n".join([f"<results in {self.folder}: {self.manifest.get('title', '')}", *listed, *self._said("  ")]) + ">"

    def _repr_html_(self) -> str:
        said = "".join(f"<p>{html.escape(line)}</p>" for line in self._said(""))
        shown = "".join(map(_picture, self.figures.values()))
        return f"<h3>{html.escape(str(self.manifest.get('title', '')))}</h3>{said}{shown}"

    def _said(self, indent: str) -> List[str]:
        failed = [f"{indent}failed: {_line(part)}" for part in self.failed]
        return failed + [f"{indent}note: {note}" for note in self.notes]


class _Tensors(Mapping[str, Activations]):
    """Files of activations by name, their headers read when they are asked for."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = Named("activations", files)

    def __getitem__(self, name: str) -> Activations:
        return Activations(self._files[name])

    def __iter__(self) -> Any:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __repr__(self) -> str:
        return repr(self._files)


def _picture(figure: Figure) -> str:
    kind, path = ("svg+xml", figure.svg) if figure.svg else ("png", figure.png)
    if path is None:
        return ""
    # An image of its own: ids within one drawing do not meet those of the next, and nothing in it runs.
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return f'<p>{html.escape(figure.name)}</p><img alt="{html.escape(figure.name)}" src="data:image/{kind};base64,{content}">'


def _line(part: Any) -> str:
    return str(part) if isinstance(part, str) else json.dumps(part, ensure_ascii=False)


def _manifest(folder: Path) -> Dict[str, Any]:
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = "has no manifest.json: it holds no results, or those of a run that did not end"
        raise AblateError(f"{folder} {known if folder.is_dir() else 'is not there'}") from None
    except ValueError as error:
        raise AblateError(f"{path}: {error}") from None
    if not isinstance(manifest, dict):
        raise AblateError(f"{path} is no manifest")
    return manifest

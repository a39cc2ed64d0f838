"""Tables as data frames of pandas or polars, whichever is there."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
from pathlib import Path
from typing import Any, Iterator, Mapping, Optional, TypeVar

T = TypeVar("T")

LIBRARIES = ("pandas", "polars")


class Named(Mapping[str, T]):
    """Things by name, whose KeyError says which names there are."""

    def __init__(self, kind: str, things: Mapping[str, T]) -> None:
        self._kind = kind
        self._things = dict(things)

    def __getitem__(self, name: str) -> T:
        if name not in self._things:
            near = difflib.get_close_matches(str(name), self._things, n=1)
            advice = f"write '{near[0]}'" if near else "there are " + (", ".join(self._things) or "none")
            raise KeyError(f"no {self._kind} '{name}'; {advice}")
        return self._things[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._things)

    def __len__(self) -> int:
        return len(self._things)

    def __repr__(self) -> str:
        return f"<{self._kind}: {', '.join(self._things) or 'none'}>"


class Frames(Mapping[str, Any]):
    """Tables by name, read when they are asked for."""

    def __init__(self, kind: str, files: Mapping[str, Path], library: Optional[str]) -> None:
        self._files = Named(kind, files)
        self._library = library

    def __getitem__(self, name: str) -> Any:
        return read(self._files[name], self._library)

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __repr__(self) -> str:
        return repr(self._files)


def checked(library: Optional[str]) -> Optional[str]:
    """The name of a library, or None for whichever is there."""
    if library is not None and library not in LIBRARIES:
        raise ValueError(f"frames={library!r}; write 'pandas' or 'polars'")
    return library


def read(path: Path, library: Optional[str]) -> Any:
    """A Parquet file as a data frame.

    Raises ImportError where what reads it is not installed.
    """
    return importlib.import_module(library or _installed()).read_parquet(path)


def _installed() -> str:
    there = {name for name in (*LIBRARIES, "pyarrow") if importlib.util.find_spec(name) is not None}
    if {"pandas", "pyarrow"} <= there:
        return "pandas"
    if "polars" in there:
        return "polars"
    missing = "pyarrow, with which pandas reads Parquet" if "pandas" in there else "pandas with pyarrow, or polars"
    raise ImportError(f"to read tables, install {missing}; every table is there as CSV, too")

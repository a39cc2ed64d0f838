"""Figures, as Jupyter shows them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Optional


class Figure(NamedTuple):
    """One drawing, in the formats that its run wrote."""

    name: str
    svg: Optional[Path]
    png: Optional[Path]
    pdf: Optional[Path] = None
    """For papers; notebooks show the others."""

    def _repr_svg_(self) -> Optional[str]:
        return self.svg.read_text(encoding="utf-8") if self.svg else None

    def _repr_png_(self) -> Optional[bytes]:
        # One is enough: a notebook keeps all that it is given.
        return self.png.read_bytes() if self.png and not self.svg else None

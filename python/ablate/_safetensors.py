"""Activations that a step `capture` wrote: a safetensors file, read with numpy alone."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping

from ._errors import AblateError
from ._frames import Named

if TYPE_CHECKING:
    import numpy

# https://huggingface.co/docs/safetensors: little endian.
_DTYPES = {
    "BOOL": "?",
    "U8": "<u1",
    "I8": "<i1",
    "U16": "<u2",
    "I16": "<i2",
    "U32": "<u4",
    "I32": "<i4",
    "U64": "<u8",
    "I64": "<i8",
    "F16": "<f2",
    # numpy has no such type: the upper half of an f32.
    "BF16": "<u2",
    "F32": "<f4",
    "F64": "<f8",
}


class Activations(Mapping[str, Any]):
    """Tensors of a file by name, each read when it is asked for; bf16 comes as f32.

    `metadata` is what the file says of itself: step, model, checkpoint, template, units.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            self._data = 8 + length
            self._size = path.stat().st_size
            header = file.read(length) if self._data <= self._size else b""
        try:
            entries: Dict[str, Any] = json.loads(header)
            self.metadata: Dict[str, str] = entries.pop("__metadata__", {})
            self._entries = Named("tensor", entries)
        except (ValueError, TypeError, AttributeError):
            raise AblateError(f"{path} is no whole safetensors file") from None

    def __getitem__(self, name: str) -> "numpy.ndarray[Any, Any]":
        import numpy

        entry = self._entries[name]
        stored = entry["dtype"]
        if stored not in _DTYPES:
            raise AblateError(f"{self.path}: {name} is {stored}, which is not read")
        dtype = numpy.dtype(_DTYPES[stored])
        begin, end = entry["data_offsets"]
        shape: List[int] = entry["shape"]
        count = int(numpy.prod(shape, dtype=numpy.int64))
        if end - begin != count * dtype.itemsize or self._data + end > self._size:
            raise AblateError(f"{self.path}: {name} is not all there; the file is damaged")
        values: numpy.ndarray[Any, Any] = numpy.fromfile(self.path, dtype, count, offset=self._data + begin)
        if stored == "BF16":
            values = (values.astype(numpy.uint32) << 16).view(numpy.float32)
        return values.reshape(shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {entry['shape']}" for name, entry in self._entries.items())
        return f"<activations of {self.path}: {shapes}>"

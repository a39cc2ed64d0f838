"""Safetensors files, byte by byte."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy
import pytest

import ablate


def write(path: Path, entries: dict[str, object], data: bytes) -> ablate.Activations:
    header = json.dumps(entries).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
    return ablate.Activations(path)


def test_every_type_is_read(tmp_path: Path) -> None:
    arrays = {
        "F32": numpy.array([[1.5, -2.0, numpy.inf]], "<f4"),
        "F64": numpy.array([1 / 3], "<f8"),
        "F16": numpy.array([0.5, -0.25], "<f2"),
        "I64": numpy.array([-(2**40), 3], "<i8"),
        "U8": numpy.array([0, 255], "u1"),
        "BOOL": numpy.array([True, False]),
    }
    entries: dict[str, object] = {"__metadata__": {"step": "one"}}
    data = b""
    for name, array in arrays.items():
        begin, data = len(data), data + array.tobytes()
        entries[name] = {"dtype": name, "shape": list(array.shape), "data_offsets": [begin, len(data)]}
    read = write(tmp_path / "all.safetensors", entries, data)
    assert read.metadata == {"step": "one"}
    assert list(read) == list(arrays)
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype
        assert numpy.array_equal(read[name], array)


def test_bf16_comes_as_f32(tmp_path: Path) -> None:
    # 1.0, -2.0, the largest, 2^-133 (a subnormal), infinity; from the definition: the upper half of an f32.
    halves = numpy.array([0x3F80, 0xC000, 0x7F7F, 0x0001, 0x7F80], "<u2")
    entries = {"x": {"dtype": "BF16", "shape": [5], "data_offsets": [0, 10]}}
    read = write(tmp_path / "x.safetensors", dict(entries), halves.tobytes())["x"]
    assert read.dtype == numpy.float32
    assert list(read) == [1.0, -2.0, 255 * 2.0**120, 2.0**-133, numpy.inf]


def test_no_values_and_a_single_one(tmp_path: Path) -> None:
    entries = {
        "none": {"dtype": "F32", "shape": [0, 3], "data_offsets": [0, 0]},
        "one": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]},
    }
    read = write(tmp_path / "x.safetensors", dict(entries), struct.pack("<f", 2.5))
    assert read["none"].shape == (0, 3)
    assert read["one"].shape == () and float(read["one"]) == 2.5


def test_damage_is_said(tmp_path: Path) -> None:
    entry = {"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}
    with pytest.raises(ablate.AblateError, match="not all there"):
        write(tmp_path / "short.safetensors", dict(entry), b"1234")["x"]
    with pytest.raises(ablate.AblateError, match="F8_E4M3, which is not read"):
        write(tmp_path / "f8.safetensors", {"x": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}}, b"1")["x"]
    (tmp_path / "no.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ablate.AblateError, match="no whole safetensors file"):
        ablate.Activations(tmp_path / "no.safetensors")
    (tmp_path / "empty.safetensors").write_bytes(b"")
    with pytest.raises(ablate.AblateError, match="no whole safetensors file"):
        ablate.Activations(tmp_path / "empty.safetensors")

"""A spec's TOML from a dictionary."""

from __future__ import annotations

import math
import os
import re
from typing import Any, List, Mapping, Sequence

_BARE = re.compile(r"^[A-Za-z0-9_-]+$")
_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def spec(content: Mapping[str, Any]) -> str:
    """The text of a spec with this content: its tables, and `[[step]]` for each dictionary in the list `step`.

    Values are texts, numbers, true or false, paths, lists, dictionaries, and numpy's numbers and arrays. Raises TypeError or
    ValueError, naming the key, at what TOML cannot hold: None, for one, is a key left out.
    """
    plain, tables = [], []
    for key, value in content.items():
        value = _simple(value)
        if isinstance(value, Mapping):
            tables.append(f"[{_key(key)}]\n{_lines(value, str(key))}")
        elif _is_tables(value):
            for number, entry in enumerate(value):
                tables.append(f"[[{_key(key)}]]\n{_lines(_simple(entry), f'{key}.{number}')}")
        else:
            plain.append(f"{_key(key)} = {_value(value, str(key), long=True)}\n")
    return "\n".join(["".join(plain), *tables] if plain else tables)


def value(content: Any, where: str = "value") -> str:
    """One value as TOML in one line, for `--set KEY=VALUE`."""
    return _value(_simple(content), where)


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(_simple(entry), Mapping) for entry in value)


def _lines(table: Mapping[str, Any], where: str) -> str:
    return "".join(f"{_key(key)} = {_value(_simple(value), f'{where}.{key}', long=True)}\n" for key, value in table.items())


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"key {key!r} is no text")
    return key if _BARE.match(key) else _text(key, repr(key))


def _simple(value: Any) -> Any:
    """The value as one of Python's own types."""
    if isinstance(value, (str, bool, int, float, Mapping)) and type(value).__module__ != "numpy":
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    # Numbers and arrays of numpy, torch and their like.
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, (Sequence, set, frozenset)) and not isinstance(value, (bytes, bytearray)):
        return sorted(value) if isinstance(value, (set, frozenset)) else list(value)
    return value


def _value(value: Any, where: str, long: bool = False) -> str:
    """`long`: a text of several lines may be written as such."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise ValueError(f"{where}: {value} does not fit into 64 bits")
        return str(int(value))
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, str):
        return _long_text(value, where) if long and "\n" in value else _text(value, where)
    if isinstance(value, list):
        return "[" + ", ".join(_value(_simple(entry), f"{where}.{number}") for number, entry in enumerate(value)) + "]"
    if isinstance(value, Mapping):
        entries: List[str] = [f"{_key(key)} = {_value(_simple(entry), f'{where}.{key}')}" for key, entry in value.items()]
        return "{ " + ", ".join(entries) + " }" if entries else "{}"
    if value is None:
        raise TypeError(f"{where} is None; leave the key out")
    raise TypeError(f"{where}: {type(value).__name__} is nothing that a spec can hold")


def _float(value: float) -> str:
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return repr(float(value))


def _text(text: str, where: str) -> str:
    return '"' + "".join(map(_escaped, _checked(text, where))) + '"'


def _long_text(text: str, where: str) -> str:
    # The first line break after the quotes is no part of the text.
    lines = _checked(text, where).split("\n")
    return '"""\n' + "\n".join("".join(map(_escaped, line)) for line in lines) + '"""'


def _escaped(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if ord(letter) < 0x20 or ord(letter) == 0x7F:
        return f"\\u{ord(letter):04x}"
    return letter


def _checked(text: str, where: str) -> str:
    if any(0xD800 <= ord(letter) < 0xE000 for letter in text):
        raise ValueError(f"{where}: {text!r} has half a surrogate pair, which no text file can hold")
    return text

# SPDX-License-Identifier: BSD-2-Clause
"""The text of a document, as plain values: JSON, and no more than the library in C can hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any, NoReturn

from rumprun.config.complaint import Complaint, Path
from rumprun.errors import InputError, MissingError
from rumprun.wording import shown

LONGEST_TEXT = 1 << 20
MOST_LEVELS = 32
MOST_VALUES = 8192

# Strings are skipped whole; one that does not end is json's to refuse.
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
# What has more digits is out of any range, and int() would take long over it.
_MOST_DIGITS = 19


class Pairs(dict[str, Any]):
    """An object as it was written: ``pairs`` has repeated keys, too."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


class Refused(Exception):
    """The text is not what a document may be; ``complaint`` says why."""

    def __init__(self, complaint: Complaint) -> None:
        super().__init__(str(complaint))
        self.complaint = complaint


def read_bytes(path: FilePath) -> bytes:
    """The bytes of a file, and one more than is allowed where it is longer.

    Raises :class:`MissingError` where there is none, :class:`InputError` where it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(LONGEST_TEXT + 1)
    except FileNotFoundError as error:
        raise MissingError(f"{path}: no such file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def parse_text(data: bytes, *, repeated_keys: bool = False) -> Any:
    """The value that ``data`` is; its objects are :class:`Pairs`, its fractions floats.

    ``repeated_keys`` lets them pass, for the legacy form. Raises :class:`Refused`.
    """
    if len(data) > LONGEST_TEXT:
        _refuse((), f"longer than {LONGEST_TEXT} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        _refuse((), f"no UTF-8 at byte {error.start}", "save it as UTF-8")
    if _levels(text) > MOST_LEVELS:
        _refuse((), f"more than {MOST_LEVELS} lists and objects in one another")
    try:
        value = json.loads(
            text, object_pairs_hook=Pairs, parse_int=_integer, parse_constant=_no_constant
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        _refuse((), f"{where}: no JSON: {error.msg}", "see https://www.json.org")
    _check_values(value, repeated_keys=repeated_keys)
    return value


def _levels(text: str) -> int:
    """How deep lists and objects are in one another, before a parser recurses into them."""
    deepest = level = 0
    for match in _BRACKETS.finditer(text):
        if match.group() in "[{":
            level += 1
            deepest = max(deepest, level)
        elif match.group() in "]}":
            level -= 1
    return deepest


def _integer(digits: str) -> int | float:
    """An integer, or a float for one that 64 bits do not hold: no integer is allowed there."""
    if len(digits.lstrip("-")) > _MOST_DIGITS:
        return float("inf")
    value = int(digits)
    return value if -(1 << 63) <= value < 1 << 63 else float("inf")


def _no_constant(name: str) -> NoReturn:
    _refuse((), f"no JSON: {name}", "see https://www.json.org")


def _check_values(value: Any, *, repeated_keys: bool) -> None:
    """Refuse what the grammar allows and a document does not."""
    count = 0
    for path, one in _walk(value, ()):
        count += 1
        if isinstance(one, str):
            _check_string(path, one)
        elif isinstance(one, Pairs):
            for key, _member in one.pairs:
                _check_string(path, key)
    if count > MOST_VALUES:
        _refuse((), f"more than {MOST_VALUES} values")
    for path, one in () if repeated_keys else _walk(value, ()):
        if isinstance(one, Pairs) and len(one) < len(one.pairs):
            key = _first_repeated([key for key, _member in one.pairs])
            _refuse((*path, key), "this key occurs twice", "keep one of them")


def _walk(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """All values below and with ``value``, each after what it is in, in the order of the text."""
    yield path, value
    if isinstance(value, Pairs):
        for key, member in value.pairs:
            yield from _walk(member, (*path, key))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from _walk(member, (*path, number))


def _check_string(path: Path, text: str) -> None:
    if "\0" in text:
        _refuse(path, "has a NUL", "no string may hold one")
    if any("\ud800" <= character <= "\udfff" for character in text):
        _refuse(
            path, f"has half of a surrogate pair: {shown(text)}", "write both, or the character"
        )


def _first_repeated(keys: list[str]) -> str:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            return key
        seen.add(key)
    raise AssertionError("no key is repeated")


def _refuse(path: Path, wrong: str, hint: str = "") -> NoReturn:
    raise Refused(Complaint(path=path, wrong=wrong, hint=hint))

# SPDX-License-Identifier: BSD-2-Clause
"""Crash reports with functions and lines of source in them.

The lines are those of ``boards/linux/crash_report.c``, and on board ``pvh`` whatever the base says
with addresses in it. Whatever else is in a console's log is passed through as it is: a log may come
from anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rumprun import command
from rumprun.bake.rebase import DEBUG_DISTANCE

_FRAME = re.compile(rb"rumprun: +#[0-9]{1,6} ([!-~]{1,128})\+0x([0-9a-f]{1,16})")

# What the base says; an address of a program's slot or of the base is as long.
_BASE_SAYS = re.compile(rb"rumprun: ")
_ADDRESS = re.compile(rb"\b0x([0-9a-f]{6,16})\b")

_UNKNOWN = "??"
_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place in a program's source; ``location`` is ``file:line``, or empty where unknown."""

    function: str
    location: str


@dataclass(frozen=True, kw_only=True)
class Range:
    """Addresses from ``start`` to before ``end``; in ``file`` with symbols, ``offset`` less."""

    start: int
    end: int
    offset: int
    file: Path


class Symbolizer:
    """Adds to each frame of a report where it is."""

    def __init__(self, files: Mapping[str, Path], ranges: Sequence[Range] = ()) -> None:
        """``files`` are those with symbols, by the names of the programs' files.

        ``ranges`` are where an address tells whose it is.
        """
        self._files = files
        self._ranges = ranges
        self._known: dict[tuple[Path, str], tuple[Place, ...]] = {}

    def line(self, line: bytes) -> bytes:
        """``line`` of a log, and what there is to say about it.

        Functions that the compiler has merged into the one that is there follow, a line each.
        """
        match = _FRAME.search(line)
        if not match:
            return self._line_of_base(line) if self._ranges and _BASE_SAYS.search(line) else line
        # What 'rumpdeb gdb' has moved is at a multiple of the distance.
        address = f"{int(match[2], 16) % DEBUG_DISTANCE:x}"
        file = self._files.get(match[1].decode())
        places = self._places(file, address) if file else ()
        if not places:
            return line
        text, ending = _split(line)
        said = [text + f" {_text(places[0])}".encode(), *_inlined(places)]
        return (ending or b"\n").join(said) + ending

    def _line_of_base(self, line: bytes) -> bytes:
        text, ending = _split(line)
        said = [text]
        for word in dict.fromkeys(_ADDRESS.findall(text)):
            address = int(word, 16)
            for one in self._ranges:
                if one.start <= address < one.end:
                    places = self._places(one.file, f"{address - one.offset:x}")
                    said += [
                        b"rumprun:      0x%s is %s" % (word, _text(place).encode())
                        for place in places[:1]
                    ]
                    said += _inlined(places)
        return (ending or b"\n").join(said) + ending

    def _places(self, file: Path, address: str) -> tuple[Place, ...]:
        key = (file, address)
        if key not in self._known:
            self._known[key] = _look_up(file, address)
        return self._known[key]


def _split(line: bytes) -> tuple[bytes, bytes]:
    """A line and its end, which may be missing."""
    text = line.rstrip(b"\r\n")
    return text, line[len(text) :]


def _inlined(places: Sequence[Place]) -> list[bytes]:
    return [b"rumprun:      inlined into " + _text(place).encode() for place in places[1:]]


def _text(place: Place) -> str:
    return f"{place.function} at {place.location}" if place.location else place.function


def _look_up(path: Path, address: str) -> tuple[Place, ...]:
    words: list[str | Path] = ["addr2line", "-e", path, "-f", "-C", "-i", f"0x{address}"]
    said = command.run(words, timeout=_SECONDS, hint="is the package binutils installed?")
    return parse_places(said.stdout)


def parse_places(said: str) -> tuple[Place, ...]:
    """The places that addr2line names, innermost first; none where it knows no function."""
    lines = said.splitlines()
    found = []
    for function, location in zip(lines[::2], lines[1::2], strict=False):
        if function == _UNKNOWN:
            continue
        where = location.partition(" (discriminator")[0]
        known = not where.startswith((_UNKNOWN, ":")) and not where.endswith((":?", ":0"))
        found.append(Place(function=function, location=where if known else ""))
    return tuple(found)

# SPDX-License-Identifier: BSD-2-Clause
"""Crash reports with functions and lines of source in them.

The lines are those of ``boards/linux/crash_report.c``. Whatever else is in a console's log is
passed through as it is: a log may come from anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rumprun import command
from rumprun.bake.rebase import DEBUG_DISTANCE

_FRAME = re.compile(rb"rumprun: +#[0-9]{1,6} ([!-~]{1,128})\+0x([0-9a-f]{1,16})")

_UNKNOWN = "??"
_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place in a program's source; ``location`` is ``file:line``, or empty where unknown."""

    function: str
    location: str


class Symbolizer:
    """Adds to each frame of a report where it is."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        """``files`` are those with symbols, by the names of the programs' files."""
        self._files = files
        self._known: dict[tuple[str, str], tuple[Place, ...]] = {}

    def line(self, line: bytes) -> bytes:
        """``line`` of a log, and what there is to say about it.

        Functions that the compiler has merged into the one that is there follow, a line each.
        """
        match = _FRAME.search(line)
        if not match:
            return line
        # What 'rumpdeb gdb' has moved is at a multiple of the distance.
        address = f"{int(match[2], 16) % DEBUG_DISTANCE:x}"
        places = self._places(match[1].decode(), address)
        if not places:
            return line
        text = line.rstrip(b"\r\n")
        ending = line[len(text) :]
        said = [text + f" {_text(places[0])}".encode()]
        said += [b"rumprun:      inlined into " + _text(place).encode() for place in places[1:]]
        return (ending or b"\n").join(said) + ending

    def _places(self, name: str, address: str) -> tuple[Place, ...]:
        if name not in self._files:
            return ()
        key = (name, address)
        if key not in self._known:
            self._known[key] = _look_up(self._files[name], address)
        return self._known[key]


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

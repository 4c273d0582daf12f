# SPDX-License-Identifier: BSD-2-Clause
"""gdb's side of "rumpdeb gdb": the programs' symbols, and a break in one of them by its name."""

from __future__ import annotations

import json
from pathlib import Path

import gdb

# Programs by their names: where each is placed, and the address behind it.
_ranges: dict[str, tuple[int, int]] = {}


def _quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Connect(gdb.Command):
    """Load the symbols of an image's programs and connect to its machine.

    rumprun-connect FILE, which "rumpdeb gdb" writes.
    """

    def __init__(self) -> None:
        super().__init__("rumprun-connect", gdb.COMMAND_RUNNING, gdb.COMPLETE_FILENAME)

    def invoke(self, argument: str, _from_tty: bool) -> None:
        """Do it; gdb calls this."""
        session = json.loads(Path(argument).read_text(encoding="utf-8"))
        gdb.execute("set architecture i386:x86-64", to_string=True)
        # A program's memory is not there before it was started, and its file is.
        gdb.execute("set trust-readonly-sections on")
        gdb.execute(f"set debug-file-directory {session['symbols']}", to_string=True)
        for program in session["programs"]:
            _ranges[program["name"]] = (program["base"], program["end"])
            words = f"add-symbol-file {_quoted(program['file'])} -o {program['offset']:#x}"
            gdb.execute(words, to_string=True)
        if session["base"]:
            # Where it is linked to.
            gdb.execute(f"add-symbol-file {_quoted(session['base'])}", to_string=True)
        gdb.execute(f"target remote {session['socket']}", to_string=True)


class Break(gdb.Command):
    """Stop in one program of the image only.

    rumprun-break PROGRAM LOCATION, such as: rumprun-break hello main
    "break LOCATION" stops in every program that has it.
    """

    def __init__(self) -> None:
        super().__init__("rumprun-break", gdb.COMMAND_BREAKPOINTS)

    def invoke(self, argument: str, _from_tty: bool) -> None:
        """Do it; gdb calls this."""
        name, _blank, location = argument.strip().partition(" ")
        if not location:
            raise gdb.GdbError("rumprun-break PROGRAM LOCATION")
        if name not in _ranges:
            raise gdb.GdbError(f"no program {name}; there are: {', '.join(sorted(_ranges))}")
        start, end = _ranges[name]
        _rest, places = gdb.decode_line(location.strip())
        addresses = sorted({place.pc for place in places or () if start <= place.pc < end})
        if not addresses:
            raise gdb.GdbError(f"{name} has no {location}")
        for address in addresses:
            gdb.Breakpoint(f"*{address:#x}")


Connect()
Break()

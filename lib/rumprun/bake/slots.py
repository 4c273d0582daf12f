# SPDX-License-Identifier: BSD-2-Clause
"""Programs of the board ``pvh``: each in a slot of the one address space, without debug sections.

``doc/pvh-board.md`` says what is where. A program is moved to its slot when it is baked, so that
nothing has to find a place for it when it starts, and a debugger knows where it is.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from elftools.elf.elffile import ELFFile

from rumprun import command
from rumprun.bake.board import ProgramRequest
from rumprun.bake.halts import without_halts
from rumprun.bake.rebase import is_movable, rebase
from rumprun.bake.root_archive import PAGE
from rumprun.elf import PARSER_ERRORS
from rumprun.errors import InputError
from rumprun.target.descriptor import Target

# PROGRAM_SLOT_SIZE in boards/pvh/program.h.
SLOT_SIZE: Final = 1 << 40

# Where a program may be that is linked for an address of its own.
_FIXED_START: Final = 64 << 10

# <elf.h>
_PF_X, _PF_W = 1, 2

_SECONDS = 300.0


def place_programs(
    programs: Sequence[ProgramRequest], listings: Sequence[str], target: Target, scratch: Path
) -> list[bytes]:
    """The files of ``programs`` as the image has them, the n-th, from 1, in slot n.

    ``listings`` are their code, see :func:`rumprun.bake.calls.disassemble`.

    One that is linked to a fixed address stays there, in slot 0. Raises :class:`InputError` for a
    second one of those, for one at another address, and for memory to write and to execute.
    """
    placed = []
    fixed: list[str] = []
    for number, (program, listing) in enumerate(zip(programs, listings, strict=True), 1):
        content = without_debug_sections(program.file, target, scratch)
        _check_segments(content, program.name)
        content = without_halts(content, listing)
        if is_movable(content):
            content = rebase(content, number * SLOT_SIZE, name=program.name)
        else:
            fixed.append(program.name)
        placed.append(content)
    if len(fixed) > 1:
        raise InputError(
            f"{' and '.join(fixed)} are linked to fixed addresses, and an image has room for one",
            hint="link all others as the target's gcc does by default, without -no-pie",
        )
    return placed


def slot_start(content: bytes) -> int:
    """The first address of the slot that a program is placed in; 0 for one that is in none."""
    try:
        addresses = [segment["p_vaddr"] for segment in _loads(content)]
    except PARSER_ERRORS:
        return 0
    return int(min(addresses, default=0)) // SLOT_SIZE * SLOT_SIZE


def without_debug_sections(file: Path, target: Target, scratch: Path) -> bytes:
    """The content of a program; its symbols stay, what else is for a debugger does not.

    The image is all in memory, and such sections are most of a program that has them. gdb and
    ``symbolize`` find them by the build ID.
    """
    content = file.read_bytes()
    if not _has_debug_sections(content):
        return content
    stripped = scratch / "stripped"
    command.run(
        [target.tool("strip"), "--strip-debug", "-o", stripped, file],
        timeout=_SECONDS,
        hint="is the disk full?",
    )
    content = stripped.read_bytes()
    stripped.unlink()
    return content


def _has_debug_sections(content: bytes) -> bool:
    try:
        sections = ELFFile(io.BytesIO(content)).iter_sections()
        return any(section.name.startswith((".debug_", ".zdebug_")) for section in sections)
    except PARSER_ERRORS:
        return False


def _loads(content: bytes) -> list[dict[str, int]]:
    segments = ELFFile(io.BytesIO(content)).iter_segments("PT_LOAD")
    return [dict(segment.header) for segment in segments]


def _check_segments(content: bytes, name: str) -> None:
    try:
        segments = _loads(content)
    except PARSER_ERRORS as error:
        raise InputError(f"{name}: a damaged ELF file ({error})") from error
    last = 0
    for segment in segments:
        start, end = segment["p_vaddr"], segment["p_vaddr"] + segment["p_memsz"]
        if segment["p_flags"] & (_PF_W | _PF_X) == _PF_W | _PF_X:
            raise InputError(
                f"{name}: has memory to write and to execute, at {start:#x}",
                hint="link it without -N; on board pvh one excludes the other",
            )
        if start // PAGE * PAGE < last:
            raise InputError(
                f"{name}: two segments share the page at {start // PAGE * PAGE:#x}",
                hint="link it with -z separate-code, or without a -z max-page-size of its own",
            )
        if end > SLOT_SIZE or (not is_movable(content) and start < _FIXED_START):
            raise InputError(
                f"{name}: linked to {start:#x}, where board pvh has no program",
                hint="link it as the target's gcc does by default, without -no-pie",
            )
        last = -(-end // PAGE) * PAGE

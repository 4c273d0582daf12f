# SPDX-License-Identifier: BSD-2-Clause
"""A base of the board ``pvh`` with nothing in it that runs, and its table of calls."""

from __future__ import annotations

import struct
from pathlib import Path

from rumprun.bake.base import MEMORY_BASE

PT_NULL, PT_LOAD, PT_NOTE = 0, 1, 4
R, RX, RW = 4, 5, 6
PAGE = 4096

START = 0x100000
ENTRY = START + PAGE
TEXT = b"\xf4" * 100
OTHER_NOTE = struct.pack("<III8sI", 8, 4, 1, b"rumprun", 0)
NOTE = struct.pack("<III4sI", 4, 4, 18, b"Xen", ENTRY) + OTHER_NOTE
# Where boards/pvh/unpack has what it is told, and nothing in it that runs either.
UNPACKER = b"\xbd" + bytes(range(1, 120))
DATA = b"data"
BSS = 5 * PAGE

CALLS = "+ 0 read\n+ 1 write\n- 57 fork\n- 59 execve\n+ 231 exit_group\n"


def segment(
    kind: int, flags: int, offset: int, physical: int, file_size: int, memory: int
) -> bytes:
    address = MEMORY_BASE + physical if kind else 0
    return struct.pack("<IIQQQQQQ", kind, flags, offset, address, physical, file_size, memory, PAGE)


def base(*, free: int = 1) -> bytes:
    """Headers at 1 MiB, text and data, ``free`` headers of type ``PT_NULL``, and sections."""
    segments = [
        segment(PT_LOAD, R, 0, START, PAGE, PAGE),
        segment(PT_LOAD, RX, PAGE, START + PAGE, len(TEXT), len(TEXT)),
        segment(PT_LOAD, RW, 2 * PAGE, START + 2 * PAGE, len(DATA), BSS),
        segment(PT_NOTE, R, PAGE - len(NOTE), START + PAGE - len(NOTE), len(NOTE), len(NOTE)),
        *(segment(PT_NULL, R, 0, 0, 0, 0) for _ in range(free)),
    ]
    sections_at = 2 * PAGE + len(DATA) + 50
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 2, 62, 1, MEMORY_BASE + START, 64, sections_at, 0, 64, 56,
        len(segments), 64, 1, 0,
    )  # fmt: skip
    content = (
        (header + b"".join(segments)).ljust(PAGE - len(NOTE), b"\0")
        + NOTE
        + TEXT.ljust(PAGE, b"\0")
        + DATA
    )
    return content.ljust(sections_at, b"s") + bytes(64)


def install(root: Path, *, name: str = "base", calls: str = CALLS) -> Path:
    """Put it where ``RUMPRUN_BOARD_ROOT`` being ``root`` has it found."""
    path = root / "usr/lib/rumprun-board-pvh" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(base())
    path.with_name(f"{name}.calls").write_text(calls)
    path.with_name("unpack").write_bytes(UNPACKER)
    return path

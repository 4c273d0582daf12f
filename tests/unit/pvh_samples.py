# SPDX-License-Identifier: BSD-2-Clause
"""A base of the board ``pvh`` with nothing in it that runs, and its table of calls."""

from __future__ import annotations

import struct
from pathlib import Path

from rumprun.bake.base import MEMORY_BASE

PT_NULL, PT_LOAD = 0, 1
R, RX, RW = 4, 5, 6
PAGE = 4096

TEXT = b"\xf4" * 100
DATA = b"data"
BSS = 5 * PAGE

CALLS = "+ 0 read\n+ 1 write\n- 57 fork\n- 59 execve\n+ 231 exit_group\n"


def segment(
    kind: int, flags: int, offset: int, physical: int, file_size: int, memory: int
) -> bytes:
    address = MEMORY_BASE + physical if kind else 0
    return struct.pack("<IIQQQQQQ", kind, flags, offset, address, physical, file_size, memory, PAGE)


def base(*, free: int = 1) -> bytes:
    """Text at 1 MiB, data behind it, ``free`` headers of type ``PT_NULL``, and sections."""
    segments = [
        segment(PT_LOAD, RX, PAGE, 0x100000, len(TEXT), len(TEXT)),
        segment(PT_LOAD, RW, 2 * PAGE, 0x101000, len(DATA), BSS),
        *(segment(PT_NULL, R, 0, 0, 0, 0) for _ in range(free)),
    ]
    sections_at = 2 * PAGE + len(DATA) + 50
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 2, 62, 1, MEMORY_BASE + 0x100000, 64, sections_at, 0, 64, 56,
        len(segments), 64, 1, 0,
    )  # fmt: skip
    content = (header + b"".join(segments)).ljust(PAGE, b"\0") + TEXT.ljust(PAGE, b"\0") + DATA
    return content.ljust(sections_at, b"s") + bytes(64)


def install(root: Path, *, name: str = "base", calls: str = CALLS) -> Path:
    """Put it where ``RUMPRUN_BOARD_ROOT`` being ``root`` has it found."""
    path = root / "usr/lib/rumprun-board-pvh" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(base())
    path.with_name(f"{name}.calls").write_text(calls)
    return path

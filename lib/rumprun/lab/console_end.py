# SPDX-License-Identifier: BSD-2-Clause
"""The end of a machine that says it on its console alone, as upstream Rumprun does.

Its libc says how each program ended (lib/librumprun_base/syscall_misc.c), then its kernel
that it halts; the machine stays on. What a program writes is on the same console.
"""

from __future__ import annotations

import re
from typing import Final

_EXITED = re.compile(rb"=== (?:ERROR: )?_exit\((-?\d+)\) called ===\r?\n")
_HALTED = re.compile(rb"(?:unmounting done|\nPANIC: [^\r\n]*)\r?\nhalted")

# What its kernel says first of all that it does at the end.
HALTING: Final = b"rump kernel halting..."

# Far more than what is said at the end; less than would be slow to search again and again.
_KEPT: Final = 65536


def exit_status(said: bytes) -> int | None:
    """How the programs ended, by what a console ``said``; None where it does not say.

    As on the other boards, that is the status of the first one that failed.
    """
    found = [int(status) & 0xFF for status in _EXITED.findall(said)]
    return next(filter(None, found), 0) if found else None


class ConsoleEnd:
    """Watches a console go by; one for each machine."""

    def __init__(self) -> None:
        self._last = b""
        self.status: int | None = None

    def feed(self, chunk: bytes) -> bool:
        """Whether the machine has halted by the end of ``chunk``."""
        self._last = (self._last + chunk)[-_KEPT:]
        if not _HALTED.search(self._last):
            return False
        self.status = exit_status(self._last)
        return True

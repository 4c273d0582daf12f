# SPDX-License-Identifier: BSD-2-Clause
"""Processes that an earlier command started: a number alone may be that of a later one."""

from __future__ import annotations

from pathlib import Path


def start_time(process: int) -> str | None:
    """When a process began, in ticks since the machine did (proc(5)); None where it has ended."""
    try:
        said = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, in parentheses, may have anything in it.
    state, *fields = said.rpartition(")")[2].split()
    return None if state in ("Z", "X") else fields[18]

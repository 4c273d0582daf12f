# SPDX-License-Identifier: BSD-2-Clause
"""The pvh board's interrupts, on the host."""

from __future__ import annotations

from pathlib import Path

from boards.host_build import BASE, OWN, build
from rumprun import command


def test_no_interrupt_is_slept_over(tmp_path: Path) -> None:
    """See interrupt_idle.c."""
    program = build(tmp_path, "idle", OWN / "interrupt_idle.c", BASE / "interrupt.c")
    command.run([program], timeout=30)

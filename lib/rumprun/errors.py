# SPDX-License-Identifier: BSD-2-Clause
"""The errors that reach a user: what happened, where, and what to do about it.

The library raises them; only the commands turn them into one line and an exit status.
"""

from __future__ import annotations

from typing import ClassVar


class RumprunError(Exception):
    """A failure to report in one line.

    ``message`` says what failed and where; ``hint`` says what the user can do.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class UsageError(RumprunError):
    """The command line or the environment asks for something that makes no sense."""

    exit_code = 2


class InputError(RumprunError):
    """A source package, stanza, manifest or other document is not acceptable."""

    exit_code = 3


class MissingError(RumprunError):
    """Something that is needed is not there: a source, a package, a tool, a kernel."""

    exit_code = 4


class BuildError(RumprunError):
    """A command of a build failed or ran out of time."""

    exit_code = 5


class AuditError(RumprunError):
    """The audit found something that must not be packed."""

    exit_code = 6


class SystemFault(RumprunError):
    """The machine gave out: disk full, no permission, no memory."""

    exit_code = 7


class BootError(RumprunError):
    """An image did not boot, or its machine ended without saying how its program did."""

    exit_code = 8


def disk_full(where: str) -> SystemFault:
    """The error for a disk that has no room for ``where``, a file or what a command writes."""
    return SystemFault(
        f"no space left on the disk for {where}",
        hint="free some, or point TMPDIR and --output at a larger disk",
    )

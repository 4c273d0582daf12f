# SPDX-License-Identifier: BSD-2-Clause
"""What a lab has written about itself, and whether it is still well."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Final

from rumprun.errors import BootError

HYPERVISOR_LOG: Final = "xen.log"
DOM0_LOG: Final = "dom0.log"
QEMU_LOG: Final = "qemu.log"
GUESTS: Final = "guests"

# Of the hypervisor (panic() in xen/drivers/char/console.c) and of dom0's kernel.
_PANIC = re.compile(rb"(Panic on CPU \d+:|Kernel panic - not syncing|Hardware Dom0 \w+ed)[^\r\n]*")
_LONGEST_MARK = 64
# What a panic has to say is there a moment later.
_PANIC_SECONDS = 0.5

_MISSING_FEATURE = re.compile(r"doesn't support requested feature: \S*?(\w+) \[bit \d+\]")

_TAIL_BYTES = 8192
_TAIL_LINES = 20


class LabError(BootError):
    """A lab, or something in it, did not do what was expected."""


def tail(path: Path, lines: int = _TAIL_LINES) -> str:
    """The last lines of a log, marked as such; only what a terminal shows as text."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    # A serial line ends with two characters, and one more where a kernel's line passes through Xen.
    shown = [_printable(line) for line in text.splitlines() if line.strip()][-lines:]
    if not shown:
        return ""
    return f"\n{path.name}, its last lines:" + "".join(f"\n  | {line}" for line in shown)


def _printable(line: str) -> str:
    return "".join(character for character in line if character.isprintable())


def tails(directory: Path) -> str:
    """The tails of all logs of the lab in ``directory``."""
    found = [directory / name for name in (QEMU_LOG, HYPERVISOR_LOG, DOM0_LOG)]
    found += sorted(path for path in (directory / GUESTS).glob("*.log") if not path.is_symlink())
    return "".join(map(tail, found))


def missing_features(directory: Path) -> str:
    """What QEMU says that its processor does not have, of what the lab asks for; often nothing."""
    try:
        said = (directory / QEMU_LOG).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return ", ".join(_MISSING_FEATURE.findall(said))


class PanicWatch:
    """Looks at what is new in the hypervisor's log."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / HYPERVISOR_LOG
        self._place = 0
        self._panic = ""

    def panicked(self) -> str:
        """The line with which hypervisor or dom0 gave up; empty where they did not."""
        place, found = self._place, _PANIC.search(self._news())
        if found and not self._panic:
            time.sleep(_PANIC_SECONDS)
            self._place = place
            found = _PANIC.search(self._news()) or found
            self._panic = _printable(found[0].decode("utf-8", errors="replace"))
        return self._panic

    def _news(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                # The mark may have been half there.
                file.seek(max(0, self._place - _LONGEST_MARK))
                said = file.read()
                self._place = file.tell()
        except FileNotFoundError:
            return b""
        return said

# SPDX-License-Identifier: BSD-2-Clause
"""A domain that a lab runs: its console, and how it ended."""

from __future__ import annotations

import math
import re
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from rumprun.lab.channel import Outcome
from rumprun.lab.console_end import HALTING, exit_status
from rumprun.lab.logs import LabError, tail
from rumprun.lab.qemu import STATUS_LINE, parse_status

_LOOK_SECONDS = 0.2
# How often dom0 is asked for a domain: that takes it a tenth of a second.
_ASK_SECONDS = 1.0
_COMMAND_SECONDS = 60.0

# How STATUS_LINE begins; half of it is not shown before the rest has come.
_STATUS_START = b"rumprun-exit "


class Runner(Protocol):
    """What a guest needs of its lab."""

    def run(self, command: str, *, timeout: float = ..., check: bool = ...) -> Outcome:
        """See :class:`rumprun.lab.xen.Lab`."""

    def check(self) -> None:
        """Raise :class:`LabError` where the lab has ended."""


class Guest:
    """A domain of the lab; ``log`` is where all of its console goes."""

    def __init__(self, runner: Runner, *, name: str, domid: int, log: Path, start: int) -> None:
        """``start`` is where in ``log`` this domain begins: names may be used again."""
        self.name = name
        self.domid = domid
        self.log = log
        self._runner = runner
        self._start = start
        self._place = 0

    def console(self) -> bytes:
        """All that it has said so far."""
        try:
            with self.log.open("rb") as file:
                file.seek(self._start)
                return file.read()
        except FileNotFoundError:
            return b""

    def expect(self, pattern: bytes, timeout: float = 60.0) -> re.Match[bytes]:
        """Wait until its console has ``pattern`` behind the last match, and return the match.

        Raises :class:`LabError` after ``timeout`` seconds, or as soon as the domain is gone.
        """
        deadline = time.monotonic() + timeout
        wanted = re.compile(pattern)
        ask = time.monotonic() + _ASK_SECONDS
        last = False
        while True:
            found = wanted.search(self.console(), self._place)
            if found:
                self._place = found.end()
                return found
            now = time.monotonic()
            if last or now >= deadline:
                why = "and the domain has ended" if last else f"within {timeout:g} s"
                raise LabError(f"{self.name}: no {pattern!r} on the console {why}{tail(self.log)}")
            if now >= ask:
                # What it said last is looked at once more.
                last = not self.alive()
                ask = time.monotonic() + _ASK_SECONDS
            self._pause()

    def wait(self, timeout: float = 120.0) -> int | None:
        """Wait for its end; the exit status, or None where it says none, as others' kernels.

        Raises :class:`LabError` after ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        while self.alive():
            if time.monotonic() >= deadline:
                raise LabError(f"{self.name}: no end within {timeout:g} s{tail(self.log)}")
            ask = time.monotonic() + _ASK_SECONDS
            # Its last words come a moment before it is gone.
            while time.monotonic() < ask and self.status() is None:
                self._pause()
        return self.status()

    def follow(self, sink: Callable[[bytes], object], timeout: float | None) -> int | None:
        """As :meth:`wait`, handing the console to ``sink`` as it comes, without the status's line.

        ``timeout`` is None for none but the lab's own.
        """
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        shown = 0
        ended = False
        ask = time.monotonic() + _ASK_SECONDS
        while True:
            said = self.console()
            end = len(said) if ended else _end_of_output(said, shown)
            sink(STATUS_LINE.sub(b"", said[shown:end]))
            shown = end
            now = time.monotonic()
            if ended:
                return self.status()
            if now >= deadline:
                raise LabError(f"{self.name}: no end within {timeout:g} s{tail(self.log)}")
            if now >= ask:
                # What it said last is shown once more.
                ended = not self.alive()
                ask = time.monotonic() + _ASK_SECONDS
            else:
                self._pause()

    def status(self) -> int | None:
        """The exit status of the image's program, as far as it has said so."""
        said = self.console()
        status = parse_status(said)
        # A guest of upstream Rumprun has no line of ours, and says that it halts last.
        return exit_status(said) if status is None and HALTING in said else status

    def alive(self) -> bool:
        """Whether the domain is there."""
        words = f"xl list {self.domid}"
        return self._runner.run(words, timeout=_COMMAND_SECONDS, check=False).status == 0

    def destroy(self) -> None:
        """End it at once; it may have ended by itself."""
        if self._xl("destroy", check=False).status and self.alive():
            self._xl("destroy")

    def pause(self) -> None:
        """Stop its processors."""
        self._xl("pause")

    def unpause(self) -> None:
        """Let them run on."""
        self._xl("unpause")

    def shutdown(self) -> None:
        """Ask it to end; see :meth:`wait`."""
        self._xl("shutdown")

    def _xl(self, action: str, *, check: bool = True) -> Outcome:
        words = f"xl {action} {shlex.quote(str(self.domid))}"
        return self._runner.run(words, timeout=_COMMAND_SECONDS, check=check)

    def _pause(self) -> None:
        self._runner.check()
        time.sleep(_LOOK_SECONDS)


def _end_of_output(said: bytes, start: int) -> int:
    """How much of the console can be shown: not what may become the line with the status."""
    line = said.rfind(b"\n") + 1
    if line < start or line == len(said):
        return len(said)
    last = said[line : line + len(_STATUS_START)]
    return line if _STATUS_START.startswith(last) else len(said)

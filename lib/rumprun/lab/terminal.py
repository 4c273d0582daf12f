# SPDX-License-Identifier: BSD-2-Clause
"""A person's terminal, on a job in dom0 that has one of its own."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from typing import Final

from rumprun.errors import UsageError
from rumprun.lab.channel import Job
from rumprun.lab.xen import Lab

# As xl console and virsh have it.
LEAVE: Final = b"\x1d"
LEAVE_NAME: Final = "Ctrl-]"

_LOOK_SECONDS = 0.25
_CHUNK = 4096


def attach(lab: Lab, command: str) -> int:
    """Run ``command`` in dom0 on our terminal; its status, or 0 where the person leaves it.

    Raises :class:`UsageError` where standard input and output are no terminal.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("a shell needs a terminal", hint="for a script, use 'rumpdeb lab run'")
    source, sink = sys.stdin.fileno(), sys.stdout.fileno()
    job = lab.terminal(command)
    with _raw(source), _resized(job, source):
        while (status := job.poll()) is None:
            _show(job, sink)
            ready, _out, _err = select.select([source, lab.channel], [], [], _LOOK_SECONDS)
            if source in ready:
                typed = os.read(source, _CHUNK)
                if not typed or LEAVE in typed:
                    job.kill()
                    return 0
                job.type(typed)
        _show(job, sink)
    return status


def _show(job: Job, sink: int) -> None:
    data = job.take_output()
    while data:
        data = data[os.write(sink, data) :]


@contextlib.contextmanager
def _raw(terminal: int) -> Iterator[None]:
    before = termios.tcgetattr(terminal)
    tty.setraw(terminal)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _resized(job: Job, terminal: int) -> Iterator[None]:
    """The job's terminal has the size of ours, also when that changes."""

    def tell() -> None:
        size = os.get_terminal_size(terminal)
        job.resize(size.lines, size.columns)

    def note(_number: int, _frame: object) -> None:
        tell()

    before = signal.signal(signal.SIGWINCH, note)
    try:
        tell()
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)

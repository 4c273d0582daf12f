# SPDX-License-Identifier: BSD-2-Clause
"""What a person sees while a command works: one line a step, on standard error."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape

# rich itself drops colour and movement where the stream is no terminal, and honours NO_COLOR.
_console = Console(stderr=True, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def step(text: str) -> Iterator[None]:
    """Announce ``text``, show that it is running, and say how long it took."""
    started = time.monotonic()
    if _console.is_terminal:
        with _console.status(escape(text)):
            yield
    else:
        _console.print(f"{escape(text)} ...")
        yield
    _console.print(f"{escape(text)}: {time.monotonic() - started:.1f} s")


def note(text: str) -> None:
    """Say something that the user should know but need not act on."""
    _console.print(escape(text))


def warn(text: str) -> None:
    """Say something that the user will want to look into."""
    _console.print(f"[yellow]warning:[/yellow] {escape(text)}")


def fail(text: str) -> None:
    """Say why the command ends with a failure."""
    _console.print(f"[red]error:[/red] {escape(text)}")

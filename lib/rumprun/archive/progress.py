# SPDX-License-Identifier: BSD-2-Clause
"""What a person sees of a run: on a terminal a table that moves, elsewhere one line a change."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from itertools import islice

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from rumprun.archive.execute import Progress, State
from rumprun.archive.schedule import Schedule

_STYLES = {
    State.WAITING: "dim",
    State.RUNNING: "bold",
    State.KEPT: "cyan",
    State.BUILT: "green",
    State.FAILED: "red",
}
_REFRESH_SECONDS = 0.5
_MOST_WAITING = 8


class Display:
    """Shows a run on standard error; used as a context."""

    def __init__(self, console: Console | None = None) -> None:
        """``console`` is where to show it."""
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._started = time.monotonic()
        self._shown = 0.0

    def __enter__(self) -> Display:
        """Start to show."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        """Leave the terminal as it was."""
        self._live.stop()

    def changed(self, source: str, run: Mapping[str, Progress]) -> None:
        """Say what has become of ``source``."""
        item = run[source]
        done = sum(other.ended is not None for other in run.values())
        line = Text(f"[{done}/{len(run)}] {source} {item.node.version}: ")
        line.append(item.state.value, style=_STYLES[item.state])
        if item.ended is not None and item.started is not None and item.state is not State.KEPT:
            line.append(f", {item.ended - item.started:.1f} s")
        if item.worker:
            line.append(f", {item.worker}")
        if item.state is State.FAILED and item.record is not None:
            line.append(f": {(item.record.error or '').splitlines()[0]}")
        if item.state is not State.RUNNING or not self._console.is_terminal:
            self._console.print(line)

    def tick(self, run: Mapping[str, Progress], schedule: Schedule) -> None:
        """Show what runs, what waits for what, and how long it may take."""
        now = time.monotonic()
        if self._console.is_terminal and now - self._shown >= _REFRESH_SECONDS:
            self._shown = now
            self._live.update(self._view(run, schedule, now - self._started), refresh=True)

    def _view(self, run: Mapping[str, Progress], schedule: Schedule, now: float) -> Group:
        table = Table.grid(padding=(0, 2))
        for name, item in run.items():
            if item.state is State.RUNNING and item.started is not None:
                spent = now - item.started
                table.add_row(
                    Text(name, style="bold"),
                    f"{spent:.0f} s of about {max(spent, item.expected):.0f} s",
                    item.worker,
                )
        for name in islice(_waiting(run), _MOST_WAITING):
            table.add_row(
                Text(name, style="dim"), Text(f"waits for {_words(schedule, name)}", style="dim")
            )
        done = sum(item.ended is not None for item in run.values())
        left = time_left(run, schedule, now)
        return Group(table, Text(f"{done} of {len(run)} done, about {left:.0f} s left"))


def _waiting(run: Mapping[str, Progress]) -> Iterator[str]:
    return (name for name, item in run.items() if item.state is State.WAITING)


def _words(schedule: Schedule, name: str) -> str:
    return ", ".join(schedule.waits_for(name)) or "its turn"


def time_left(run: Mapping[str, Progress], schedule: Schedule, now: float) -> float:
    """About how long the rest takes, in seconds: the longest way that is left to go."""
    left = 0.0
    for name, item in run.items():
        if item.ended is None:
            spent = now - item.started if item.started is not None else 0.0
            left = max(left, schedule.tail(name) - spent)
    return left

# SPDX-License-Identifier: BSD-2-Clause
"""The report of a run: an HTML page with the graph, a timeline, and what became of each source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rumprun.archive.contents import Contents, read_contents
from rumprun.archive.execute import Progress, State
from rumprun.archive.model import Plan
from rumprun.archive.plan_text import as_dot, draw
from rumprun.archive.record import Record
from rumprun.archive.repository import Repository
from rumprun.errors import MissingError
from rumprun.templates import render_page
from rumprun.variant.diagnose import diagnose
from rumprun.workdir import atomic_path

NAME = "report.html"

_COLOURS = {
    State.WAITING: "#eeeeee",
    State.RUNNING: "#fff3c4",
    State.KEPT: "#dbe9f6",
    State.BUILT: "#cfe3c8",
    State.FAILED: "#f3c6c0",
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """What the page says of one source.

    ``start`` and ``width`` are percentages of the run, for the timeline; ``size`` is in bytes.
    """

    source: str
    version: str
    state: str
    colour: str
    seconds: float
    start: float
    width: float
    size: int
    log: str
    packages: tuple[Contents, ...]
    lost: tuple[str, ...]
    dropped: Mapping[str, str]
    own_tests: str
    error: str
    failure_class: str
    worker: str


def write_report(plan: Plan, run: Mapping[str, Progress], repository: Repository) -> Path:
    """Write the page for ``run`` into ``repository``; returns its path."""
    colours = {name: _COLOURS[item.state] for name, item in run.items()}
    try:
        picture = draw(as_dot(plan, colours))
    except MissingError as error:
        picture = f"<p>{error}</p>"
    total = max((item.ended or 0.0 for item in run.values()), default=0.0)
    page = render_page(
        "report.html.j2",
        plan=plan,
        picture=picture,
        rows=[_row(item, total or 1.0, repository) for item in run.values()],
        total=total,
        colours={state.value: colour for state, colour in _COLOURS.items()},
        entry=repository.source_entry,
    )
    path = repository.path / NAME
    with atomic_path(path) as partial:
        partial.write_text(page, encoding="utf-8")
    return path


def _row(item: Progress, total: float, repository: Repository) -> Row:
    record = item.record
    assert record is not None
    started, ended = item.started or 0.0, item.ended or 0.0
    log = repository.log_of(record.source, record.identity)
    return Row(
        source=record.source,
        version=record.version,
        state=item.state.value,
        colour=_COLOURS[item.state],
        seconds=record.seconds,
        start=100 * started / total,
        width=max(0.2, 100 * (ended - started) / total),
        size=sum(stored.size for stored in record.packages),
        log=str(log.relative_to(repository.path)) if log.is_file() else "",
        packages=tuple(map(read_contents, repository.packages(record))),
        lost=tuple(_lost(record)),
        dropped=item.node.dropped,
        own_tests=_own_tests(record),
        error=record.error or "",
        failure_class=_failure_class(log) if record.error else "",
        worker=record.worker,
    )


def _lost(record: Record) -> Iterator[str]:
    """The features that the builder's report says were switched off or left out."""
    report = record.report or {}
    for switch in report.get("switched_off", ()):
        yield f"{switch['option']}: {switch['reason']}"
    for left in report.get("left_out", ()):
        yield f"{left['file']}: needs {left['needs']}"


def _own_tests(record: Record) -> str:
    tests = (record.report or {}).get("own_tests")
    if not tests:
        return ""
    if not tests.get("ended", True):
        return "no end in the time that they had"
    return f"{tests['passed']} passed, {tests['failed']} failed, {tests['skipped']} skipped"


def _failure_class(log: Path) -> str:
    if not log.is_file():
        return ""
    found = diagnose(log.read_text(encoding="utf-8", errors="replace"))
    return found.title if found else ""

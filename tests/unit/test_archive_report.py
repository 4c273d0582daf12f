# SPDX-License-Identifier: BSD-2-Clause
"""What a person is shown of a run: lines, a table, time left, and the report."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest
from rich.console import Console

from rumprun.archive import report
from rumprun.archive.contents import Contents
from rumprun.archive.execute import Progress, State
from rumprun.archive.model import Plan
from rumprun.archive.plan import make_plan
from rumprun.archive.progress import Display, time_left
from rumprun.archive.record import Record, Stored
from rumprun.archive.repository import Repository
from rumprun.archive.schedule import Schedule
from unit.plan_samples import CHOICES, Samples


@pytest.fixture
def plan() -> Plan:
    archive = Samples({"a": "#libb-dev, libudev-dev", "b": "", "udev": ""})
    return make_plan(["a"], archive, CHOICES, target="musl", suite="sid")


def record(source: str, **fields: object) -> Record:
    found = Record(
        source=source, version="1-1", identity="a" * 64, packages=(), seconds=2.0, finished=1.0
    )
    return dataclasses.replace(found, **fields)  # type: ignore[arg-type]


def run_of(plan: Plan) -> dict[str, Progress]:
    return {node.source: Progress(node=node, expected=10.0) for node in plan.nodes}


def schedule() -> Schedule:
    return Schedule({"b": [], "a": ["b"]}, dict.fromkeys("ab", 10.0))


def test_a_line_a_change_where_there_is_no_terminal(plan: Plan) -> None:
    said = io.StringIO()
    run = run_of(plan)
    with Display(Console(file=said, width=200)) as display:
        run["b"].state = State.RUNNING
        display.changed("b", run)
        run["b"].started, run["b"].ended = 0.0, 2.5
        run["b"].state = State.FAILED
        run["b"].record = record("b", error="broken\nmore of it")
        display.changed("b", run)
        display.tick(run, schedule())
    assert said.getvalue().splitlines() == [
        "[0/2] b 1-1: running",
        "[1/2] b 1-1: failed, 2.5 s: broken",
    ]


def test_a_table_where_there_is_one(plan: Plan) -> None:
    said = io.StringIO()
    run = run_of(plan)
    with Display(Console(file=said, width=200, force_terminal=True)) as display:
        run["b"].state, run["b"].started = State.RUNNING, 0.0
        display.tick(run, schedule())
        view = display._view(run, schedule(), 4.0)
    console = Console(file=io.StringIO(), width=200)
    with console.capture() as capture:
        console.print(view)
    text = capture.get()
    assert "4 s of about 10 s" in text
    assert "waits for b" in text
    assert "0 of 2 done, about 16 s left" in text


def test_time_left_is_that_of_the_longest_way(plan: Plan) -> None:
    run = run_of(plan)
    assert time_left(run, schedule(), 0.0) == 20.0
    run["b"].ended = 9.0
    run["a"].started = 9.0
    assert time_left(run, schedule(), 12.0) == 7.0


BUILT = {
    "switched_off": [{"option": "--with-x=no", "reason": "no <x.h>"}],
    "left_out": [{"file": "/usr/bin/sh", "needs": "tcl.h"}],
    "own_tests": {"passed": 3, "failed": 1, "skipped": 0},
}


def test_the_report_has_all_of_it(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "draw", lambda graph: f"<svg>{graph}</svg>")
    monkeypatch.setattr(
        report,
        "read_contents",
        lambda deb: Contents(
            name=deb.stem,
            source="b",
            source_version="1",
            static_built_using=(("zlib", "1.2"),),
            built_using=(),
        ),
    )
    repository = Repository(path=tmp_path)
    run = run_of(plan)
    run["b"] = dataclasses.replace(
        run["b"],
        state=State.BUILT,
        started=0.0,
        ended=2.0,
        record=record(
            "b",
            packages=(Stored(file="pool/b/aa/b.deb", size=2000, sha256=""),),
            report=BUILT,
        ),
    )
    failed = record("a", error="it <failed>")
    log = repository.log_of("a", failed.identity)
    log.write_text("configure: error: Could not find Ruby headers\n", encoding="utf-8")
    run["a"] = dataclasses.replace(
        run["a"], state=State.FAILED, started=2.0, ended=4.0, record=failed
    )
    page = report.write_report(plan, run, repository).read_text(encoding="utf-8")
    missing = [text for text in SHOWN if text not in page]
    assert not missing


SHOWN = (
    "--with-x=no: no &lt;x.h&gt;",
    "/usr/bin/sh: needs tcl.h",
    "3 passed, 1 failed, 0 skipped",
    "Static-Built-Using: zlib (= 1.2)",
    "it &lt;failed&gt;",
    "a binding to another language is built",
    "left: 50.00%; width: 50.00%",
    'href="logs/a_aaaaaaaaaaaaaaaa.build"',
    "libudev-dev: an image has no service manager",
    'fillcolor="#f3c6c0"',
)

# SPDX-License-Identifier: BSD-2-Clause
"""A plan carried out: what is built when, what is kept, and what a failure does."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest

from rumprun.archive import execute
from rumprun.archive.builder import Job, Outcome
from rumprun.archive.execute import Executor, Progress, State
from rumprun.archive.identity import Circumstances
from rumprun.archive.model import Node, Plan
from rumprun.archive.plan import make_plan
from rumprun.archive.record import Record
from rumprun.archive.repository import Repository
from rumprun.archive.schedule import Schedule
from rumprun.errors import MissingError, SystemFault
from unit.plan_samples import CHOICES, Samples

HERE = Circumstances(target="t", builder="fake")
ARCHIVE = Samples({"a": "#libb-dev, #libd-dev", "b": "#libe-dev", "d": "", "e": ""})


class Unpublished(Repository):
    """A repository whose packages are not real ones."""

    def publish(self) -> None:
        pass


class FakeBuilder:
    """Gives a package a source after some looks at it; some sources fail."""

    name = "fake"

    def __init__(self, looks: int = 1, **outcomes: Outcome) -> None:
        self.looks = looks
        self.outcomes = outcomes
        self.running: dict[str, list[Job]] = {}
        self.submitted: list[str] = []
        self.used: dict[str, list[str]] = {}
        self.jobs: dict[str, int] = {}
        self.most_at_once = 0
        self.aborted: list[str] = []

    def prepare(self) -> None:
        pass

    def submit(self, job: Job) -> None:
        self.submitted.append(job.source)
        self.jobs[job.source] = job.jobs
        self.used[job.source] = [deb.stem for deb in job.variants]
        self.running[job.source] = [job] * self.looks
        self.most_at_once = max(self.most_at_once, len(self.running))

    def poll(self, source: str) -> Outcome | None:
        job = self.running[source].pop()
        if self.running[source]:
            return None
        del self.running[source]
        if source in self.outcomes:
            return self.outcomes[source]
        deb = job.directory / f"{source}.deb"
        deb.write_text(job.version, encoding="utf-8")
        return Outcome(packages=(deb,), report={"source": source})

    def worker(self, source: str) -> str:
        return f"worker of {source}"

    def abort(self, source: str) -> None:
        self.aborted.append(source)


class Silent:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, State]] = []

    def changed(self, source: str, run: Mapping[str, Progress]) -> None:
        self.seen.append((source, run[source].state))

    def tick(self, run: Mapping[str, Progress], schedule: Schedule) -> None:
        pass


class Bench:
    """A repository and what it takes to build into it again and again."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(execute, "_POLL_SECONDS", 0.0)
        monkeypatch.setattr(execute, "read_dsc", lambda _dsc: make_node("x"))
        self.repository = Unpublished(path=tmp_path / "repo")
        self.tmp_path = tmp_path
        self.runs = 0
        self.observer = Silent()

    def plan(self, *names: str, archive: Samples = ARCHIVE) -> Plan:
        return make_plan(names or ["a"], archive, CHOICES, target="musl", suite="sid")

    def run(
        self,
        builder: FakeBuilder,
        plan: Plan | None = None,
        *,
        at_once: int = 2,
        circumstances: Circumstances = HERE,
        missing: str = "",
        in_flight: int | None = None,
    ) -> dict[str, str]:
        def locate(node: Node, directory: Path) -> Path:
            if node.source == missing:
                raise MissingError("not on the mirror")
            return directory / "x.dsc"

        self.runs += 1
        work = self.tmp_path / f"work{self.runs}"
        work.mkdir()
        found = Executor(
            plan=plan or self.plan(),
            repository=self.repository,
            builder=builder,
            circumstances=circumstances,
            locate=locate,
            recipe_for=lambda _name, _version: None,
            work=work,
            at_once=at_once,
            in_flight=in_flight,
            observer=self.observer,
        ).execute()
        assert not list(work.iterdir()) or missing
        return {name: item.state.value for name, item in found.items()}


def make_node(name: str) -> Node:
    return Node(source=name, version="1-1", digest="", variants=(), needs=(), because="")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_each_is_built_after_what_it_needs_with_all_below_it(bench: Bench) -> None:
    builder = FakeBuilder(looks=3)
    assert set(bench.run(builder).values()) == {"built"}
    assert sorted(builder.used["a"]) == ["b", "d", "e"]
    assert builder.used["b"] == ["e"]
    assert builder.submitted.index("e") < builder.submitted.index("b")
    assert builder.most_at_once == 2
    assert set(bench.repository.records()) == {"a", "b", "d", "e"}


def test_the_longest_way_comes_first(bench: Bench) -> None:
    builder = FakeBuilder()
    bench.run(builder, at_once=1)
    assert builder.submitted == ["e", "b", "d", "a"]


def test_one_that_is_alone_may_use_all_processors(bench: Bench) -> None:
    builder = FakeBuilder(looks=3)
    bench.run(builder, at_once=8)
    # d and e are ready together; b comes when d is done, and a is the last.
    assert builder.jobs == {"e": 4, "d": 4, "b": 8, "a": 8}
    assert bench.run(FakeBuilder(), circumstances=dataclasses.replace(HERE, target="x"), at_once=1)


def test_what_is_unchanged_is_kept(bench: Bench) -> None:
    bench.run(FakeBuilder())
    again = FakeBuilder()
    assert set(bench.run(again).values()) == {"unchanged"}
    assert not again.submitted


def test_what_a_change_leads_to_is_built_again(bench: Bench) -> None:
    bench.run(FakeBuilder())
    plan = bench.plan()
    nodes = tuple(
        dataclasses.replace(node, digest="new") if node.source == "e" else node
        for node in plan.nodes
    )
    states = bench.run(FakeBuilder(), dataclasses.replace(plan, nodes=nodes))
    assert states == {"e": "built", "b": "built", "a": "built", "d": "unchanged"}


@pytest.mark.parametrize(
    "circumstances",
    [
        dataclasses.replace(HERE, target="other"),
        dataclasses.replace(HERE, builder="sbuild"),
        dataclasses.replace(HERE, options={"check": True}),
    ],
)
def test_other_circumstances_are_a_change(bench: Bench, circumstances: Circumstances) -> None:
    bench.run(FakeBuilder())
    states = bench.run(FakeBuilder(), circumstances=circumstances)
    assert set(states.values()) == {"built"}


def test_a_package_that_is_gone_is_built_again(bench: Bench) -> None:
    bench.run(FakeBuilder())
    record = bench.repository.records()["d"]
    bench.repository.packages(record)[0].unlink()
    assert bench.run(FakeBuilder())["d"] == "built"


def test_a_failure_does_not_stop_the_others(bench: Bench) -> None:
    builder = FakeBuilder(b=Outcome(error="broken"))
    assert bench.run(builder) == {"e": "built", "b": "failed", "d": "built", "a": "built"}
    # What the failed one needs is there for those that needed it through it.
    assert sorted(builder.used["a"]) == ["d", "e"]
    assert bench.repository.failures()["b"].error == "broken"
    assert "b" not in bench.repository.records()
    # Mended, it and what did without it are built.
    assert bench.run(FakeBuilder()) == {
        "e": "unchanged", "b": "built", "d": "unchanged", "a": "built",
    }  # fmt: skip
    assert not bench.repository.failures()


def test_packages_of_before_stay_when_a_build_fails(bench: Bench) -> None:
    bench.run(FakeBuilder())
    other = dataclasses.replace(HERE, target="other")
    bench.run(FakeBuilder(d=Outcome(error="broken")), circumstances=other)
    record = bench.repository.records()["d"]
    assert bench.repository.is_whole(record)


def test_a_source_that_vanished_is_a_failure_of_its_own(bench: Bench) -> None:
    states = bench.run(FakeBuilder(), missing="d")
    assert states == {"e": "built", "b": "built", "d": "failed", "a": "built"}
    assert bench.repository.failures()["d"].error == "not on the mirror"


def test_when_the_machine_gives_out_all_ends(bench: Bench) -> None:
    builder = FakeBuilder(looks=9, d=Outcome(error="disk full", fatal=True))
    with pytest.raises(SystemFault, match="disk full"):
        bench.run(builder)
    assert builder.aborted == ["e"] or builder.aborted == []
    assert "a" not in builder.submitted


def test_an_interrupt_ends_what_runs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_all: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bench.observer, "tick", interrupt)
    builder = FakeBuilder(looks=9)
    with pytest.raises(KeyboardInterrupt):
        bench.run(builder)
    assert sorted(builder.aborted) == ["d", "e"]


def test_the_observer_is_told(bench: Bench) -> None:
    bench.run(FakeBuilder(), bench.plan("e"))
    assert bench.observer.seen == [("e", State.RUNNING), ("e", State.BUILT)]


def test_what_was_measured_is_expected(bench: Bench) -> None:
    bench.run(FakeBuilder())
    record = bench.repository.records()["e"]
    expected = execute._progress(bench.plan(), {"e": dataclasses.replace(record, seconds=7.5)})
    assert {name: item.expected for name, item in expected.items()} == dict.fromkeys("abde", 7.5)
    assert execute._progress(bench.plan(), {})["a"].expected == execute._GUESS
    assert isinstance(record, Record)


def test_what_ends_together_is_published_together(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[int] = []
    monkeypatch.setattr(Unpublished, "publish", lambda self: published.append(len(self.records())))
    # First d and e, which need nothing, then b, then a.
    assert set(bench.run(FakeBuilder()).values()) == {"built"}
    assert published == [2, 3, 4]


def test_what_ended_is_published_even_where_the_machine_gives_out(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[int] = []
    monkeypatch.setattr(Unpublished, "publish", lambda self: published.append(len(self.records())))
    with pytest.raises(SystemFault):
        bench.run(FakeBuilder(d=Outcome(error="disk full", fatal=True)))
    assert published == [1]


def test_other_machines_decide_on_their_commands_themselves(bench: Bench) -> None:
    builder = FakeBuilder()
    assert set(bench.run(builder, in_flight=7).values()) == {"built"}
    assert set(builder.jobs.values()) == {0}
    assert bench.repository.records()["a"].worker == ""


def test_the_worker_is_on_record(bench: Bench) -> None:
    built = Outcome(packages=(), worker="worker 7")
    bench.run(FakeBuilder(d=built, a=Outcome(error="broken", worker="worker 8")))
    assert bench.repository.records()["d"].worker == "worker 7"
    assert bench.repository.failures()["a"].worker == "worker 8"

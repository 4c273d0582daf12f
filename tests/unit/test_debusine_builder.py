# SPDX-License-Identifier: BSD-2-Clause
"""Builds on a debusine server, as far as recorded replies go."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from pathlib import Path

import pytest

from rumprun.archive.builder import Outcome
from rumprun.archive.clean_builder import CleanOptions
from rumprun.archive.debusine import supplies
from rumprun.archive.debusine.builder import DebusineBuilder
from rumprun.archive.debusine.configuration import Server
from rumprun.archive.debusine.supplies import Published
from rumprun.errors import MissingError
from unit.debusine_builds import (
    ENVIRONMENT,
    build,
    builder,
    fake,
    finish,
    make_builder,
    make_job,
    quick,
    server,
)
from unit.debusine_server import TOKEN, FakeDebusine, Work

__all__ = ["builder", "fake", "quick", "server"]


def test_a_source_is_sent_built_and_fetched(
    builder: DebusineBuilder, fake: FakeDebusine, tmp_path: Path
) -> None:
    fake.give = lambda _work: {
        "libz-rumprun-dev_1_all.deb": b"package",
        "other_1_all.deb": b"not asked for",
        "rumprun-report.json": b'{"seconds": 1}',
    }
    builder.prepare()
    outcome = build(builder, tmp_path)
    (work,) = fake.created()
    assert outcome.error is None
    assert [deb.read_bytes() for deb in outcome.packages] == [b"package"]
    assert outcome.report == {"seconds": 1}
    assert outcome.worker == "worker 36"
    assert (tmp_path / "sample.build").read_text(encoding="utf-8") == f"log of {work.number}"
    source = work.task_data.pop("input")["source_artifact"]
    assert work.task_data == {
        "build_architecture": "amd64",
        "build_components": ["all"],
        "environment": ENVIRONMENT,
    }
    names = fake.artifacts[source]["files"]
    assert sorted(names) == ["sample_1.dsc", "sample_1.tar.gz"]
    assert fake.contents[source, "sample_1.tar.gz"] == b"sample" * 100


def test_what_was_built_is_not_sent_again(
    builder: DebusineBuilder, fake: FakeDebusine, tmp_path: Path
) -> None:
    (deb,) = build(builder, tmp_path).packages
    before = len(fake.artifacts)
    job = dataclasses.replace(make_job(tmp_path, "user"), variants=(deb,))
    builder.submit(job)
    assert finish(builder, "user").error is None
    first, second = fake.created()
    (used,) = second.task_data["input"]["extra_binary_artifacts"]
    assert fake.artifacts[used]["category"] == "debian:upload"
    assert used in first.artifacts
    sent = [path for method, path in fake.log if (method, path) == ("POST", "/api/1.0/artifact/")]
    assert len(sent) == 2
    assert len(fake.artifacts) > before


def test_a_build_that_fails_says_why_and_is_tried_again_next_time(
    builder: DebusineBuilder, fake: FakeDebusine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.plan = lambda _work: ["running", "failure"]
    finish_work = fake._finish

    def with_cause(work: Work) -> None:
        finish_work(work)
        fake.contents[work.artifacts[0], "build.log"] = b"x\nerror: no foo.h\nmore"
        row = fake.artifacts[work.artifacts[0]]["files"]["build.log"]
        row["size"] = len(b"x\nerror: no foo.h\nmore")
        row["checksums"] = {"sha256": hashlib.sha256(b"x\nerror: no foo.h\nmore").hexdigest()}

    monkeypatch.setattr(fake, "_finish", with_cause)
    outcome = build(builder, tmp_path)
    assert outcome.error is not None
    assert "at fake, worker 36 ended with failure: no foo.h" in outcome.error
    assert outcome.worker == "worker 36"
    assert not outcome.fatal
    fake.plan = lambda _work: ["success"]
    monkeypatch.setattr(fake, "_finish", finish_work)
    assert build(builder, tmp_path).error is None
    assert len(fake.created()) == 2


def test_another_build_of_the_source_takes_the_place_of_the_old(
    server: Server, fake: FakeDebusine, tmp_path: Path
) -> None:
    fake.plan = lambda _work: ["running"]
    first = make_builder(server, tmp_path)
    first.submit(make_job(tmp_path))
    while not fake.created():
        first.poll("sample")
    time.sleep(0.1)
    fake.plan = lambda _work: ["success"]
    second = make_builder(server, tmp_path)
    second.submit(make_job(tmp_path, identity="0" * 64))
    assert finish(second).error is None
    assert [work.status for work in fake.created()] == ["aborted", "completed"]


def test_an_aborted_job_does_not_go_on(
    builder: DebusineBuilder, fake: FakeDebusine, tmp_path: Path
) -> None:
    fake.plan = lambda _work: ["running"]
    builder.submit(make_job(tmp_path))
    while not fake.created():
        builder.poll("sample")
    builder.abort("sample")
    assert [work.status for work in fake.created()] == ["aborted"]
    (kept,) = (tmp_path / "state").glob("*.json")
    assert not json.loads(kept.read_text(encoding="utf-8"))["submissions"]


def test_many_builds_are_looked_at_together(
    builder: DebusineBuilder, fake: FakeDebusine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"source{number}" for number in range(25)]
    advance = fake.advance
    monkeypatch.setattr(
        fake, "advance", lambda work: advance(work) if len(fake.works) == len(names) else None
    )
    for name in names:
        builder.submit(make_job(tmp_path, name))
    outcomes: dict[str, Outcome] = {}
    while len(outcomes) < len(names):
        polled = {name: builder.poll(name) for name in names if name not in outcomes}
        outcomes |= {name: outcome for name, outcome in polled.items() if outcome is not None}
    assert not any(outcome.error for outcome in outcomes.values())
    looks = [path for _method, path in fake.log if "ids=" in path]
    # All that is known of some, a page at a time; what is completed of all, at once.
    assert max(path.count("%2C") + 1 for path in looks if "status=" not in path) == 10


@pytest.mark.parametrize("name", ["../x-rumprun-dev.deb", "a b.deb", ".x.deb", "-x.deb", "a/b.deb"])
def test_a_file_name_leads_nowhere(
    builder: DebusineBuilder, fake: FakeDebusine, tmp_path: Path, name: str
) -> None:
    fake.give = lambda _work: {name: b"x"}
    error = build(builder, tmp_path).error
    assert error is not None
    assert "a file of the name" in error


def test_a_file_is_what_was_announced(
    builder: DebusineBuilder, fake: FakeDebusine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish_work = fake._finish

    def spoil(work: Work) -> None:
        finish_work(work)
        for number, name in fake.contents:
            if name.endswith(".deb"):
                fake.contents[number, name] = b"y"

    monkeypatch.setattr(fake, "_finish", spoil)
    error = build(builder, tmp_path).error
    assert error is not None
    assert "not the one that it announced" in error


@pytest.mark.parametrize("change", ["api", "filters"])
def test_another_api_is_refused(builder: DebusineBuilder, fake: FakeDebusine, change: str) -> None:
    setattr(fake, change, "2.0" if change == "api" else False)
    with pytest.raises(MissingError, match=r"fake has no API that this can use.*0\.16"):
        builder.prepare()


def test_the_token_is_written_nowhere(
    builder: DebusineBuilder,
    fake: FakeDebusine,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    fake.plan = lambda _work: ["running", "error"]
    builder.prepare()
    outcome = build(builder, tmp_path)
    assert TOKEN not in f"{outcome} {builder._api.client.server}"
    said = capfd.readouterr()
    assert TOKEN not in said.out + said.err
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes()


def test_workers_that_reach_the_repository_are_sent_no_variants(
    server: Server, fake: FakeDebusine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supplies, "_exported", lambda key: f"public part of {key}")
    published = Published(url="http://repo.example/rumprun", key="ABCD")
    builder = make_builder(server, tmp_path, published=published)
    builder.prepare()
    job = dataclasses.replace(make_job(tmp_path), variants=(tmp_path / "none.deb",))
    builder.submit(job)
    assert finish(builder).error is None
    (work,) = fake.created()
    assert work.task_data["input"]["extra_binary_artifacts"] == []
    assert work.task_data["extra_repositories"] == [
        {
            "url": "http://repo.example/rumprun",
            "suite": "rumprun",
            "components": ["main"],
            "signing_key": "public part of ABCD",
        }
    ]


def test_native_builds_give_all_packages(
    server: Server, fake: FakeDebusine, tmp_path: Path
) -> None:
    fake.give = lambda _work: {"a-rumprun-dev_1_all.deb": b"x", "a_1_amd64.deb": b"y"}
    outcome = build(make_builder(server, tmp_path, clean=CleanOptions(native=True)), tmp_path)
    assert len(outcome.packages) == 2
    (work,) = fake.created()
    assert work.task_data["build_components"] == ["any", "all"]
    assert work.task_data["build_profiles"] == ["nocheck"]

# SPDX-License-Identifier: BSD-2-Clause
"""A builder for the small server of the tests, and jobs for it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rumprun.archive.builder import Job, Outcome
from rumprun.archive.chroot import Chroot
from rumprun.archive.clean_builder import CleanOptions
from rumprun.archive.debusine import submit, watch
from rumprun.archive.debusine.api import Api
from rumprun.archive.debusine.builder import DebusineBuilder
from rumprun.archive.debusine.client import Client, Manners
from rumprun.archive.debusine.configuration import Server
from rumprun.archive.debusine.results import Results
from rumprun.archive.debusine.state import State
from rumprun.archive.debusine.submit import BuildOptions, Submitter
from rumprun.archive.debusine.supplies import Published, Supplies
from unit.debusine_http import served
from unit.debusine_server import FakeDebusine

QUICK = Manners(per_second=100_000.0, patience=1.0, first_pause=0.01, longest_pause=0.05)
IDENTITY = hashlib.sha256(b"sample").hexdigest()
ENVIRONMENT = "debian/match:codename=bookworm"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_SECONDS", 0.0)
    monkeypatch.setattr(watch, "_SECONDS_ALL", 0.05)
    monkeypatch.setattr(submit, "_PAUSE_SECONDS", 0.01)

    def source(job: Job, _options: CleanOptions) -> Path:
        tarball = job.directory / f"{job.source}_1.tar.gz"
        tarball.write_bytes(job.source.encode() * 100)
        dsc = job.directory / f"{job.source}_1.dsc"
        files = f"{'0' * 32} {tarball.stat().st_size} {tarball.name}"
        text = f"Format: 3.0 (native)\nSource: {job.source}\nVersion: 1\nFiles:\n {files}\n"
        dsc.write_text(text, encoding="utf-8")
        return dsc

    monkeypatch.setattr(submit, "source_to_build", source)


@pytest.fixture
def fake() -> FakeDebusine:
    return FakeDebusine()


@pytest.fixture
def server(fake: FakeDebusine) -> Iterator[Server]:
    with served(fake) as found:
        yield found


@pytest.fixture
def builder(server: Server, tmp_path: Path) -> DebusineBuilder:
    return make_builder(server, tmp_path)


def make_builder(
    server: Server,
    tmp_path: Path,
    stuck_after: float = 60.0,
    *,
    clean: CleanOptions | None = None,
    published: Published | None = None,
) -> DebusineBuilder:
    api = Api(Client(server, QUICK))
    state = State(tmp_path / "state", server)
    clean = clean or CleanOptions()
    chroot = Chroot(suite="bookworm", architecture="amd64", mode="unshare")
    options = BuildOptions(
        clean=clean, architecture="amd64", environment=ENVIRONMENT, published=published
    )
    submitter = Submitter(api, state, Supplies(api, state, chroot, ENVIRONMENT), options)
    return DebusineBuilder(
        api, state, submitter, Results(api, state, clean), stuck_after=stuck_after
    )


def make_job(tmp_path: Path, source: str = "sample", identity: str = IDENTITY) -> Job:
    directory = tmp_path / f"job-{source}-{time.monotonic_ns()}"
    directory.mkdir()
    return Job(
        source=source,
        version="1",
        dsc=directory / "original.dsc",
        variants=(),
        directory=directory,
        log=tmp_path / f"{source}.build",
        jobs=0,
        identity=identity,
    )


def finish(builder: DebusineBuilder, source: str = "sample", seconds: float = 20.0) -> Outcome:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        outcome = builder.poll(source)
        if outcome is not None:
            return outcome
        time.sleep(0.002)
    raise AssertionError("no end")


def build(builder: DebusineBuilder, tmp_path: Path) -> Outcome:
    builder.submit(make_job(tmp_path))
    return finish(builder)

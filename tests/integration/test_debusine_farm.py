# SPDX-License-Identifier: BSD-2-Clause
"""A source built on a real debusine server, where `rumpdeb farm up` has left the root of a farm."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rumprun import paths
from rumprun.archive.builder import Job, Outcome
from rumprun.archive.chroot import Chroot
from rumprun.archive.clean_builder import CleanOptions
from rumprun.archive.debusine import submit
from rumprun.archive.debusine.api import Api
from rumprun.archive.debusine.builder import DebusineBuilder
from rumprun.archive.debusine.client import Client
from rumprun.archive.debusine.configuration import read_server
from rumprun.archive.debusine.farm import SERVER, Farm
from rumprun.archive.debusine.results import Results
from rumprun.archive.debusine.state import State
from rumprun.archive.debusine.submit import BuildOptions, Submitter
from rumprun.archive.debusine.supplies import Supplies
from rumprun.command import run
from rumprun.source.apt_root import base_suite

pytestmark = pytest.mark.integration

PORT = 8890
LIMIT = 900.0
IDENTITY = "0" * 64

RULES = """\
#!/usr/bin/make -f
clean build build-arch build-indep binary-arch:
binary binary-indep:
	mkdir -p debian/x/DEBIAN
	dpkg-gencontrol -Pdebian/x
	dpkg-deb --root-owner-group --build debian/x ..
"""
CONTROL = """\
Source: farmtest
Section: misc
Priority: optional
Maintainer: A Tester <tester@example.org>
Standards-Version: 4.6.2
Rules-Requires-Root: no

Package: farmtest-rumprun-dev
Architecture: all
Description: built on a farm
"""
CHANGELOG = """\
farmtest (1) UNRELEASED; urgency=medium

  * Test.

 -- A Tester <tester@example.org>  Mon, 01 Jan 2024 00:00:00 +0000
"""


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    cached = sorted((paths.cache() / "farm").glob("root-*.tar"))
    if not cached:
        pytest.skip("no root of a farm in the cache: 'rumpdeb farm up' makes one")
    # One of its own: the user's may be up.
    directory = tmp_path_factory.mktemp("farm")
    (directory / cached[0].name).symlink_to(cached[0])
    found = Farm(directory)
    if not found.has_root:
        pytest.skip("the root of a farm in the cache is of another version")
    found.up(workers=1, port=PORT)
    try:
        yield found
    finally:
        found.down()


def make_builder(farm: Farm, state: Path) -> DebusineBuilder:
    server = read_server(farm.config, name=SERVER)
    api = Api(Client(server))
    known = State(state, server)
    clean = CleanOptions()
    mode = "root" if os.geteuid() == 0 else "unshare"
    chroot = Chroot(suite=base_suite(), architecture="amd64", mode=mode)
    options = BuildOptions(clean=clean, architecture="amd64", environment=chroot.suite)
    submitter = Submitter(api, known, Supplies(api, known, chroot, None), options)
    return DebusineBuilder(api, known, submitter, Results(api, known, clean), stuck_after=LIMIT)


def make_job(directory: Path) -> Job:
    directory.mkdir()
    debian = directory / "farmtest" / "debian"
    (debian / "source").mkdir(parents=True)
    (debian / "control").write_text(CONTROL, encoding="utf-8")
    (debian / "changelog").write_text(CHANGELOG, encoding="utf-8")
    (debian / "source" / "format").write_text("3.0 (native)\n", encoding="utf-8")
    (debian / "rules").write_text(RULES, encoding="utf-8")
    (debian / "rules").chmod(0o755)
    run(["dpkg-source", "--build", "farmtest"], cwd=directory)
    return Job(
        source="farmtest",
        version="1",
        dsc=directory / "farmtest_1.dsc",
        variants=(),
        directory=directory,
        log=directory / "log",
        jobs=0,
        identity=IDENTITY,
    )


def finish(builder: DebusineBuilder) -> Outcome:
    until = time.monotonic() + LIMIT
    while time.monotonic() < until:
        outcome = builder.poll("farmtest")
        if outcome is not None:
            return outcome
        time.sleep(0.5)
    raise AssertionError("no end")


def test_a_source_is_built_on_a_real_server_and_once(
    farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submit, "source_to_build", lambda job, _options: job.dsc)
    builder = make_builder(farm, tmp_path / "state")
    builder.prepare()
    builder.submit(make_job(tmp_path / "first"))
    outcome = finish(builder)
    assert outcome.error is None, outcome.error
    assert [deb.name for deb in outcome.packages] == ["farmtest-rumprun-dev_1_all.deb"]
    assert outcome.worker.startswith("worker ")
    log = (tmp_path / "first" / "log").read_text(encoding="utf-8")
    assert "Status: successful" in log
    # A client that knows what was asked for fetches it, and asks for nothing.
    again = make_builder(farm, tmp_path / "state")
    again.submit(make_job(tmp_path / "second"))
    assert finish(again).error is None
    client = Client(read_server(farm.config, name=SERVER))
    assert len(client.get("work-request/")["results"]) == 1


def test_a_farm_that_is_down_leaves_nothing_but_its_root(farm: Farm) -> None:
    farm.down()
    assert farm.running() is None
    assert not farm.root.exists()
    assert not farm.config.exists()

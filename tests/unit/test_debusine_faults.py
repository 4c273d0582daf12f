# SPDX-License-Identifier: BSD-2-Clause
"""What can happen to builds on a debusine server: none is lost, none is done twice."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

import pytest

from rumprun.archive.debusine.builder import DebusineBuilder
from rumprun.archive.debusine.configuration import Server
from rumprun.errors import SystemFault
from unit.debusine_builds import (
    build,
    builder,
    fake,
    finish,
    make_builder,
    make_job,
    quick,
    server,
)
from unit.debusine_http import served
from unit.debusine_server import TOKEN, FakeDebusine, Fault

__all__ = ["builder", "fake", "quick", "server"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(part="whoami", times=3),
        Fault(part="/artifact/", method="POST", times=2),
        Fault(part="/artifact/", method="POST", late=True),
        Fault(part="/files/", times=3),
        Fault(part="/files/", late=True),
        Fault(part="/work-request/?ids", times=3),
        Fault(part="/work-request/", method="POST", times=2),
        Fault(part="/work-request/", method="POST", late=True),
        Fault(part="/work-request/", method="POST", status=502, late=True),
        Fault(part="/work-request/", method="POST", status=500, times=2),
        Fault(part="/download/", times=3),
        Fault(part="/download/", status=503, times=3),
        Fault(part="", status=503, times=5),
    ],
    ids=lambda fault: f"{fault.method} {fault.part} {fault.status} {fault.late}",
)
def test_what_is_lost_on_the_way_is_done_once(
    builder: DebusineBuilder, fake: FakeDebusine, tmp_path: Path, fault: Fault
) -> None:
    fake.faults = [fault]
    builder.prepare()
    assert build(builder, tmp_path).error is None
    assert fault.times == 0
    assert len(fake.created()) == 1


def test_a_request_that_the_server_retried_is_found(
    builder: DebusineBuilder, fake: FakeDebusine, tmp_path: Path
) -> None:
    steps = iter([["running", "retry"], ["pending", "running", "success"]])
    fake.plan = lambda _work: next(steps)
    assert build(builder, tmp_path).error is None
    first, second = fake.created()
    assert first.status == "aborted"
    assert second.result == "success"
    assert sum(entry == ("POST", "/api/1.0/work-request/") for entry in fake.log) == 1


def test_a_request_that_was_aborted_for_good_is_made_again(
    builder: DebusineBuilder, fake: FakeDebusine, tmp_path: Path
) -> None:
    steps = iter([["running", "aborted"], ["running", "success"]])
    fake.plan = lambda _work: next(steps)
    assert build(builder, tmp_path).error is None
    assert [work.status for work in fake.created()] == ["aborted", "completed"]


def test_a_request_that_does_not_end_is_aborted_and_made_again(
    server: Server, fake: FakeDebusine, tmp_path: Path
) -> None:
    steps = iter([["running"], ["running", "success"]])
    fake.plan = lambda _work: next(steps)
    builder = make_builder(server, tmp_path, stuck_after=0.1)
    assert build(builder, tmp_path).error is None
    first, second = fake.created()
    assert ("POST", f"/api/1.0/work-request/{first.number}/abort/") in fake.log
    assert (first.status, second.result) == ("aborted", "success")


@pytest.mark.parametrize("step", ["error", "aborted"])
def test_there_is_an_end_to_trying(
    builder: DebusineBuilder, fake: FakeDebusine, tmp_path: Path, step: str
) -> None:
    fake.plan = lambda _work: ["running", step]
    error = build(builder, tmp_path).error
    assert error is not None
    assert f"ended with {step}" in error
    assert len(fake.created()) == 3


def test_a_client_that_was_killed_goes_on(
    server: Server, fake: FakeDebusine, tmp_path: Path
) -> None:
    fake.plan = lambda _work: ["pending"] * 3 + ["running"] * 3 + ["success"]
    first = make_builder(server, tmp_path)
    first.submit(make_job(tmp_path))
    while not fake.created():
        first.poll("sample")
    time.sleep(0.1)
    assert build(make_builder(server, tmp_path), tmp_path).error is None
    # Also what was fetched, but of which there is no record yet.
    assert build(make_builder(server, tmp_path), tmp_path).error is None
    assert len(fake.created()) == 1


def test_a_client_that_was_killed_before_the_answer_came_finds_its_request(
    server: Server, fake: FakeDebusine, tmp_path: Path
) -> None:
    assert build(make_builder(server, tmp_path), tmp_path).error is None
    (path,) = (tmp_path / "state").glob("*.json")
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["submissions"]["sample"]["request"] == fake.created()[0].number
    document["submissions"]["sample"].update(request=None, attempts=0)
    path.write_text(json.dumps(document), encoding="utf-8")
    for _other in range(25):
        fake.add_work({"input": {"source_artifact": 10_000}})
    assert build(make_builder(server, tmp_path), tmp_path).error is None
    assert len(fake.created()) == 26


def test_artifacts_that_expired_are_sent_again(
    builder: DebusineBuilder, fake: FakeDebusine, tmp_path: Path
) -> None:
    outcome = build(builder, tmp_path)
    path = tmp_path / "again-rumprun-dev_1_all.deb"
    path.write_bytes(b"x")
    fake.artifacts.clear()
    again = make_job(tmp_path, "user")
    builder.submit(dataclasses.replace(again, variants=outcome.packages))
    error = finish(builder, "user").error
    # The package of this test is none, which shows that it was to be sent again.
    assert error is not None
    assert "no Debian package" in error


def test_a_revoked_token_ends_the_run_and_loses_nothing(
    server: Server, fake: FakeDebusine, tmp_path: Path
) -> None:
    fake.plan = lambda _work: ["pending", "running", "success"]
    builder = make_builder(server, tmp_path)
    builder.submit(make_job(tmp_path))
    while not fake.created():
        builder.poll("sample")
    fake.token = "another"  # noqa: S105
    with pytest.raises(SystemFault, match="token") as raised:
        finish(builder)
    builder.abort("sample")
    assert TOKEN not in str(raised.value)
    assert fake.created()[0].status != "aborted"
    with pytest.raises(SystemFault, match="does not know the token"):
        make_builder(server, tmp_path).prepare()
    fake.token = TOKEN
    assert build(make_builder(server, tmp_path), tmp_path).error is None
    assert len(fake.created()) == 1


def test_a_full_store_is_the_server_s_fault(
    builder: DebusineBuilder, fake: FakeDebusine, tmp_path: Path
) -> None:
    fake.room = False
    builder.submit(make_job(tmp_path))
    with pytest.raises(SystemFault):
        finish(builder)
    assert not fake.created()
    fake.room = True
    fake.faults = [Fault(part="/files/", status=507)]
    other = make_builder(builder._api.client.server, tmp_path)
    other.submit(make_job(tmp_path))
    with pytest.raises(SystemFault, match=r"does not store sample_1\.dsc: HTTP 507"):
        finish(other)


def test_a_server_that_is_gone_ends_the_run_and_loses_nothing(
    fake: FakeDebusine, tmp_path: Path
) -> None:
    fake.plan = lambda _work: ["running"] * 1000
    with served(fake) as server:
        builder = make_builder(server, tmp_path)
        builder.submit(make_job(tmp_path))
        while not fake.created():
            builder.poll("sample")
        time.sleep(0.1)
    with pytest.raises(SystemFault, match=r"does not answer: .*(Connection|Remote end)"):
        finish(builder)
    (kept,) = (tmp_path / "state").glob("*.json")
    assert json.loads(kept.read_text(encoding="utf-8"))["submissions"]["sample"]["request"]

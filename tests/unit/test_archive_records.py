# SPDX-License-Identifier: BSD-2-Clause
"""Records of builds on disk, and the order in which builds are started."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun.archive.record import Record, Stored, read_records, remove_record, write_record
from rumprun.archive.repository import Repository
from rumprun.archive.schedule import Schedule
from rumprun.errors import InputError, SystemFault

RECORD = Record(
    source="foo",
    version="1:2-3",
    identity="ab" * 32,
    packages=(Stored(file="pool/foo/abab/foo_2-3_all.deb", size=3, sha256="cd" * 32),),
    used={"bar": "ef" * 32},
    seconds=1.5,
    finished=1e9,
    report={"switched_off": []},
)


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    write_record(tmp_path, RECORD)
    assert read_records(tmp_path) == {"foo": RECORD}
    remove_record(tmp_path, "foo")
    remove_record(tmp_path, "foo")
    assert read_records(tmp_path) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"identity": "short"},
        {"seconds": "long"},
        {"surprise": 1},
        {"packages": [{"file": "pool/../../etc/x.deb", "size": 1, "sha256": "cd" * 32}]},
        {"packages": [{"file": "/etc/x.deb", "size": 1, "sha256": "cd" * 32}]},
        {"source": "../foo"},
        {"source": "bar"},
    ],
)
def test_a_damaged_record_is_named(tmp_path: Path, change: dict[str, Any]) -> None:
    write_record(tmp_path, RECORD)
    path = tmp_path / "foo.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**document, **change}), encoding="utf-8")
    with pytest.raises(InputError, match=r"foo\.json: .*remove the file"):
        read_records(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_record_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "foo.json").write_bytes(content)
    with pytest.raises(InputError, match=r"foo\.json"):
        read_records(tmp_path)


def test_a_second_command_is_told_who_holds_the_repository(tmp_path: Path) -> None:
    repository = Repository(path=tmp_path)
    refused = pytest.raises(SystemFault, match=r"is in use by process \d+ .*--wait")
    with repository.held(wait=False), refused, repository.held(wait=False):
        raise AssertionError
    with repository.held(wait=False):
        pass


graphs = st.integers(1, 12).flatmap(
    lambda size: st.tuples(
        st.just(size),
        st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=40),
        st.lists(st.integers(1, 50), min_size=size, max_size=size),
    )
)


@given(graphs, st.integers(1, 4))
def test_a_schedule_keeps_to_needs_and_to_graham_s_bound(
    graph: tuple[int, list[tuple[int, int]], list[int]], jobs: int
) -> None:
    size, pairs, lengths = graph
    needs = {f"n{k}": sorted({f"n{b}" for a, b in pairs if a == k and b < k}) for k in range(size)}
    seconds = {f"n{k}": float(lengths[k]) for k in range(size)}
    schedule = Schedule(needs, seconds)
    now, running, done = 0.0, dict[str, float](), set[str]()
    while len(done) < size:
        while len(running) < jobs and (name := schedule.take()) is not None:
            assert set(needs[name]) <= done
            running[name] = now + seconds[name]
        name = min(running, key=lambda key: running[key])
        now = running.pop(name)
        done.add(name)
        schedule.done(name)
    bound = max(schedule.longest, sum(seconds.values()) / jobs)
    assert bound <= now <= (2 - 1 / jobs) * bound + 1e-9

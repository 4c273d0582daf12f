# SPDX-License-Identifier: BSD-2-Clause
"""What an entrypoint decides: which program starts when, and how all ends, by a simulated clock."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rumprun import command
from rumprun.config.check import find_complaints

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
COMMON = ROOT / "boards" / "common"


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulation, see supervise_tool.c, natively and with sanitizers."""
    tool = tmp_path_factory.mktemp("supervise") / "tool"
    sources = [COMMON / "supervise.c", *COMMON.glob("config*.c"), *COMMON.glob("json*.c")]
    flags = ["-std=c11", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    own = ROOT / "tests" / "integration" / "supervise_tool.c"
    command.run(["gcc", *flags, "-I", COMMON, "-o", tool, own, *sources], timeout=300)
    return tool


def play(tool: Path, directory: Path, entries: list[dict[str, Any]], *scenario: str) -> list[str]:
    """What happens, as lines of the tool; an entry without ``bin`` has its name for one."""
    config = directory / "config.json"
    rc = [{"bin": entry["name"], **entry} for entry in entries]
    config.write_text(json.dumps({"rc": rc}))
    text = "".join(f"{line}\n" for line in scenario)
    return command.run([tool, config], stdin=text, timeout=60).stdout.splitlines()


def test_one_after_the_other(tool: Path, tmp_path: Path) -> None:
    entries = [{"name": "a"}, {"name": "b"}]
    assert play(tool, tmp_path, entries, "life a 5 0", "life b 7 0") == [
        "0 start a", "5 end a 0", "5 start b", "12 end b 0", "12 over 0",
    ]  # fmt: skip


def test_background_ends_with_the_last_that_is_waited_for(tool: Path, tmp_path: Path) -> None:
    entries = [{"name": "server", "runmode": "&"}, {"name": "client"}]
    assert play(tool, tmp_path, entries, "life client 5 0") == [
        "0 start server", "0 start client", "5 end client 0", "5 ask server",
        "5 end server 143", "5 over 0",
    ]  # fmt: skip


def test_all_in_the_background_run_to_their_ends(tool: Path, tmp_path: Path) -> None:
    entries = [{"name": "a", "runmode": "&"}, {"name": "b", "runmode": "&"}]
    lines = play(tool, tmp_path, entries, "life a 5 0", "life b 9 0")
    assert lines[-2:] == ["9 end b 0", "9 over 0"]


@pytest.mark.parametrize(
    ("ready", "at"), [({"file": "/f"}, 40), ({"port": 80}, 40), ({"after-ms": 25}, 25)]
)
def test_after_waits_for_ready(tool: Path, tmp_path: Path, ready: dict[str, Any], at: int) -> None:
    entries = [
        {"name": "client", "after": ["server"]},
        {"name": "server", "runmode": "&", "ready": ready},
    ]
    entries.reverse()
    lines = play(tool, tmp_path, entries, "ready server 40", "life client 1 0")
    assert f"{at} start client" in lines


def test_after_is_content_with_the_end(tool: Path, tmp_path: Path) -> None:
    entries = [
        {"name": "setup", "runmode": "&", "ready": {"file": "/f"}},
        {"name": "client", "after": ["setup"]},
    ]
    scenario = ["ready setup 99", "life setup 10 0", "life client 1 0"]
    assert "10 start client" in play(tool, tmp_path, entries, *scenario)


def test_a_pipe_starts_together_and_a_writer_without_reader_has_not_failed(
    tool: Path, tmp_path: Path
) -> None:
    entries = [{"name": "w", "runmode": "|"}, {"name": "r"}, {"name": "next"}]
    lines = play(tool, tmp_path, entries, "life w 9 141", "life r 3 0", "life next 1 0")
    assert lines == [
        "0 start w", "0 start r", "3 end r 0", "9 end w 141", "9 start next",
        "10 end next 0", "10 over 0",
    ]  # fmt: skip


def test_the_first_failure_ends_all_and_is_the_status(tool: Path, tmp_path: Path) -> None:
    entries = [
        {"name": "other", "runmode": "&"},
        {"name": "bad", "runmode": "&"},
        {"name": "main"},
        {"name": "never"},
    ]
    lines = play(tool, tmp_path, entries, "life bad 5 3", "life main 50 0")
    assert lines[-1] == "5 over 3"
    assert not any("never" in line for line in lines)
    assert sum(" ask " in line for line in lines) == 2


def test_restarts_come_later_each_time_and_have_an_end(tool: Path, tmp_path: Path) -> None:
    entries = [{"name": "a", "restart": {"policy": "on-failure", "max": 3}}]
    assert play(tool, tmp_path, entries, "life a 0 1") == [
        "0 start a", "0 end a 1 again", "100 start a", "100 end a 1 again",
        "300 start a", "300 end a 1 again", "700 start a", "700 end a 1", "700 over 1",
    ]  # fmt: skip


def test_always_is_also_after_success_and_waits_ten_seconds_at_most(
    tool: Path, tmp_path: Path
) -> None:
    entries = [{"name": "a", "restart": {"policy": "always", "max": 9}}]
    starts = [
        int(line.split()[0])
        for line in play(tool, tmp_path, entries, "life a 0 0")
        if "start" in line
    ]
    pauses = [later - sooner for sooner, later in itertools.pairwise(starts)]
    assert pauses == [100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000]


def test_on_failure_does_not_start_what_was_well(tool: Path, tmp_path: Path) -> None:
    entries = [{"name": "a", "restart": "on-failure"}]
    lines = play(tool, tmp_path, entries, "life a 1 1 1 0")
    assert lines[-1].endswith("over 0")
    assert sum("start" in line for line in lines) == 3


def test_a_request_to_stop_asks_waits_and_kills(tool: Path, tmp_path: Path) -> None:
    entries = [{"name": "polite", "runmode": "&", "restart": "always"}, {"name": "stubborn"}]
    assert play(tool, tmp_path, entries, "stubborn stubborn", "stop 50") == [
        "0 start polite", "0 start stubborn", "50 stop", "50 ask polite", "50 ask stubborn",
        "50 end polite 143", "10050 kill stubborn", "10050 end stubborn 137", "10050 over 137",
    ]  # fmt: skip


NAMES = "abcd"
ENTRY = st.fixed_dictionaries(
    {"runmode": st.sampled_from(["", "&", "|"])},
    optional={
        "after": st.lists(st.sampled_from(NAMES), max_size=2, unique=True),
        "ready": st.sampled_from([{"file": "/f"}, {"after-ms": 7}]),
        "restart": st.sampled_from(
            ["no", {"policy": "on-failure", "max": 2}, {"policy": "always", "max": 1}]
        ),
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    entries=st.lists(ENTRY, min_size=1, max_size=4),
    lives=st.lists(
        st.tuples(st.integers(0, 50), st.sampled_from(["0", "1 0", "0 1", "2", "141"])),
        min_size=4,
        max_size=4,
    ),
)
def test_whatever_is_accepted_comes_to_an_end(
    tool: Path, tmp_path: Path, entries: list[dict[str, Any]], lives: list[tuple[int, str]]
) -> None:
    """No accepted document ever leaves an entry waiting for what cannot come."""
    named: list[dict[str, Any]] = [
        {"name": name, **entry} for name, entry in zip(NAMES, entries, strict=False)
    ]
    rc = [{"bin": "x", **entry} for entry in named]
    if find_complaints(json.dumps({"rc": rc}).encode())[1]:
        return
    scenario = [
        line
        for entry, (takes, statuses) in zip(named, lives, strict=False)
        for line in (f"life {entry['name']} {takes} {statuses}", f"ready {entry['name']} 20")
    ]
    lines = play(tool, tmp_path, named, *scenario)
    assert " over " in lines[-1]
    failed = any(" end " in line and not line.endswith((" 0", "again")) for line in lines)
    if not failed:
        # What is in a pipe is waited for if the pipe's last entry is.
        ends = [entry["runmode"] for entry in named]
        waited = [next(mode for mode in ends[i:] if mode != "|") == "" for i in range(len(ends))]
        assert sum(" start " in line for line in lines) >= sum(waited)

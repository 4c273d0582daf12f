# SPDX-License-Identifier: BSD-2-Clause
"""The parts of a build on debusine: configuration, state on disk, what is decided, the farm."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from rumprun.archive.debusine import farm
from rumprun.archive.debusine.configuration import read_server
from rumprun.archive.debusine.documents import WorkRequest, read_artifact, read_page, read_request
from rumprun.archive.debusine.farm import Farm, Running
from rumprun.archive.debusine.state import State, Submission
from rumprun.archive.debusine.watch import Action, Sight, decide
from rumprun.errors import InputError, MissingError, RumprunError
from rumprun.process import start_time
from unit.debusine_server import REPLIES

CONFIG = """\
[General]
default-server = first

[server:first]
api-url = https://one.example/api/
scope = debian
token = abc%def
default-workspace = developers

[server:second]
api-url = http://127.0.0.1:8870/api
token = 0123
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.ini"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def test_the_server_is_the_client_s_default_or_the_one_named(config: Path) -> None:
    first = read_server(config)
    assert (first.name, first.url, first.token) == ("first", "https://one.example/api", "abc%def")
    assert (first.scope, first.workspace) == ("debian", "developers")
    assert first.origin == "https://one.example"
    second = read_server(config, name="second", workspace="mine")
    assert (second.scope, second.workspace) == ("debusine", "mine")
    assert "abc" not in repr(first)


def test_the_user_s_own_file_is_read(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    with pytest.raises(MissingError, match="debusine setup"):
        read_server()
    place = tmp_path / ".config" / "debusine" / "client"
    place.mkdir(parents=True)
    config.rename(place / "config.ini")
    assert read_server().name == "first"


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("= first", "= third", MissingError),
        ("https://one", "ftp://one", InputError),
        ("https://one", "https://user@one", InputError),
        ("token = abc%def", "", InputError),
        ("token = abc%def", "token = abc def", InputError),
        ("[General]\n", "", InputError),
        ("scope = debian", "scope = a\n  b", InputError),
    ],
)
def test_what_cannot_be_used_is_refused_and_the_token_not_shown(
    config: Path, old: str, new: str, error: type[RumprunError]
) -> None:
    assert old in CONFIG
    config.write_text(CONFIG.replace(old, new), encoding="utf-8")
    with pytest.raises(error) as raised:
        read_server(config)
    assert "abc" not in str(raised.value)


SUBMISSION = Submission(
    identity="i", artifact=3, made=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), request=7, dead=(5,)
)


def test_the_state_is_on_disk_at_once(config: Path, tmp_path: Path) -> None:
    server = read_server(config)
    state = State(tmp_path / "state", server)
    state.submit("zlib", SUBMISSION)
    state.keep_files(["aa", "bb"], 9)
    again = State(tmp_path / "state", server)
    assert again.submission("zlib") == SUBMISSION
    assert again.file("bb") == 9
    again.forget("zlib")
    again.forget_files([9])
    last = State(tmp_path / "state", server)
    assert (last.submission("zlib"), last.file("aa")) == (None, None)


def test_each_server_has_a_state_of_its_own(config: Path, tmp_path: Path) -> None:
    State(tmp_path, read_server(config)).submit("zlib", SUBMISSION)
    assert State(tmp_path, read_server(config, workspace="other")).submission("zlib") is None
    assert State(tmp_path, read_server(config, name="second")).submission("zlib") is None


@pytest.mark.parametrize("spoil", ["", "[]", '{"submissions": {"a": {}}, "files": {}}', "["])
def test_a_damaged_state_is_begun_anew(
    config: Path, tmp_path: Path, spoil: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server = read_server(config)
    State(tmp_path / "state", server).submit("zlib", SUBMISSION)
    (path,) = (tmp_path / "state").glob("*.json")
    path.write_text(spoil, encoding="utf-8")
    assert State(tmp_path / "state", server).submission("zlib") is None
    assert "damaged" in capsys.readouterr().err


def request(status: str, result: str = "") -> WorkRequest:
    found = read_request(REPLIES["work-request"])
    return dataclasses.replace(found, status=status, result=result)


@pytest.mark.parametrize(
    ("sight", "action"),
    [
        (Sight(request=None), Action.AGAIN),
        (Sight(request=request("pending")), Action.WAIT),
        (Sight(request=request("blocked"), running_for=99.0), Action.WAIT),
        (Sight(request=request("running"), running_for=9.0), Action.WAIT),
        (Sight(request=request("running"), running_for=11.0), Action.STUCK),
        (Sight(request=request("aborted")), Action.AGAIN),
        (Sight(request=request("completed", "success")), Action.FETCH),
        (Sight(request=request("completed", "failure")), Action.FAILED),
        (Sight(request=request("completed", "error")), Action.AGAIN),
        (Sight(request=request("completed", "skipped")), Action.AGAIN),
    ],
)
def test_what_is_done_about_what_is_seen(sight: Sight, action: Action) -> None:
    assert decide(sight, limit=10.0) is action


def test_recorded_replies_are_read() -> None:
    found = read_request(REPLIES["work-request"])
    assert (found.number, found.worker, found.source) == (1, 36, 4)
    artifact = read_artifact(REPLIES["artifact"])
    assert artifact.files[0].path.startswith("/debusine/farm/artifact/4/download/")
    assert artifact.archive == "/debusine/farm/artifact/4/download/?archive=tar.gz"


@pytest.mark.parametrize(
    "spoil",
    [
        {"id": "1"},
        {"status": "exploded"},
        {"task_data": None},
        {"artifacts": [-1]},
        {"created_at": "yesterday"},
        {"worker": "x"},
    ],
)
def test_a_reply_of_another_form_is_refused(spoil: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="debusine server"):
        read_request({**REPLIES["work-request"], **spoil})
    with pytest.raises(InputError):
        read_page({"next": None, "results": [{**REPLIES["work-request"], **spoil}]})


def test_a_file_elsewhere_is_taken_from_the_server_itself() -> None:
    reply = json.loads(json.dumps(REPLIES["artifact"]))
    for file in reply["files"].values():
        file["url"] = "https://evil.example/x/y"
    assert [file.path for file in read_artifact(reply).files] == ["/x/y"]


def test_a_farm_that_ended_is_not_up(tmp_path: Path) -> None:
    place = Farm(tmp_path)
    assert place.running() is None
    mine = Running(process=1, started="0", port=1, workers=1)
    for text in ("", "{}", "[]", json.dumps(dataclasses.asdict(mine))):
        (tmp_path / "running.json").write_text(text, encoding="utf-8")
        assert place.running() is None
    alive = dataclasses.replace(mine, started=start_time(1))
    (tmp_path / "running.json").write_text(json.dumps(dataclasses.asdict(alive)), encoding="utf-8")
    assert place.running() == alive
    assert not place.answers()


def test_a_user_without_ids_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(farm.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(farm.getpass, "getuser", lambda: "somebody-else")
    with pytest.raises(MissingError, match="usermod --add-subuids"):
        Farm(tmp_path / "farm").up(workers=1, port=8000)


def test_the_longest_row_of_ids_is_mapped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "subuid"
    file.write_text("me:100000:65536\nother:5:9999999\nme:1000000:200000\nme:x:y\n")
    monkeypatch.setattr(farm.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(farm.getpass, "getuser", lambda: "me")
    monkeypatch.setattr(farm, "_SUBUID", file)
    monkeypatch.setattr(farm, "_SUBGID", file)
    words = list(farm._namespaces())
    assert "--map-users=1000000,1,200000" in words
    assert "--map-groups=1000000,1,200000" in words

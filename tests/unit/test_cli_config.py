# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb config``: what it prints, and its exit statuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rumprun import command
from rumprun.bake.image import IMAGE_JSON, Image, ImageFile, Program, image_text
from rumprun.cli.main import main

BAD = {"rc": [{"bin": "helo"}, {"bin": "b", "runmode": "|"}], "env": {}}


@pytest.fixture(name="image")
def _image(tmp_path: Path) -> Path:
    program = Program(
        name="hello", path="/programs/hello", argv=("hello",), env=(), size=1, sha256="0" * 64
    )
    file = ImageFile(name="kernel", size=1, sha256="0" * 64)
    image = Image(board="linux", target="musl", programs=(program,), kernel=None, files=(file,))
    (tmp_path / IMAGE_JSON).write_text(image_text(image))
    return tmp_path


@pytest.fixture(name="config")
def _config(tmp_path: Path) -> Path:
    path = tmp_path / "c.json"
    path.write_text('{"version": 1, "rc": [{"bin": "hello"}], "hostname": "a"}')
    return path


def test_a_good_document(config: Path, image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", str(config), str(image)]) == 0
    assert capsys.readouterr().out == f"{config}: good, with the sections rc, hostname\n"


def test_all_faults_are_told_with_their_paths(
    config: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(json.dumps(BAD))
    assert main(["config", "check", str(config), str(image)]) == 3
    said = capsys.readouterr().err
    assert f"error: {config}: rc[0].bin: no program of the image is called 'helo'; did you" in said
    assert f"error: {config}: rc[1].runmode: no entry follows to read the pipe" in said


def test_faults_as_json(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(json.dumps(BAD))
    assert main(["config", "check", "--json", str(config)]) == 3
    answer = json.loads(capsys.readouterr().out)
    assert answer["acceptable"] is False
    assert [one["path"] for one in answer["complaints"]] == ["rc[1].runmode"]


def test_what_is_not_there(config: Path, tmp_path: Path) -> None:
    assert main(["config", "check", str(tmp_path / "none.json")]) == 4
    assert main(["config", "check", str(config), str(tmp_path / "none")]) == 4
    assert main(["config", "map", str(tmp_path)]) == 3


def test_an_image_is_for_check_alone(config: Path, image: Path) -> None:
    assert main(["config", "map", str(config), str(image)]) == 2


def test_convert_prints_a_document(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text('{"cmdline": "bin/hello world", "env": "A=1", "env": "B=2"}')
    assert main(["config", "convert", str(config)]) == 0
    said = capsys.readouterr()
    document = {
        "version": 1,
        "rc": [{"bin": "hello", "argv": ["bin/hello", "world"]}],
        "env": {"A": "1", "B": "2"},
    }
    assert json.loads(said.out) == document
    assert "cmdline: 'bin/hello' is called 'hello' in the image" in said.err
    assert main(["config", "convert", "--json", str(config)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["document"] == document
    assert len(answer["notes"]) == 1


def test_map_runs_the_command_of_a_delegate(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def run(argv: tuple[str, ...], **options: object) -> command.Completed:
        asked.append((argv, options["stdin"]))
        answer = '{"devices": [{"kind": "net", "name": "eth9"}], "components": ["extra"]}'
        return command.Completed(argv=argv, returncode=0, stdout=answer, stderr="")

    monkeypatch.setattr(command, "run", run)
    delegate = {"command": ["mapper"], "symbol": "apply"}
    config.write_text(json.dumps({"net": {"gateways": ["::1"]}, "delegate": {"net": delegate}}))
    assert main(["config", "map", str(config)]) == 0
    assert asked == [(("mapper",), '{"gateways": ["::1"]}\n')]
    assert capsys.readouterr().out == (
        "devices:\n  net eth9\ncomponents:\n  extra\nfunctions:\n  net apply\n"
    )
    assert main(["config", "map", "--json", str(config)]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "devices": [{"kind": "net", "name": "eth9", "path": "", "readonly": False}],
        "components": ["extra"],
        "symbols": {"net": "apply"},
    }

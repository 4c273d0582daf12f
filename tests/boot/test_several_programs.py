# SPDX-License-Identifier: BSD-2-Clause
"""Several programs in one image: each for itself, in the order of the configuration.

On board pvh, that is also one address space, and no process but threads of control.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from boot.boot_samples import BOOT_SECONDS, HERE, boot, compile_program
from rumprun import command
from rumprun.bake.board import BakeRequest, ProgramRequest, find_board
from rumprun.bake.kernel import DEFAULT_PACKAGE
from rumprun.bake.output import bake_image
from rumprun.config.check import parse_document
from rumprun.lab.qemu import Ended, RunRequest, run_image
from rumprun.target.descriptor import load_target

pytestmark = pytest.mark.boot

BACKGROUND = {"runmode": "&"}


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, see part.c."""
    return compile_program(HERE / "part.c", tmp_path_factory.mktemp("part") / "part")


@pytest.fixture(scope="module", params=["linux", "pvh"])
def board(request: pytest.FixtureRequest) -> str:
    """Each board; the program is the same file."""
    return str(request.param)


def bake(board: str, part: Path, directory: Path, config: dict[str, Any] | None) -> Path:
    """An image of two copies of the program."""
    programs = tuple(
        ProgramRequest(file=part, name=name, argv=(name, *words), env=(("OWN", name),))
        for name, words in (("one", ("count", "baked")), ("two", ("count", "directory")))
    )
    text = json.dumps(config or {}).encode()
    request = BakeRequest(
        programs=programs,
        target=load_target(),
        config=parse_document(text, where="config") if config else None,
        kernel_package=DEFAULT_PACKAGE,
    )
    bake_image(find_board(board), request, directory)
    return directory


@pytest.fixture(scope="module")
def image(
    board_root: Path, board: str, part: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An image without a configuration."""
    assert board_root.is_dir()
    return bake(board, part, tmp_path_factory.mktemp("several") / "image", None)


def run(directory: Path, config: dict[str, Any]) -> tuple[list[str], Ended]:
    """Boot with a configuration given at boot; the lines of the console, and the end."""
    console = bytearray()
    request = RunRequest(config=json.dumps(config), timeout=BOOT_SECONDS, accelerator="tcg")
    ended = run_image(directory, request, sink=console.extend)
    return console.decode().splitlines(), ended


def entry(binary: str, *words: str, **more: Any) -> dict[str, Any]:
    return {"bin": binary, "argv": [binary, *words], **more}


def test_without_a_configuration_all_run_in_the_order_of_the_image(image: Path) -> None:
    outcome = boot(image, baked=True)
    assert outcome.console.decode().splitlines() == ["1", "baked", "1", "/"]
    assert outcome.ended.status == 0


def test_arguments_variables_and_directories_are_each_ones_own(image: Path) -> None:
    config = {
        "env": {"OWN": "for all", "TZ": "UTC"},
        "rc": [
            {"bin": "one", "name": "baked", "workdir": "/tmp"},
            entry("one", "directory", "", "a b", name="again", workdir="/run"),
            entry("two", "variables"),
        ],
    }
    lines, ended = run(image, config)
    assert lines[:5] == ["1", "baked", "/run", "", "a b"]
    assert sorted(lines[5:]) == ["HOME=/", "OWN=for all", "PATH=/bin", "TERM=dumb", "TZ=UTC"]
    assert ended.status == 0


def test_order_readiness_pipes_and_restarts(image: Path) -> None:
    config = {
        "rc": [
            entry("one", "sleep", "listen=80", "sleep", "late", "forever", name="server",
                  ready={"port": 80}, **BACKGROUND),
            entry("one", "sleep", "slow", "touch=/run/slow", "forever", name="slow",
                  ready={"file": "/run/slow"}, **BACKGROUND),
            entry("two", "client", "sleep", "sleep", name="client", after=["server", "slow"]),
            entry("one", "some", "words", name="writer", runmode="|"),
            entry("two", "copy", name="upper", runmode="|"),
            entry("two", "copy", "end of pipe", name="last"),
            entry("one", "try", "once=/run/tried", "done", name="again",
                  restart={"policy": "on-failure", "max": 2}),
        ]
    }  # fmt: skip
    lines, ended = run(image, config)
    assert lines == [
        "slow", "client", "late", "SOME", "WORDS", "end of pipe",
        "try", "rumprun: again: exit status 4; it starts again", "try", "done",
    ]  # fmt: skip
    assert ended.status == 0


def test_the_status_is_that_of_the_one_that_failed(image: Path) -> None:
    config = {
        "rc": [
            entry("one", "forever", name="other", **BACKGROUND),
            entry("two", "status=3", name="broken"),
            entry("one", "never"),
        ]
    }
    lines, ended = run(image, config)
    assert lines == ["rumprun: broken: exit status 3"]
    assert ended.status == 3


def test_a_crash_in_the_background_ends_the_image_when_it_may_not_start_again(image: Path) -> None:
    config = {
        "rc": [
            entry("one", "forever", name="main"),
            entry("two", "abort", name="helper", after=[], restart={"policy": "always", "max": 1},
                  **BACKGROUND),
        ]
    }  # fmt: skip
    # The first is waited for, so the second has to come before it.
    config["rc"].reverse()
    lines, ended = run(image, config)
    assert [line for line in lines if "helper: ended" in line] == [
        "rumprun: helper: ended by signal 6 (Aborted); it starts again",
        "rumprun: helper: ended by signal 6 (Aborted)",
    ]
    assert ended.status == 134


def test_a_configuration_given_at_boot_overrides(
    board_root: Path, board: str, part: Path, tmp_path: Path
) -> None:
    assert board_root.is_dir()
    baked = {"env": {"A": "1", "OWN": "x"}, "rc": [entry("two", "variables")]}
    directory = bake(board, part, tmp_path / "image", baked)
    config = tmp_path / "config.json"
    config.write_text('{"env": {"A": "2"}}')
    ended = command.run(
        ["./rumpdeb", "run", "--timeout", "120", "--accel", "tcg", "--config", config, directory],
        cwd=HERE.parents[1],
    )
    lines = sorted(ended.stdout.splitlines())
    assert lines == ["A=2", "HOME=/", "OWN=x", "PATH=/bin", "TERM=dumb"]


def test_what_the_image_cannot_do_is_told_before_anything_starts(image: Path) -> None:
    lines, ended = run(image, {"rc": [{"bin": "one"}, {"bin": "three"}]})
    assert lines == ["rumprun: rc[1].bin: the image has no program three"]
    assert ended.status == 125
    lines, ended = run(image, {"rc": [{"bin": "one", "runmode": "?"}]})
    assert lines[0].startswith("rumprun: /rumprun/boot.json: rc[0].runmode: ")
    assert ended.status == 125


def test_the_kernel_command_line_has_a_configuration(image: Path, tmp_path: Path) -> None:
    rc = [{"bin": "two", "argv": ["two", "of the line"]}]
    config = json.dumps({"rc": rc}, separators=(",", ":"))
    directory = tmp_path / "image"
    command.run(["cp", "-r", image, directory])
    document = json.loads((directory / "image.json").read_text())
    document["options"] = ["--", config.replace(" ", "\\u0020")]
    (directory / "image.json").write_text(json.dumps(document))
    outcome = boot(directory, baked=True)
    assert outcome.console == b"of the line\n"

# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb lab``, with the other release of Xen than the other tests."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from boot.boot_samples import ROOT
from rumprun import command
from rumprun.command import Completed

pytestmark = [pytest.mark.boot, pytest.mark.lab]

_SECONDS = 300.0
_SHELL_SECONDS = 120


class Commands:
    """``rumpdeb lab`` with a directory of its own for what is up."""

    def __init__(self, runtime: Path) -> None:
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(runtime)}

    def __call__(self, *words: str | Path, given: str | None = None) -> Completed:
        argv = [ROOT / "rumpdeb", "lab", *words]
        return command.run(argv, env=self.environment, timeout=_SECONDS, check=False, stdin=given)


@pytest.fixture(scope="module")
def lab_command(lab_agent: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:  # noqa: ARG001
    commands = Commands(tmp_path_factory.mktemp("runtime"))
    began = commands("up", "--xen", "4.20", "--limit", "1200", "--json")
    assert began.returncode == 0, began.stderr
    assert json.loads(began.stdout)["xen"] == "4.20"
    yield commands
    commands("down")


def test_a_script_ends_as_it_does(lab_command: Commands, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("xl info | grep xen_minor; echo problem >&2; exit 4\n", encoding="utf-8")
    said = lab_command("run", script)
    assert (said.returncode, said.stdout.split(), said.stderr) == (
        4, ["xen_minor", ":", "20"], "problem\n",
    )  # fmt: skip
    said = lab_command("run", "--json", "-", given="#!/bin/sh -e\nfalse\necho not here\n")
    assert (said.returncode, json.loads(said.stdout)["stdout"]) == (1, "")
    said = lab_command("run", "--timeout", "2", "-", given="sleep 1000\n")
    assert (said.returncode, "no end after 2 s" in said.stderr) == (8, True)


def test_an_image_ends_as_its_program(lab_command: Commands, pvh_image: Path) -> None:
    said = lab_command("boot", "--name", "one", pvh_image, "--", "6", "you")
    assert said.returncode == 6, said.stderr
    assert "[you]\n" in said.stdout
    assert "rumprun-exit" not in said.stdout


def test_what_makes_no_sense_is_said(lab_command: Commands, tmp_path: Path) -> None:
    for status, complaint, words in (
        (3, "is up already", ["up"]),
        (2, "--xen, and a lab is up", ["run", "--xen", "4.17", "-"]),
        (4, "no such script", ["run", tmp_path / "absent"]),
        (4, "absent", ["boot", tmp_path / "absent"]),
        (2, "a shell needs a terminal", ["shell"]),
        (4, "no lab is up", ["down", "--lab", "another"]),
        (2, "is no name for a lab", ["down", "--lab", "../another"]),
        (2, "invalid choice: '4.16'", ["up", "--xen", "4.16"]),
    ):
        said = lab_command(*words, given="true\n")
        assert (said.returncode, complaint in said.stderr) == (status, True), said.stderr


def test_a_shell_is_a_terminal(lab_command: Commands) -> None:
    process, terminal = pty.fork()
    if process == 0:
        rumpdeb = str(ROOT / "rumpdeb")
        os.execve(rumpdeb, [rumpdeb, "lab", "shell"], lab_command.environment)  # noqa: S606
    said = b""
    typed = [(b"dom0# ", b"tty; stty size; exit 5\n")]
    deadline = time.monotonic() + _SHELL_SECONDS
    with contextlib.suppress(OSError):
        while time.monotonic() < deadline:
            said += os.read(terminal, 4096)
            if typed and typed[0][0] in said:
                os.write(terminal, typed.pop(0)[1])
    _process, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 5, said
    assert b"/dev/pts/" in said


def test_a_lab_that_is_down_leaves_its_logs(lab_command: Commands) -> None:
    said = lab_command("down")
    assert said.returncode == 0
    place = Path(said.stderr.split()[-1])
    assert "(XEN) " in (place / "xen.log").read_text(errors="replace")
    assert not (place / "initramfs").exists()
    assert lab_command("down").returncode == 4

# SPDX-License-Identifier: BSD-2-Clause
"""How commands end, and what they show."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator

import pytest

from rumprun import errors, ui
from rumprun.cli.outcome import exit_status_of

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, errors.RumprunError)
]


@pytest.fixture(autouse=True)
def _terminate_as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def ending(error: BaseException) -> int:
    def action() -> int:
        raise error

    return exit_status_of(action)


def test_statuses_tell_the_classes_apart() -> None:
    statuses = [one.exit_code for one in CLASSES]
    assert len(set(statuses)) == len(statuses)
    assert not {0, 126, 127, 130} & set(statuses)


@pytest.mark.parametrize("one", CLASSES)
def test_an_error_is_one_line_and_a_status(
    one: type[errors.RumprunError], capsys: pytest.CaptureFixture[str]
) -> None:
    long = "a [bold]b[/bold] " + "c" * 300
    assert ending(one(long, hint="do d")) == one.exit_code
    assert capsys.readouterr().err == f"error: {long}; do d\n"


def test_success_passes_its_status_on() -> None:
    assert exit_status_of(lambda: 0) == 0
    assert exit_status_of(lambda: 3) == 3


def test_the_machine_s_faults(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(OSError(errno.ENOSPC, "full", "/x")) == errors.SystemFault.exit_code
    assert "no space left on the disk for /x" in capsys.readouterr().err


def test_interrupt_and_termination_clean_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(KeyboardInterrupt()) == 130
    cleaned = []

    def action() -> int:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            cleaned.append(True)
        return 0

    assert exit_status_of(action) == 130
    assert cleaned
    assert capsys.readouterr().err.count("error: interrupted") == 2


def test_a_defect_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        ending(ZeroDivisionError())


def test_steps_and_notes_are_plain_lines_without_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with ui.step("build [x]"):
        ui.note("see [link=y]")
        ui.warn("odd\\")
    with pytest.raises(ValueError, match="no"), ui.step("fails"):
        raise ValueError("no")
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert captured.out == ""
    assert lines[:3] == ["build [x] ...", "see [link=y]", "warning: odd\\"]
    assert lines[3].startswith("build [x]: ")
    assert lines[4:] == ["fails ..."]

# SPDX-License-Identifier: BSD-2-Clause
"""The command lines of ``rumpdeb bake`` and ``rumpdeb run``."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from rumprun.cli import bake, run
from rumprun.cli.main import split_program_arguments
from rumprun.errors import UsageError


@pytest.mark.parametrize(
    ("words", "ours", "rest"),
    [
        (["run", "d"], ["run", "d"], None),
        (["run", "d", "--"], ["run", "d"], ()),
        (["run", "--memory", "9", "d", "--", "-x"], ["run", "--memory", "9", "d"], ("-x",)),
        (["bake", "p", "--", "a", "--", "", "b"], ["bake", "p"], ("a", "--", "", "b")),
        (["targets", "--", "x"], ["targets", "--", "x"], None),
        ([], [], None),
        (["--"], ["--"], None),
    ],
)
def test_split(words: list[str], ours: list[str], rest: tuple[str, ...] | None) -> None:
    assert split_program_arguments(words) == (ours, rest)


def parse_run(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    return parser.parse_args(words)


def test_run_options_on_both_sides() -> None:
    arguments = parse_run("--memory", "64", "d", "--timeout", "1.5", "--accel", "tcg")
    assert (arguments.directory, arguments.memory) == (Path("d"), 64)
    assert (arguments.timeout, arguments.accel, arguments.verbose) == (1.5, "tcg", False)


@pytest.mark.parametrize(
    "words",
    [
        ["d", "--memory", "0"],
        ["d", "--memory", "x"],
        ["d", "--memory", "99999999"],
        ["d", "--timeout", "0"],
        ["d", "--timeout", "nan"],
        ["d", "--timeout", "inf"],
        ["d", "--accel", "hax"],
        [],
    ],
)
def test_run_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_run(*words)
    assert caught.value.code == 2
    assert "usage: rumpdeb run" in capsys.readouterr().err


def test_bake_help_names_the_boards(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    bake.add_arguments(parser)
    parser.print_help()
    assert "linux: " in capsys.readouterr().out


def parse_bake(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    bake.add_arguments(parser)
    ours, rest = split_program_arguments(["bake", *words])
    return argparse.Namespace(**vars(parser.parse_args(ours[1:])), program_arguments=rest)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["prog"], "-o DIR"),
        (["-o", "d", "a", "b", "--", "x"], "a manifest that says whose"),
        (["a.toml", "b"], "write programs and arguments into the manifest"),
        (["a.rumprun-bake", "--", "x"], "write programs and arguments into the manifest"),
        (["a.rumprun-bake", "--target", "musl"], "--target with a manifest"),
        (["a.rumprun-bake", "--env", "A=b"], "--env with a manifest"),
        (["-o", "d", "prog", "--env", "A"], "not NAME=VALUE"),
    ],
)
def test_bake_refused(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        bake.main(parse_bake(*words))
    assert message in f"{caught.value} {caught.value.hint}"

# SPDX-License-Identifier: BSD-2-Clause
"""Boards are found by being there; the one in the documentation is complete."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rumprun.bake import boards
from rumprun.bake.board import all_boards, find_board
from rumprun.bake.boards.linux import entrypoint
from rumprun.errors import MissingError, UsageError

DOCUMENT = Path(__file__).resolve().parents[2] / "doc" / "adding-a-board.md"


def test_linux_is_there() -> None:
    assert find_board("linux").name == "linux"


def test_unknown_board() -> None:
    with pytest.raises(UsageError, match=r"there are: .*linux"):
        find_board("amiga")


def test_documented_board_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = [
        block.removeprefix("python\n")
        for block in DOCUMENT.read_text(encoding="utf-8").split("```")
        if block.startswith("python\n")
    ]
    (tmp_path / "bare.py").write_text(code, encoding="utf-8")
    monkeypatch.setattr(boards, "__path__", [*boards.__path__, str(tmp_path)])
    try:
        assert set(all_boards()) >= {"bare", "linux"}
        assert find_board("bare").description
    finally:
        sys.modules.pop(f"{boards.__name__}.bare", None)


def test_missing_entrypoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUMPRUN_BOARD_ROOT", str(tmp_path))
    with pytest.raises(MissingError, match="no such entrypoint"):
        entrypoint()

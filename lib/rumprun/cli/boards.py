# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb boards``: what images can run on."""

from __future__ import annotations

import argparse
import json
from typing import Any

from rumprun import paths
from rumprun.bake.board import Board, all_boards, find_board
from rumprun.target.descriptor import load_target

HELP = "list what images can run on"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="describe this board alone")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(arguments: argparse.Namespace) -> int:
    """List all boards, or describe one."""
    boards = [find_board(arguments.name)] if arguments.name else list(all_boards().values())
    rows = [_row(board) for board in boards]
    if arguments.json:
        print(json.dumps(rows, indent=2))
    elif arguments.name:
        print("\n".join(f"{key:12} {_shown(value)}" for key, value in rows[0].items()))
    else:
        for row in rows:
            missing = "" if row["files"] else "; not installed"
            print(f"{row['name']}  {row['description']}{missing}")
    return 0


def _row(board: Board) -> dict[str, Any]:
    """The board, whose programs it runs, on which machines, and where its compiled part is."""
    files = paths.board_files(board.name)
    target = load_target()
    return {
        "name": board.name,
        "description": board.description,
        "targets": [target.name] if board.name in target.boards else [],
        "machines": list(board.machines),
        "files": str(files) if files.is_dir() else None,
    }


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "not installed" if value is None else str(value)

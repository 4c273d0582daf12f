# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb boards``: what images can run on."""

from __future__ import annotations

import argparse
import json
from typing import Any

from rumprun import paths
from rumprun.bake.board import Board, all_boards, find_board
from rumprun.errors import RumprunError
from rumprun.target.descriptor import Target, read_descriptor, target_names
from rumprun.target.prefix import find_prefix

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
    targets = [each for each in map(read_descriptor, target_names()) if board.name in each.boards]
    return {
        "name": board.name,
        "description": board.description,
        "targets": [target.name for target in targets],
        "machines": list(board.machines),
        "files": _files(board, targets),
    }


def _files(board: Board, targets: list[Target]) -> str | None:
    """Where the board's compiled part is, ours or in a prefix; None where it is not there."""
    own = paths.board_files(board.name)
    if own.is_dir():
        return str(own)
    for target in targets:
        if target.prefix_machine is not None:
            try:
                prefix = find_prefix(target.triple)
            except RumprunError:
                continue
            if board.name in prefix.boards and board.name.partition("_")[0] in prefix.platforms:
                return str(prefix.path)
    return None


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "not installed" if value is None else str(value)

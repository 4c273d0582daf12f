# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb targets``: what variants can be compiled for on this machine."""

from __future__ import annotations

import argparse
import json

from rumprun.target.descriptor import load_target

HELP = "list the targets that variants can be compiled for"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(arguments: argparse.Namespace) -> int:
    """Print each target with its triple and whether its compiler is there."""
    target = load_target()
    compiler = target.bin / f"{target.triple}-gcc"
    row = {
        "name": target.name,
        "triple": target.triple,
        "description": target.description,
        "compiler": str(compiler) if compiler.exists() else None,
        "boards": list(target.boards),
    }
    if arguments.json:
        print(json.dumps([row], indent=2))
    else:
        state = f"compiler {compiler}" if compiler.exists() else "compiler not installed"
        print(f"{target.name}  {target.triple}  {target.description}; {state}")
    return 0

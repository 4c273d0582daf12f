# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb toolchain``: an installed upstream Rumprun as a Debian package."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from rumprun.errors import UsageError
from rumprun.target.descriptor import read_descriptor
from rumprun.target.pack import PackOptions, pack_prefix
from rumprun.target.prefix import read_prefix

HELP = "pack an upstream Rumprun that is installed, for chroots"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what there is to do, and its options."""
    parser.add_argument("action", choices=("pack",), help="make a package of it")
    parser.add_argument("prefix", type=Path, metavar="PREFIX", help="where it is installed")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="where the package goes (default: here)",
    )
    parser.add_argument(
        "--version", metavar="VERSION", help="the package's (default: 0~ and the prefix's date)"
    )
    parser.add_argument(
        "--maintainer",
        metavar="NAME",
        help="as 'Jane Roe <jane@example.org>' (default: of DEBFULLNAME and DEBEMAIL)",
    )
    parser.add_argument(
        "--licence",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a licence besides those that the files carry (repeatable)",
    )


def main(arguments: argparse.Namespace) -> int:
    """Pack, and say where the package is."""
    for path in arguments.licence:
        if not path.is_file():
            raise UsageError(f"--licence {path}: no such file")
    prefix = read_prefix(arguments.prefix, read_descriptor("netbsd").triple)
    date = time.strftime("%Y%m%d", time.gmtime(prefix.recipe.stat().st_mtime))
    options = PackOptions(
        version=arguments.version or f"0~{date}",
        maintainer=arguments.maintainer or _maintainer(),
        licences=tuple(arguments.licence),
    )
    print(pack_prefix(prefix, options, arguments.output))
    return 0


def _maintainer() -> str:
    name, address = os.environ.get("DEBFULLNAME"), os.environ.get("DEBEMAIL")
    if not name or not address:
        raise UsageError(
            "no maintainer for the package",
            hint="give --maintainer, or set DEBFULLNAME and DEBEMAIL",
        )
    return f"{name} <{address}>"

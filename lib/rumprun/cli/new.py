# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb new``: start a source package that bakes an image."""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path

from rumprun.bake.initramfs import source_date
from rumprun.bake.skeleton import (
    PackagedProgram,
    Skeleton,
    check_name,
    find_maintainer,
    parse_program,
    write_skeleton,
)
from rumprun.errors import UsageError

HELP = "start a source package that bakes an image from variants"

_MAINTAINER = re.compile(r"[^<>\n]+ <[^<>@\s]+@[^<>@\s]+>")

# What names of image packages end with; before it is the name of what they run.
_ENDINGS = re.compile(r"-(image|stubdom)$")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    parser.add_argument("name", metavar="NAME", help="name of the source and of its package")
    parser.add_argument(
        "--program",
        action="append",
        metavar="PACKAGE[:PATH]",
        help="a variant package with a program to bake, and the end of the program's path where "
        "it has several; repeatable (default: NAME without -image or -stubdom, and -rumprun)",
    )
    parser.add_argument(
        "--maintainer",
        metavar="MAINTAINER",
        help="who maintains it (default: of DEBFULLNAME and DEBEMAIL)",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="directory to write (default: NAME)"
    )


def main(arguments: argparse.Namespace) -> int:
    """Write the package, and say what to do with it."""
    check_name(arguments.name)
    maintainer = arguments.maintainer or find_maintainer()
    if not _MAINTAINER.fullmatch(maintainer):
        raise UsageError(f"{maintainer!r} is no maintainer", hint="write 'Name <address@host>'")
    stem = _ENDINGS.sub("", arguments.name)
    default = [PackagedProgram(package=f"{stem}-rumprun", path=None)]
    programs = [parse_program(word) for word in arguments.program or ()] or default
    skeleton = Skeleton(
        name=arguments.name,
        programs=tuple(programs),
        maintainer=maintainer,
        date=source_date() or int(time.time()),
    )
    directory = arguments.output or Path(arguments.name)
    write_skeleton(skeleton, directory)
    print(f"{directory}: a source package; see debian/{arguments.name}.rumprun-bake,")
    print(f"then run: cd {directory} && dpkg-buildpackage -us -uc -b")
    return 0

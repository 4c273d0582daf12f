# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb bake``: make a bootable image of programs, or of what a manifest says."""

from __future__ import annotations

import argparse
from pathlib import Path

from rumprun.bake.board import ProgramRequest, all_boards, find_board
from rumprun.bake.image import image_text
from rumprun.bake.initramfs import source_date
from rumprun.bake.kernel import DEFAULT_PACKAGE
from rumprun.bake.manifest import SUFFIX, Manifest, for_board, manifest_request, read_manifest
from rumprun.bake.output import bake_image
from rumprun.bake.program import program_name
from rumprun.errors import UsageError
from rumprun.target.descriptor import DEFAULT_TARGET, load_target

HELP = "make a bootable image of static programs"

TAKES_PROGRAM_ARGUMENTS = True

_MIB = 1 << 20

# What a directory is called that a manifest is baked into where nobody says.
_IMAGE_SUFFIX = ".image"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    boards = "; ".join(f"{board.name}: {board.description}" for board in all_boards().values())
    parser.usage = (
        "rumpdeb bake [OPTION…] -o DIR PROG… [-- ARG…]\n"
        "       rumpdeb bake [OPTION…] [-o DIR] MANIFEST"
    )
    parser.epilog = (
        f"A manifest is a file whose name ends with {SUFFIX} or .toml. "
        "With --, what follows are the arguments of the one program."
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help=f"directory to write (default: the manifest's name, and {_IMAGE_SUFFIX})",
    )
    parser.add_argument("--board", metavar="NAME", help=f"{boards} (default: linux)")
    parser.add_argument("--target", metavar="NAME", help="see 'targets'")
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a variable of the programs' environment (repeatable)",
    )
    _add_kernel_options(parser)
    parser.add_argument("--offline", action="store_true", help="use the cache only")
    parser.add_argument("--json", action="store_true", help="print the image's description")
    parser.add_argument(
        "programs", type=Path, nargs="+", metavar="PROG", help="static programs, or a manifest"
    )


def _add_kernel_options(parser: argparse.ArgumentParser) -> None:
    kernel = parser.add_mutually_exclusive_group()
    kernel.add_argument(
        "--kernel",
        metavar="FILE|slim",
        help="kernel to use instead of the archive's; slim: a small one, built of its source",
    )
    kernel.add_argument(
        "--kernel-package",
        metavar="PACKAGE",
        help=f"package to take the kernel from (default: {DEFAULT_PACKAGE})",
    )


def main(arguments: argparse.Namespace) -> int:
    """Bake, and say what came out."""
    manifest = _manifest_of(arguments)
    board = find_board(manifest.board)
    output = arguments.output or Path(f"{_stem(arguments.programs[0])}{_IMAGE_SUFFIX}")
    request = manifest_request(
        manifest,
        kernel=arguments.kernel,
        kernel_package=arguments.kernel_package,
        offline=arguments.offline,
        date=source_date(),
    )
    image = bake_image(board, request, output)
    if arguments.json:
        print(image_text(image), end="")
    else:
        kernel = f", {image.kernel.package} {image.kernel.version}" if image.kernel else ""
        print(f"{output}: {image.board}, {image.size / _MIB:.1f} MiB{kernel}")
    return 0


def _is_manifest(path: Path) -> bool:
    return path.name.endswith((SUFFIX, ".toml"))


def _stem(path: Path) -> str:
    return path.name.removesuffix(SUFFIX).removesuffix(".toml")


def _manifest_of(arguments: argparse.Namespace) -> Manifest:
    """What to bake: the manifest that is named, or one of the programs on the command line."""
    first, *others = arguments.programs
    if not _is_manifest(first):
        return _short_form(arguments)
    if others or arguments.program_arguments is not None:
        raise UsageError(
            f"{first} is a manifest, and more than that is given",
            hint="write programs and arguments into the manifest",
        )
    for option in ("target", "env"):
        if getattr(arguments, option):
            raise UsageError(f"--{option} with a manifest", hint=f"write it into {first}")
    manifest = read_manifest(first)
    return for_board(manifest, arguments.board) if arguments.board else manifest


def _short_form(arguments: argparse.Namespace) -> Manifest:
    if arguments.output is None:
        raise UsageError("no directory to write", hint="give it with -o DIR")
    words = arguments.program_arguments or ()
    if words and len(arguments.programs) > 1:
        raise UsageError(
            "arguments for several programs", hint="write a manifest that says whose they are"
        )
    env = tuple(_variable(word) for word in arguments.env)
    names = [program_name(path) for path in arguments.programs]
    return Manifest(
        board=arguments.board or "linux",
        target=load_target(arguments.target or DEFAULT_TARGET),
        programs=tuple(
            ProgramRequest(file=path, name=name, argv=(name, *words), env=env)
            for path, name in zip(arguments.programs, names, strict=True)
        ),
    )


def _variable(word: str) -> tuple[str, str]:
    name, separator, value = word.partition("=")
    if not name or not separator:
        raise UsageError(f"--env {word}: not NAME=VALUE")
    return name, value

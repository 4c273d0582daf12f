# SPDX-License-Identifier: BSD-2-Clause
"""Where our own files are: the same names in a checkout and in an installed package."""

from __future__ import annotations

import os
from pathlib import Path

# lib/rumprun/paths.py in a checkout, /usr/share/dh-rumprun/lib/rumprun/paths.py when installed:
# either way the data directories are two levels above the library.
DATA = Path(__file__).resolve().parents[2]

IN_TREE = (DATA / "Makefile").is_file()

TEMPLATES = DATA / "templates"
BOARDS = DATA / "boards"
DEBHELPER = DATA / "debhelper"
RECIPES = DATA / "recipes"


def toolchain_root() -> Path:
    """The directory under which ``usr/bin/<triple>-gcc`` is.

    ``RUMPRUN_TOOLCHAIN_ROOT`` wins; a checkout uses what ``make toolchain`` built; an
    installed package uses the file system's root.
    """
    chosen = os.environ.get("RUMPRUN_TOOLCHAIN_ROOT")
    if chosen:
        return Path(chosen)
    return DATA / "build" / "toolchain" if IN_TREE else Path("/")


def board_files(board: str) -> Path:
    """The directory of what a board brings compiled, such as the entrypoint.

    ``RUMPRUN_BOARD_ROOT`` wins as the root of it; a checkout uses what ``make boards`` built;
    an installed package uses the file system's root.
    """
    return _compiled("RUMPRUN_BOARD_ROOT") / f"rumprun-board-{board}"


def lab_files() -> Path:
    """The directory of what a lab brings compiled; ``RUMPRUN_LAB_ROOT`` wins as the root of it."""
    return _compiled("RUMPRUN_LAB_ROOT") / "rumprun-lab"


def _compiled(variable: str) -> Path:
    chosen = os.environ.get(variable)
    own = DATA / "build" / "boards" if IN_TREE else Path("/")
    return (Path(chosen) if chosen else own) / "usr" / "lib"


def recipe_directories() -> tuple[Path, ...]:
    """The user's own directories of recipes, of ``RUMPRUN_RECIPES``, separated by colons."""
    names = os.environ.get("RUMPRUN_RECIPES", "").split(":")
    return tuple(Path(name) for name in names if name)


def cache() -> Path:
    """The user's cache (XDG Base Directory Specification), for downloads worth keeping."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "dh-rumprun"

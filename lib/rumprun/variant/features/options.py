# SPDX-License-Identifier: BSD-2-Clause
"""The options that a source's build systems offer, read from its files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rumprun.variant.features.switch import BuildSystem

# autoconf lists all options of AC_ARG_ENABLE and AC_ARG_WITH, a line each, in every configure.
_USER_OPTIONS = re.compile(r"^ac_user_opts='\n(.*?)^'", re.MULTILINE | re.DOTALL)
_CACHE_ENTRY = re.compile(r"^(\w[\w.+-]*):(BOOL)=(ON|TRUE|YES|1)$", re.MULTILINE | re.IGNORECASE)
_MESON_OPTION = re.compile(
    r"option\(\s*'(?P<name>[\w.-]+)'\s*,(?P<rest>(?:[^()']|'[^']*'|\([^()]*\))*)\)"
)
_MESON_TYPE = re.compile(r"type\s*:\s*'(\w+)'")
_MESON_CHOICES = re.compile(r"'([^']*)'")

_OFF_CHOICES = ("no", "none", "off", "false", "disabled")
_MOST_FILES = 40


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option, and the value that turns it off."""

    build_system: BuildSystem
    name: str
    off: str


def read_options(tree: Path) -> tuple[Option, ...]:
    """The options of all build systems in ``tree`` and its build directories."""
    return (*_autoconf(tree), *_cmake(tree), *_meson(tree))


def _autoconf(tree: Path) -> Iterator[Option]:
    for text in _files(tree, "configure"):
        for block in _USER_OPTIONS.findall(text):
            for name in block.split():
                if name.startswith(("enable_", "with_")):
                    yield Option(build_system=BuildSystem.AUTOCONF, name=name, off="no")


def _cmake(tree: Path) -> Iterator[Option]:
    for text in _files(tree, "CMakeCache.txt"):
        for name, _type, _value in _CACHE_ENTRY.findall(text):
            if not name.startswith("CMAKE_"):
                yield Option(build_system=BuildSystem.CMAKE, name=name, off="OFF")


def _meson(tree: Path) -> Iterator[Option]:
    for name in ("meson_options.txt", "meson.options"):
        for text in _files(tree, name):
            for match in _MESON_OPTION.finditer(text):
                off = _meson_off(match["rest"])
                if off:
                    yield Option(build_system=BuildSystem.MESON, name=match["name"], off=off)


def _meson_off(declaration: str) -> str | None:
    kind = _MESON_TYPE.search(declaration)
    if not kind:
        return None
    if kind[1] == "feature":
        return "disabled"
    if kind[1] == "boolean":
        return "false"
    choices = _MESON_CHOICES.findall(declaration)
    return next((choice for choice in _OFF_CHOICES if choice in choices), None)


def _files(tree: Path, name: str) -> Iterator[str]:
    """The contents of the files of that name, those nearest to the top first."""
    paths = (path for path in tree.rglob(name) if path.is_file() and not path.is_symlink())
    for path in sorted(paths, key=lambda path: (len(path.parts), path))[:_MOST_FILES]:
        yield path.read_text(encoding="utf-8", errors="replace")

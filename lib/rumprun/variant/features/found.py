# SPDX-License-Identifier: BSD-2-Clause
"""From what a build lacks to the option that does without it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from rumprun.variant.features.evidence import Lack, find_lacks
from rumprun.variant.features.options import Option, read_options
from rumprun.variant.features.switch import BuildSystem, Switch

_GET_OPTION = re.compile(r"get_option\(\s*'([\w.-]+)'\s*\)")
_REQUIRED = re.compile(r"required\s*:\s*(\w+)")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]+")

# Words of options that say nothing about a library.
_GENERAL = frozenset(
    {
        "and", "available", "build", "but", "can", "cannot", "check", "compiler", "config",
        "could", "debug", "default", "details", "dir", "enable", "error", "feature", "features",
        "file", "files", "for", "found", "have", "header", "headers", "include", "install",
        "installed", "is", "lib", "libraries", "library", "libs", "log", "missing", "mode",
        "must", "need", "needs", "no", "not", "of", "option", "options", "or", "path", "pkg",
        "please", "prefix", "program", "requested", "required", "see", "shared", "static",
        "support", "system", "test", "tests", "the", "to", "use", "version", "warnings", "werror",
        "with", "without", "working", "you",
    }
)  # fmt: skip

_STATIC_REFUSED = re.compile(
    r"^configure: error: [^\n]{0,200}-static\b[^\n]{0,100}(?:not supported|unsupported)",
    re.MULTILINE,
)
_SHARED = tuple(
    Switch(
        build_system=BuildSystem.AUTOCONF,
        option=option,
        value=value,
        reason="configure refuses static libraries",
    )
    for option, value in (("enable_static", "no"), ("enable_shared", "yes"))
)

# An option that ends in one of these says where something is.
_PLACES = frozenset({"dir", "file", "name", "path", "prefix", "root"})


def find_switches(log: str, tree: Path) -> tuple[Switch, ...]:
    """What to switch off so that a failed build in ``tree`` can do without what it lacks.

    ``log`` is what the build said. The first complaint that some option answers decides;
    none, where no option does. A configure that refuses to build static libraries is asked for
    shared ones, which the compiler driver makes archives of.
    """
    if _STATIC_REFUSED.search(log):
        return _SHARED
    options = read_options(tree)
    for lack in find_lacks(log):
        names = _named_by_meson(lack, tree) if lack.place else frozenset[str]()
        chosen = [
            option
            for option in options
            if option.build_system is BuildSystem.MESON and option.name in names
        ]
        chosen = chosen or _matching(lack, options)
        if chosen:
            unique = {(option.build_system, option.name): option for option in chosen}
            return tuple(
                Switch(
                    build_system=option.build_system,
                    option=option.name,
                    value=_instead(option, log),
                    reason=lack.line,
                )
                for option in unique.values()
            )
    return ()


def _instead(option: Option, log: str) -> str:
    """The value to give: what was asked for as ``shared`` may be had static, before it is off."""
    asked = f"--{option.name.replace('_', '-')}=shared"
    return "static" if re.search(rf"{re.escape(asked)}(?![\w-])", log) else option.off


def _named_by_meson(lack: Lack, tree: Path) -> frozenset[str]:
    """The options that the statement at the complaint's place asks, directly or by a variable."""
    assert lack.place is not None
    name, number = lack.place
    path = _meson_file(tree, name)
    if path is None:
        return frozenset()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    statement = _statement(lines, number - 1)
    names = set(_GET_OPTION.findall(statement))
    for variable in _REQUIRED.findall(statement):
        assigned = re.compile(rf"^\s*{variable}\s*=.*?get_option\(\s*'([\w.-]+)'", re.MULTILINE)
        names |= set(assigned.findall("\n".join(lines[:number])))
    return frozenset(names)


def _meson_file(tree: Path, name: str) -> Path | None:
    """The file that meson calls ``name``, relative to the build directory as it says it."""
    parts = [part for part in Path(name).parts if part not in ("..", ".", "/")]
    path = tree.joinpath(*parts)
    inside = path.resolve().is_relative_to(tree.resolve())
    return path if inside and path.is_file() else None


def _statement(lines: Sequence[str], start: int) -> str:
    """From line ``start`` (counted from 0) to where the parentheses close."""
    text = ""
    for line in lines[start : start + 20]:
        text += line + "\n"
        if text.count("(") <= text.count(")"):
            break
    return text


def _matching(lack: Lack, options: Iterable[Option]) -> list[Option]:
    """The options named after what is missing; those that match by more of their name first."""
    found: list[Option] = []
    for text in (lack.what, lack.more):
        words = {_stem(word) for word in _WORD.findall(text)} - _GENERAL
        found = found or [option for option in options if _names(option) & words]
    return found


def _names(option: Option) -> frozenset[str]:
    """What an option may be about: the words of its name, and all of it in one."""
    words = [word for word in re.split(r"[_.-]+", option.name.lower()) if word]
    if option.build_system is BuildSystem.AUTOCONF:
        words = words[1:]
    if not words or words[-1] in _PLACES:
        return frozenset()
    stems = {_stem(word) for word in words} | {_stem("".join(words))}
    return frozenset(stem for stem in stems if len(stem) > 1) - _GENERAL


def _stem(word: str) -> str:
    """``libFoo2`` and ``foo`` are the same: no case, no ``lib``, no version."""
    stem = re.sub(r"[\d.]+$", "", word.lower())
    return stem.removeprefix("lib") if len(stem) > 4 else stem

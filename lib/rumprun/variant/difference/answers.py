# SPDX-License-Identifier: BSD-2-Clause
"""The configure answers of two trees, side by side: those that differ."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rumprun.variant.difference import formats
from rumprun.variant.difference.model import Answer, Kind
from rumprun.variant.difference.normal import (
    PATH,
    is_momentary,
    normalise,
    place,
    subject,
    truth,
)

# The name under which a config.log says what made its configure.
GENERATOR = "configure"

# What configure makes to try things out, and what helpers bring.
_NO_SOURCE = frozenset(
    {".git", ".pc", "CMakeFiles", "autom4te.cache", "meson-private", ".debhelper"}
)


@dataclass(frozen=True, kw_only=True)
class _Table:
    """The answers of one file. Of ``checks``, a name that one side lacks was not asked there."""

    kind: Kind
    values: Mapping[str, str]
    checks: bool


_Tables = dict[tuple[str, Kind], _Table]
_Reader = Callable[[str], Iterable[_Table]]


def differing_answers(native: Path, variant: Path, pristine: Path) -> tuple[Answer, ...]:
    """Where the configured trees ``native`` and ``variant`` of the source ``pristine`` differ.

    autoconf's config.log, CMakeCache.txt, meson's introspection, and the macros in headers and
    makefiles that configure made. Each thing is told once, sorted by file and name.
    """
    trees = (native, variant)
    sides = [_read_tree(tree, pristine, trees) for tree in trees]
    found: list[Answer] = []
    lone: dict[tuple[str, Kind], Answer] = {}
    for key in sorted(sides[0].keys() | sides[1].keys(), key=lambda key: (key[0], key[1].value)):
        one, other = sides[0].get(key), sides[1].get(key)
        if one is None or other is None:
            lone[key] = Answer(
                kind=Kind.CONFIGURE,
                where=key[0],
                name=key[0],
                native="made" if one else None,
                variant="made" if other else None,
            )
        else:
            found += _pairs(key[0], one, other)
    return _each_once([*_lone_files(lone), *found])


def _pairs(where: str, one: _Table, other: _Table) -> Iterator[Answer]:
    for name in sorted(one.values.keys() | other.values.keys()):
        values = one.values.get(name), other.values.get(name)
        if is_momentary(name) or _is_same(values[0], values[1], checks=one.checks):
            continue
        yield Answer(kind=one.kind, where=where, name=name, native=values[0], variant=values[1])


def _is_same(native: str | None, variant: str | None, *, checks: bool) -> bool:
    """Whether two answers say the same: both a path, both yes, both no.

    A macro may be defined as 0, which is no; one that one side alone defines is not the same
    as one that is defined as anything else. A check that one side was not asked says nothing.
    """
    if native is None or variant is None:
        return checks or truth(native) is truth(variant) is False
    if native == variant or (PATH in native and PATH in variant):
        return True
    known = truth(native)
    return known is not None and known is truth(variant)


def _lone_files(lone: Mapping[tuple[str, Kind], Answer]) -> Iterator[Answer]:
    """What one side alone has made; a build directory's other files follow from its log."""
    logs = {Path(where).parent for where, _kind in lone if Path(where).name in _READERS}
    for (where, _kind), answer in lone.items():
        path = Path(where)
        if path.name in _READERS or not logs & set(path.parents):
            yield answer


def _each_once(answers: Iterable[Answer]) -> tuple[Answer, ...]:
    """Without what another file, or the macro that a check defines, says already."""
    found = list(answers)
    macros = {
        (subject(answer.name), truth(answer.native), truth(answer.variant))
        for answer in found
        if answer.kind is Kind.DEFINE
    }
    kept: dict[tuple[str, bool | None, bool | None, str | None, str | None], Answer] = {}
    for answer in found:
        sides = (truth(answer.native), truth(answer.variant))
        if answer.kind is Kind.CONFIGURE and (subject(answer.name), *sides) in macros:
            continue
        shown = (None, None) if None not in sides else (answer.native, answer.variant)
        kept.setdefault((answer.name, *sides, *shown), answer)
    return tuple(kept.values())


def _read_tree(tree: Path, pristine: Path, trees: Sequence[Path]) -> _Tables:
    found: _Tables = {}
    for path in _files(tree):
        reader = _READERS.get(path.name)
        if reader is None and _is_made(path.relative_to(tree), trees, pristine):
            reader = _MADE_READERS.get(path.suffix) or _MADE_READERS.get(path.name)
        if reader is None:
            continue
        try:
            tables = list(reader(path.read_text(encoding="utf-8", errors="replace")))
        except (ValueError, KeyError):
            # A file of that name which no configure wrote.
            continue
        for table in tables:
            values = {name: normalise(value, trees) for name, value in table.values.items()}
            key = (place(path, tree), table.kind)
            found[key] = _Table(kind=table.kind, values=values, checks=table.checks)
    return found


def _files(tree: Path) -> Iterator[Path]:
    for directory, names, files in os.walk(tree):
        names[:] = sorted(name for name in names if name not in _NO_SOURCE)
        for name in sorted(files):
            path = Path(directory) / name
            if path.is_file() and not path.is_symlink():
                yield path


def _is_made(name: Path, trees: Iterable[Path], pristine: Path) -> bool:
    """Whether configure made or changed ``name`` on one side at least."""
    if name.suffix not in _MADE_READERS and name.name not in _MADE_READERS:
        return False
    original = pristine / name
    if not original.is_file():
        return True
    copies = [tree / name for tree in trees]
    return any(copy.is_file() and not filecmp.cmp(copy, original, shallow=False) for copy in copies)


def _read_config_log(text: str) -> Iterator[_Table]:
    checks, macros = formats.parse_config_log(text)
    generator = {GENERATOR: f"autoconf {formats.parse_generator(text)}".strip()}
    yield _Table(kind=Kind.CONFIGURE, values={**checks, **generator}, checks=True)
    yield _Table(kind=Kind.DEFINE, values=macros, checks=False)


def _read_cmake(text: str) -> Iterator[_Table]:
    yield _Table(kind=Kind.CONFIGURE, values=formats.parse_cmake_cache(text), checks=True)


def _read_meson_options(text: str) -> Iterator[_Table]:
    yield _Table(kind=Kind.CONFIGURE, values=formats.parse_meson_options(text), checks=True)


def _read_meson_dependencies(text: str) -> Iterator[_Table]:
    values = formats.parse_meson_dependencies(text)
    yield _Table(kind=Kind.DEPENDENCY, values=values, checks=False)


def _read_header(text: str) -> Iterator[_Table]:
    yield _Table(kind=Kind.DEFINE, values=formats.parse_defines(text), checks=False)


def _read_makefile(text: str) -> Iterator[_Table]:
    if "generated by automake" not in text[:400] and "CMAKE generated" not in text[:400]:
        values = formats.parse_makefile_macros(text)
        yield _Table(kind=Kind.DEFINE, values=values, checks=False)


# By suffix or name: what counts only where configure has made it.
_MADE_READERS: dict[str, _Reader] = {
    ".h": _read_header,
    "Makefile": _read_makefile,
    "makefile": _read_makefile,
    "GNUmakefile": _read_makefile,
    "config.mk": _read_makefile,
    "config.mak": _read_makefile,
}
_READERS: dict[str, _Reader] = {
    "config.log": _read_config_log,
    "CMakeCache.txt": _read_cmake,
    "intro-buildoptions.json": _read_meson_options,
    "intro-dependencies.json": _read_meson_dependencies,
}

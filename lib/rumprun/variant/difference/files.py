# SPDX-License-Identifier: BSD-2-Clause
"""The files of native packages and variants, compared by the place that each has in its own."""

from __future__ import annotations

import filecmp
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from rumprun.target.descriptor import Target
from rumprun.variant.difference.formats import parse_defines, strip_comments
from rumprun.variant.difference.model import Answer, Kind
from rumprun.variant.difference.normal import TRIPLE, normalise, place, with_triple
from rumprun.variant.difference.packages import Unpacked
from rumprun.variant.layout import destination

Places = Mapping[PurePosixPath, Path]


def native_places(native: Unpacked, target: Target) -> Places:
    """Where each native file would be in a variant, below its prefix; what has no place is out."""
    found = {}
    for relative in sorted(native.owners):
        # The layout knows the target's multiarch directories, not the machine's.
        where = destination(PurePosixPath(with_triple(str(relative), target.triple)), target)
        if where is not None:
            found[where] = native.root / relative
    return found


def variant_places(variant: Unpacked, target: Target) -> Places:
    """The files of the variants by their place below the prefix."""
    prefix = target.prefix.relative_to("/")
    return {
        PurePosixPath(path.relative_to(prefix)): variant.root / path
        for path in sorted(variant.owners)
        if path.is_relative_to(prefix)
    }


def differing_headers(native: Places, variant: Places) -> Iterator[Answer]:
    """Headers that one side alone has, and what they define or say otherwise."""
    ours, theirs = (_below(places, "include") for places in (native, variant))
    for name in sorted(ours.keys() | theirs.keys()):
        if name in ours and name in theirs:
            yield from _changed_header(str(name), ours[name], theirs[name])
        else:
            yield _lone(Kind.HEADER, "include", str(name), native=name in ours)


def _changed_header(name: str, native: Path, variant: Path) -> Iterator[Answer]:
    if not native.is_file() or not variant.is_file():
        return
    if filecmp.cmp(native, variant, shallow=False):
        return
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in (native, variant)]
    macros = [
        {macro: normalise(value) for macro, value in parse_defines(text).items()} for text in texts
    ]
    where = f"include/{name}"
    found = False
    for macro in sorted(macros[0].keys() | macros[1].keys()):
        values = macros[0].get(macro), macros[1].get(macro)
        if values[0] != values[1]:
            found = True
            yield Answer(
                kind=Kind.DEFINE, where=where, name=macro, native=values[0], variant=values[1]
            )
    if not found:
        yield from _changed_lines(where, texts)


def _changed_lines(where: str, texts: Iterable[str]) -> Iterator[Answer]:
    """The first line that differs, comments and spaces aside."""
    one, other = ([normalise(line) for line in strip_comments(text)] for text in texts)
    if one == other:
        return
    number = next(
        (index for index, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )
    sides = [lines[number] if number < len(lines) else None for lines in (one, other)]
    name = PurePosixPath(where).name
    yield Answer(kind=Kind.HEADER, where=where, name=name, native=sides[0], variant=sides[1])


def differing_modules(native: Places, variant: Places) -> Iterator[Answer]:
    """Modules of pkg-config that one side alone has."""
    ours, theirs = ({name.stem for name in places if name.suffix == ".pc"}
                    for places in (native, variant))  # fmt: skip
    for name in sorted(ours ^ theirs):
        yield _lone(Kind.PKG_CONFIG, "lib/pkgconfig", f"{name}.pc", native=name in ours)


def differing_programs(native: Places, variant: Places) -> Iterator[Answer]:
    """Programs that the variants lack; one named for the GNU type answers to its own."""
    for directory in ("bin", "sbin"):
        ours, theirs = (
            {place(Path(name.name), Path()) for name in places if name.parts[0] == directory}
            for places in (native, variant)
        )
        everything = theirs | {name.removeprefix(f"{TRIPLE}-") for name in theirs}
        for name in sorted(ours - everything):
            yield _lone(Kind.PROGRAM, directory, name, native=True)


def _below(places: Places, directory: str) -> dict[PurePosixPath, Path]:
    return {
        name.relative_to(directory): path
        for name, path in places.items()
        if name.is_relative_to(directory) and not path.is_symlink()
    }


def _lone(kind: Kind, where: str, name: str, *, native: bool) -> Answer:
    return Answer(
        kind=kind,
        where=where,
        name=name,
        native="there" if native else None,
        variant=None if native else "there",
    )

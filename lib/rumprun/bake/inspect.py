# SPDX-License-Identifier: BSD-2-Clause
"""What an image says of itself: as lines, as plain data, and as an HTML page."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rumprun.bake.abi import ABI
from rumprun.bake.image import Image, describe_file, image_document
from rumprun.bake.sizes import Size, sizes_by_source
from rumprun.bake.treemap import Rectangle, squarify
from rumprun.errors import InputError, MissingError
from rumprun.templates import render_page

# Far more than any image has; the document may be anybody's.
_LONGEST_SBOM = 64 << 20

_WIDTH, _HEIGHT = 960.0, 480.0

# More tiles than this nobody sees.
_MOST_TILES = 200

# Roughly what a character of the page's font takes, in the picture's units.
_CHARACTER, _LINE = 7.5, 16.0

_COLOURS = {
    "kernel": "#dbe9f6",
    "source": "#cfe3c8",
    "whole": "#fff3c4",
    "unknown": "#f3c6c0",
    "rest": "#eeeeee",
    "files": "#e6dcf0",
}


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """An image, its sizes by origin, and its bill of materials as JSON values."""

    image: Image
    sizes: tuple[Size, ...]
    sbom: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A rectangle of the treemap; ``label`` is empty where it has no room for one."""

    place: Rectangle
    colour: str
    label: str
    title: str


def inspect(image: Image, directory: Path) -> Inspection:
    """What there is to say of ``image``, whose files are in ``directory``.

    Raises :class:`MissingError` or :class:`InputError` for a bill of materials that is not there
    or not the one of the image.
    """
    return Inspection(
        image=image, sizes=sizes_by_source(image.components), sbom=_read_sbom(image, directory)
    )


def as_json(found: Inspection) -> str:
    """All of ``found`` for a program."""
    document = {
        "image": image_document(found.image),
        "size": found.image.size,
        "sizes": [dataclasses.asdict(size) for size in found.sizes],
        "sbom": found.sbom,
    }
    return json.dumps(document, indent=2, ensure_ascii=True)


def as_lines(found: Inspection) -> Iterator[str]:
    """``found`` for a person."""
    for name, value in facts(found):
        yield f"{name:10} {value}"
    for title, header, rows in tables(found):
        yield ""
        yield title
        yield from _aligned([header, *rows])


def as_page(found: Inspection, name: str) -> str:
    """``found`` as an HTML page that needs nothing else; ``name`` is the image's."""
    return render_page(
        "inspect.html.j2",
        name=plain(name),
        facts=list(facts(found)),
        tables=list(tables(found)),
        pictures=pictures(found.sizes),
        width=_WIDTH,
        height=_HEIGHT,
    )


def facts(found: Inspection) -> Iterator[tuple[str, str]]:
    """Names and values of what an image has once."""
    image = found.image
    yield "board", image.board
    yield "target", image.target
    yield "size", human(image.size)
    yield "ABI", ", ".join(f"{name} {version}" for name, version in ABI.items())
    if image.kernel:
        yield "kernel", f"{image.kernel.package} {plain(image.kernel.version)}"
    else:
        yield "kernel", "none of the archive"
    yield "Xen", f"domctl interface {image.domctl:#x}" if image.domctl else "any"
    yield "memory", f"{image.memory} MiB" if image.memory else "as needed"
    yield "options", " ".join(image.options) or "none"
    yield (
        "config",
        ", ".join(plain(key) for key in image.config or {} if key != "version") or "none",
    )
    yield "SBOM", _sbom_summary(found)


# A table: its title, its header, and its rows.
Table = tuple[str, Sequence[str], list[Sequence[str]]]


def tables(found: Inspection) -> Iterator[Table]:
    """What an image has several of."""
    image = found.image
    rows: list[Sequence[str]] = [
        (program.name, human(program.size), _words(program.argv), _environment(program.env))
        for program in image.programs
    ]
    yield "Programs", ("name", "size", "arguments", "environment"), rows
    rows = [(file.name, human(file.size), file.sha256[:16]) for file in image.files]
    yield "Files of the image", ("name", "size", "SHA-256"), rows
    if found.sizes:
        total = sum(size.bytes for size in found.sizes)
        rows = [
            (
                _name(size),
                _version(size),
                human(size.bytes),
                _share(size.bytes, total),
                _what(size),
            )
            for size in found.sizes
        ]
        rows.append(("all", "", human(total), "100.0 %", "kernel packed, the rest unpacked"))
        yield "Sizes by source", ("source", "version", "size", "share", "what"), rows


def pictures(sizes: Sequence[Size]) -> list[tuple[str, list[Tile]]]:
    """The treemaps of ``sizes`` with their titles: a kernel is so large that it hides the rest."""
    others = [size for size in sizes if size.origin != "kernel"]
    found = [("Sizes", tiles(sizes))] if sizes else []
    if others and len(others) < len(sizes):
        found.append(("Sizes without the kernel", tiles(others)))
    return found


def tiles(sizes: Sequence[Size]) -> list[Tile]:
    """The treemap of ``sizes``, the largest first; what is too much for it is one tile."""
    shown = list(sizes[:_MOST_TILES])
    left = sum(size.bytes for size in sizes[_MOST_TILES:])
    if left:
        shown.append(Size(origin="rest", name="all others", version=None, bytes=left))
    total = sum(size.bytes for size in shown)
    room = Rectangle(x=0, y=0, width=_WIDTH, height=_HEIGHT)
    return [
        Tile(
            place=place,
            colour=_COLOURS[size.origin],
            label=_name(size) if _fits(_name(size), place) else "",
            title=f"{_name(size)} {_version(size)}".rstrip()
            + f": {human(size.bytes)}, {_share(size.bytes, total)}; {_what(size)}",
        )
        for size, place in zip(shown, squarify([s.bytes for s in shown], room), strict=True)
    ]


def _fits(label: str, place: Rectangle) -> bool:
    return place.height >= _LINE and place.width >= len(label) * _CHARACTER + _CHARACTER


def _name(size: Size) -> str:
    return plain(size.name)


def _version(size: Size) -> str:
    return size.version or ("unknown" if size.origin == "source" else "")


def _what(size: Size) -> str:
    return {
        "kernel": "the kernel",
        "source": "source package",
        "whole": "program that does not say what is in it",
        "unknown": "from no package that is known",
        "rest": "headers, tables, symbols and padding of programs",
        "files": "files of the root",
    }[size.origin]


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.1f} %"


def human(count: int) -> str:
    """``count`` bytes as people read it."""
    if count < 1 << 10:
        return f"{count} B"
    return f"{count / 1024:.1f} KiB" if count < 1 << 20 else f"{count / (1 << 20):.1f} MiB"


def plain(text: str) -> str:
    """``text`` with what does not print as escapes: it may be anybody's, and meant for a screen."""
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )


def _words(argv: Sequence[str]) -> str:
    return plain(" ".join(shlex.quote(word) for word in argv))


def _environment(env: Sequence[tuple[str, str]]) -> str:
    return plain(" ".join(f"{name}={shlex.quote(value)}" for name, value in env))


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        yield f"  {'  '.join(cells)}".rstrip()


def _sbom_summary(found: Inspection) -> str:
    if found.sbom is None:
        return "none"
    packages = found.sbom.get("packages")
    count = max(0, len(packages) - 1) if isinstance(packages, list) else 0
    unknown = sum(size.origin in ("unknown", "whole") for size in found.sizes)
    parts = "part" if unknown == 1 else "parts"
    lacks = f", {unknown} {parts} of unknown origin" if unknown else ""
    return f"{found.image.sbom}, {plain(str(found.sbom['spdxVersion']))}: {count} packages{lacks}"


def _read_sbom(image: Image, directory: Path) -> Mapping[str, Any] | None:
    if image.sbom is None:
        return None
    path = directory / image.sbom
    remedy = "bake the image again"
    if not path.is_file():
        raise MissingError(f"{path}: not there", hint=remedy)
    if path.stat().st_size > _LONGEST_SBOM or describe_file(path) not in image.files:
        raise InputError(f"{path}: not the file that the image was baked with", hint=remedy)
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: no JSON", hint=remedy) from error
    if not isinstance(document, dict) or "spdxVersion" not in document:
        raise InputError(f"{path}: no SPDX document", hint=remedy)
    return document

# SPDX-License-Identifier: BSD-2-Clause
"""What went into a program, as the section says that the target's compiler leaves in it.

``toolchain/contributed.h`` describes the text that the driver writes. The variant pass adds the
sources of the files, which are known there, and which nobody need find out later.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jsonschema
from elftools.elf.elffile import ELFFile

from rumprun.command import run
from rumprun.elf import PARSER_ERRORS
from rumprun.errors import InputError
from rumprun.target.descriptor import Target
from rumprun.workdir import temporary_tree

SECTION: Final = ".rumprun.linked"

_FORMAT = 1

# A program may come from anywhere: no more than this is read of what it says of itself.
_LONGEST = 4 << 20
_MOST_BYTES = 1 << 62

_BYTES = {"type": "integer", "minimum": 0, "maximum": _MOST_BYTES}
SOURCE_SCHEMA: Final[dict[str, Any]] = {
    "type": ["object", "null"],
    "additionalProperties": False,
    "required": ["name", "version"],
    # Policy 5.6.1 and 5.6.12; a version that nobody knows is null.
    "properties": {
        "name": {"type": "string", "pattern": "\\A[a-z0-9][a-z0-9+.-]{0,127}\\Z"},
        "version": {"type": ["string", "null"], "pattern": "\\A[0-9A-Za-z][!-~]{0,255}\\Z"},
    },
}
FILE_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["bytes", "file"],
    "properties": {
        "bytes": _BYTES,
        "crc32": {"type": "string", "pattern": "\\A[0-9a-f]{8}\\Z"},
        "file": {"type": "string", "pattern": "\\A[ -~]{1,4096}\\Z"},
        "source": SOURCE_SCHEMA,
    },
}
_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["format", "own", "linked"],
    "properties": {
        "format": {"const": _FORMAT},
        "own": _BYTES,
        "source": SOURCE_SCHEMA,
        "linked": {"type": "array", "maxItems": 65536, "items": FILE_SCHEMA},
    },
}


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source package; ``version`` is None where it is not known which."""

    name: str
    version: str | None


@dataclass(frozen=True, kw_only=True)
class LinkedFile:
    """An archive or object that went in, with ``bytes`` of what the program loads from its file.

    ``file`` is relative to the target's prefix, absolute for one of the system, or a name alone
    for one of the build; ``crc32`` is the whole file's. ``source`` is None where not known.
    """

    file: str
    bytes: int
    crc32: str | None = None
    source: Source | None = None


@dataclass(frozen=True, kw_only=True)
class Contributions:
    """``own`` bytes of objects of the build, whose source is ``source``, and all other files."""

    own: int
    source: Source | None = None
    linked: tuple[LinkedFile, ...] = ()

    @property
    def bytes(self) -> int:
        """All that is accounted for."""
        return self.own + sum(file.bytes for file in self.linked)


# What tells the source of a linked file.
Resolver = Callable[[LinkedFile], Source | None]


def read_source(value: dict[str, Any] | None) -> Source | None:
    """A value that :data:`SOURCE_SCHEMA` has accepted."""
    return Source(name=value["name"], version=value["version"]) if value else None


def source_value(source: Source | None) -> dict[str, Any] | None:
    """``source`` as :data:`SOURCE_SCHEMA` describes it."""
    return dataclasses.asdict(source) if source else None


def read_file(value: dict[str, Any]) -> LinkedFile:
    """A value that :data:`FILE_SCHEMA` has accepted."""
    return LinkedFile(
        file=value["file"],
        bytes=value["bytes"],
        crc32=value.get("crc32"),
        source=read_source(value.get("source")),
    )


def file_value(file: LinkedFile) -> dict[str, Any]:
    """``file`` as :data:`FILE_SCHEMA` describes it."""
    value: dict[str, Any] = {"bytes": file.bytes, "file": file.file}
    if file.crc32:
        value["crc32"] = file.crc32
    if file.source:
        value["source"] = source_value(file.source)
    return value


def parse_contributions(content: bytes, *, where: str) -> Contributions:
    """What a section's ``content`` says; ``where`` is the program in messages.

    Raises :class:`InputError` for anything but what the driver or the variant pass writes.
    """
    remedy = "link it again with the target's compiler"
    if len(content) > _LONGEST:
        raise InputError(f"{where}: {SECTION}: {len(content)} bytes", hint=remedy)
    try:
        document = json.loads(content.decode("ascii"))
        jsonschema.Draft7Validator(_SCHEMA).validate(document)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: {SECTION}: no JSON", hint=remedy) from error
    except jsonschema.ValidationError as error:
        raise InputError(f"{where}: {SECTION}: {error.message[:200]}", hint=remedy) from error
    return Contributions(
        own=document["own"],
        source=read_source(document.get("source")),
        linked=tuple(map(read_file, document["linked"])),
    )


def contributions_text(contributions: Contributions) -> str:
    """The text of the section, which :func:`parse_contributions` reads."""
    document: dict[str, Any] = {"format": _FORMAT, "own": contributions.own}
    if contributions.source:
        document["source"] = source_value(contributions.source)
    document["linked"] = [file_value(file) for file in contributions.linked]
    return json.dumps(document, separators=(",", ":"), ensure_ascii=True) + "\n"


def read_contributions(program: Path) -> Contributions | None:
    """What ``program`` says went into it; None where it does not say.

    Raises :class:`InputError` for a damaged program, and for what says nonsense.
    """
    try:
        elf = ELFFile(io.BytesIO(program.read_bytes()))
        section = elf.get_section_by_name(SECTION)
        if section is None:
            return None
        # A compressed one could be of any size; we write none.
        if section.compressed or section["sh_size"] > _LONGEST:
            raise InputError(f"{program}: {SECTION} is not one of ours")
        content = section.data()
    except PARSER_ERRORS as error:
        raise InputError(f"{program}: a damaged ELF file ({error})") from error
    found = parse_contributions(content, where=str(program))
    size = program.stat().st_size
    if found.bytes > size:
        raise InputError(f"{program}: {SECTION}: {found.bytes} bytes, more than the {size} of it")
    return found


def resolved(contributions: Contributions, resolve: Resolver) -> Contributions:
    """``contributions`` with the sources that ``resolve`` knows for the files that lack one."""
    return dataclasses.replace(
        contributions,
        linked=tuple(
            file if file.source else dataclasses.replace(file, source=resolve(file))
            for file in contributions.linked
        ),
    )


def write_contributions(program: Path, contributions: Contributions, target: Target) -> None:
    """Put ``contributions`` into ``program``, which has the section, in place of what it says.

    Raises :class:`CommandFailed` where objcopy does.
    """
    with temporary_tree() as work:
        text = work / "text"
        text.write_text(contributions_text(contributions), encoding="ascii")
        run([target.tool("objcopy"), "--update-section", f"{SECTION}={text}", program])

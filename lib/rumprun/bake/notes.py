# SPDX-License-Identifier: BSD-2-Clause
"""The notes of a new image: its components, and the bill of materials made of them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from rumprun.bake.base import loaded_part
from rumprun.bake.board import BakeRequest, Board
from rumprun.bake.component import Component, Kind
from rumprun.bake.image import Image, describe_file
from rumprun.bake.root import Entry
from rumprun.bake.sbom import SBOM_NAME, sbom_document
from rumprun.bake.xen_abi import domctl_of_programs
from rumprun.contributions import Source
from rumprun.elf_magic import is_elf
from rumprun.origin import Provenance, trace_programs

# What every board calls the kernel that it puts into an image.
_KERNEL = "kernel"


@dataclass(frozen=True, kw_only=True)
class _Given:
    """A file that goes into an image; ``traced`` is the one to look into for where it is from."""

    kind: Kind
    name: str
    content: Path | bytes
    traced: Path | None = None


@dataclass(frozen=True, kw_only=True)
class _Digests:
    size: int
    sha1: str
    sha256: str


def add_notes(image: Image, board: Board, request: BakeRequest, directory: Path) -> Image:
    """``image`` with its components, and with the bill of materials in its ``directory``.

    Raises :class:`InputError` for programs that are not for the same hypervisor.
    """
    given = list(_given(image, board, request, directory))
    known = trace_programs([file.traced for file in given if file.traced], request.target)
    digests = {file.name: _digests(file.content) for file in given}
    components = []
    for file in given:
        found = known.get(file.traced) if file.traced else None
        components.append(_describe(file, digests[file.name], found or Provenance(), image))
    noted = dataclasses.replace(
        image,
        components=tuple(components),
        sbom=SBOM_NAME,
        domctl=domctl_of_programs(program.file for program in request.programs),
    )
    document = sbom_document(
        noted, {name: found.sha1 for name, found in digests.items()}, date=request.date
    )
    path = directory / SBOM_NAME
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="ascii")
    return dataclasses.replace(noted, files=(*noted.files, describe_file(path)))


def _given(image: Image, board: Board, request: BakeRequest, directory: Path) -> Iterator[_Given]:
    """All that goes into the image, in the order of its description."""
    base = board.base(directory)
    if base:
        content = loaded_part(base.read_bytes(), where=str(base))
        yield _Given(kind="base", name="base", content=content, traced=base)
    elif any(file.name == _KERNEL for file in image.files):
        yield _Given(kind="kernel", name=_KERNEL, content=directory / _KERNEL)
    entrypoint = board.entrypoint(request)
    if entrypoint:
        yield _Given(kind="entrypoint", name="/init", content=entrypoint, traced=entrypoint)
    for program, wanted in zip(image.programs, request.programs, strict=True):
        yield _Given(kind="program", name=program.path, content=wanted.file, traced=wanted.file)
    for name, entry in sorted(request.files.items()):
        if isinstance(entry, Entry):
            program_file = entry.content if _is_elf(entry.content) else None
            yield _Given(
                kind="program" if program_file else "file",
                name=f"/{name}",
                content=entry.content,
                traced=program_file,
            )


def _is_elf(content: Path | bytes) -> TypeGuard[Path]:
    """Programs may be among the files, too, and have something in them."""
    return isinstance(content, Path) and is_elf(content)


def _describe(file: _Given, digests: _Digests, known: Provenance, image: Image) -> Component:
    source = known.source
    if file.kind == "kernel" and image.kernel:
        source = Source(name=image.kernel.package, version=image.kernel.version)
    return Component(
        kind=file.kind,
        name=file.name,
        size=digests.size,
        sha256=digests.sha256,
        source=source,
        contributions=known.contributions,
        contains=known.linked,
    )


def _digests(content: Path | bytes) -> _Digests:
    data = content if isinstance(content, bytes) else content.read_bytes()
    return _Digests(
        size=len(data),
        sha1=hashlib.sha1(data, usedforsecurity=False).hexdigest(),
        sha256=hashlib.sha256(data).hexdigest(),
    )

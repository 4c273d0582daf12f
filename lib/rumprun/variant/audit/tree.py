# SPDX-License-Identifier: BSD-2-Clause
"""The files to judge: each looked at once, no link followed, nothing special opened."""

from __future__ import annotations

import enum
import mmap
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rumprun.elf_magic import ELF_MAGIC
from rumprun.errors import InputError
from rumprun.variant.audit import archive, elf


class Kind(enum.Enum):
    """What a path is, by its content and not by its name."""

    DIRECTORY = "directory"
    LINK = "link"
    ELF = "elf"
    ARCHIVE = "archive"
    OTHER = "other"
    SPECIAL = "special"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One path of a package: ``path`` as installed, ``real`` where it is now.

    ``damage`` says in a few words why the content could not be read; ``facts`` and ``members``
    hold it otherwise. ``link`` is the text of a symbolic link.
    """

    path: str
    real: Path
    kind: Kind
    size: int = 0
    link: str = ""
    facts: elf.ElfFacts | None = None
    members: tuple[archive.Member, ...] = ()
    damage: str = ""

    @property
    def name(self) -> str:
        """The last component."""
        return self.path.rpartition("/")[2]

    def objects(self) -> Iterator[tuple[str, elf.ElfFacts]]:
        """Each ELF file in it: itself under the name "", or its members under theirs."""
        if self.facts:
            yield "", self.facts
        for member in self.members:
            if member.facts:
                yield member.name, member.facts


def scan_tree(root: Path) -> tuple[Entry, ...]:
    """All that lies under ``root``, sorted by path.

    Raises :class:`InputError` where ``root`` is not a directory.
    """
    if not root.is_dir():
        raise InputError(f"{root}: not a directory", hint="name an unpacked package's root")
    return tuple(sorted(_walk(root, ""), key=lambda entry: entry.path))


def _walk(directory: Path, installed: str) -> Iterator[Entry]:
    pending = [(directory, installed)]
    while pending:
        here, prefix = pending.pop()
        try:
            children = list(os.scandir(here))
        except OSError as error:
            yield _entry(here, prefix, Kind.DIRECTORY, damage=error.strerror)
            continue
        for child in children:
            entry = scan_path(Path(child.path), f"{prefix}/{child.name}")
            yield entry
            if entry.kind is Kind.DIRECTORY:
                pending.append((entry.real, entry.path))


def scan_path(real: Path, path: str) -> Entry:
    """Look at one path, whatever it is; ``path`` is what findings call it."""
    try:
        status = real.lstat()
        if stat.S_ISLNK(status.st_mode):
            return _entry(real, path, Kind.LINK, link=str(real.readlink()))
        if stat.S_ISDIR(status.st_mode):
            return _entry(real, path, Kind.DIRECTORY)
        if not stat.S_ISREG(status.st_mode):
            return _entry(real, path, Kind.SPECIAL)
        return _scan_file(real, path, status.st_size)
    except OSError as error:
        return _entry(real, path, Kind.OTHER, damage=error.strerror)


def _scan_file(real: Path, path: str, size: int) -> Entry:
    with real.open("rb") as stream:
        magic = stream.read(8)
        stream.seek(0)
        if magic.startswith(ELF_MAGIC):
            try:
                facts = elf.read_elf(stream, size)
            except elf.ElfDamaged as error:
                return Entry(path=path, real=real, kind=Kind.ELF, size=size, damage=str(error))
            return Entry(path=path, real=real, kind=Kind.ELF, size=size, facts=facts)
        if magic not in (archive.MAGIC, archive.THIN_MAGIC):
            return Entry(path=path, real=real, kind=Kind.OTHER, size=size)
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            members: list[archive.Member] = []
            damage = ""
            try:
                members.extend(archive.read_members(data))
            except archive.ArchiveDamaged as error:
                damage = str(error)
    return Entry(
        path=path,
        real=real,
        kind=Kind.ARCHIVE,
        size=size,
        members=tuple(members),
        damage=damage,
    )


def _entry(real: Path, path: str, kind: Kind, *, link: str = "", damage: str | None = "") -> Entry:
    return Entry(path=path, real=real, kind=kind, link=link, damage=damage or "")

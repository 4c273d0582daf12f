# SPDX-License-Identifier: BSD-2-Clause
"""What a suite has: its sources and binary packages, from the index files that apt keeps.

apt's files are read once after every change; what is needed of them is kept as a small
database in the user's cache, so that a plan need not read a hundred megabytes.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import apt_pkg

from rumprun import paths, ui
from rumprun.archive.model import ArchiveBinary, ArchivePackage, ArchiveSource
from rumprun.errors import MissingError
from rumprun.workdir import atomic_path

# Goes up whenever the tables below change.
_FORMAT = "2"

_TABLES = """
create table source (name text primary key, version text, digest text, section text,
                     build_depends text, build_depends_arch text, binaries text) without rowid;
create table package (name text primary key, version text, source text, section text,
                      multi_arch text, depends text) without rowid;
create table provider (name text, package text, primary key (name, package)) without rowid;
"""

# deb-src-control(5), Package-List: "name type section priority key=value...".
_PACKAGE_LIST_WORDS = 4


@dataclass(frozen=True, kw_only=True)
class IndexFile:
    """One of apt's index files; ``kind`` is ``Sources`` or ``Packages``."""

    path: Path
    kind: str


class Index:
    """The sources and packages of a suite, by name."""

    def __init__(self, database: Path) -> None:
        """Open ``database``, which :func:`open_index` has made."""
        self._connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)

    def source(self, name: str) -> ArchiveSource | None:
        """The newest version of the source ``name``."""
        row = self._row("select * from source where name = ?", name)
        if row is None:
            return None
        name, version, digest, section, depends, depends_arch, binaries = row
        return ArchiveSource(
            name=name,
            version=version,
            digest=digest,
            section=section,
            build_depends=depends,
            build_depends_arch=depends_arch,
            binaries=tuple(parse_package_list(binaries)),
        )

    def package(self, name: str) -> ArchivePackage | None:
        """The binary package ``name``, or for a virtual one the first that provides it."""
        row = self._row("select * from package where name = ?", name) or self._row(
            "select package.* from provider join package on package.name = provider.package"
            " where provider.name = ? order by package.name",
            name,
        )
        if row is None:
            return None
        name, version, source, section, multi_arch, depends = row
        return ArchivePackage(
            name=name,
            version=version,
            source=source,
            section=section,
            multi_arch=multi_arch,
            depends=depends,
        )

    def suggestion(self, name: str) -> str:
        """The source of a binary package ``name``, or sources of a similar name."""
        package = self.package(name)
        if package is not None:
            return f"{name} is a binary package of the source {package.source}"
        names = [row[0] for row in self._connection.execute("select name from source")]
        near = difflib.get_close_matches(name, names, n=3)
        return f"did you mean {', '.join(near)}?" if near else "check the name"

    def _row(self, query: str, name: str) -> tuple[str, ...] | None:
        row: tuple[str, ...] | None = self._connection.execute(query, (name,)).fetchone()
        return row


def open_index(files: Iterable[IndexFile], *, doing: str) -> Index:
    """The index that ``files`` are; read anew when one of them is another than last time.

    ``doing`` names the suite. Raises :class:`MissingError` where the files lack sources or
    packages altogether.
    """
    there = sorted((file for file in files if file.path.is_file()), key=lambda file: file.path)
    for kind in ("Sources", "Packages"):
        if not any(file.kind == kind for file in there):
            raise MissingError(
                f"apt has no index of {kind} of {doing}", hint="run 'apt-get update'"
            )
    database = paths.cache() / "index" / f"{_digest(there)}.sqlite"
    if not database.exists():
        with ui.step(f"reading the index of {doing}"), atomic_path(database) as partial:
            _fill(partial, there)
    return Index(database)


def parse_package_list(text: str) -> Iterator[ArchiveBinary]:
    """The binary packages in a ``Package-List`` field (deb-src-control(5))."""
    for line in text.splitlines():
        words = line.split()
        if len(words) < _PACKAGE_LIST_WORDS:
            continue
        name, kind, section, _priority, *more = words
        extra = dict(word.split("=", 1) for word in more if "=" in word)
        yield ArchiveBinary(
            name=name,
            package_type=kind,
            section=section,
            architecture=tuple(extra.get("arch", "any").split(",")),
            # "+" joins what all must hold, "," what any may: deb-src-control(5).
            build_profiles=" ".join(
                f"<{term.replace('+', ' ')}>"
                for term in extra.get("profile", "").split(",")
                if term
            ),
        )


def _digest(files: Iterable[IndexFile]) -> str:
    """A name that changes when one of ``files`` does, as far as its size and date tell."""
    hashed = hashlib.sha256(_FORMAT.encode())
    for file in files:
        status = file.path.stat()
        hashed.update(f"\0{file.path}\0{status.st_size}\0{status.st_mtime_ns}".encode())
    return hashed.hexdigest()[:20]


def _fill(database: Path, files: Iterable[IndexFile]) -> None:
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.executescript(_TABLES)
        for file in files:
            # apt_pkg takes a name only as text, and unpacks lz4 and xz by itself.
            stanzas = apt_pkg.TagFile(str(file.path))
            if file.kind == "Sources":
                _add_sources(connection, stanzas)
            else:
                _add_packages(connection, stanzas)


def _add_sources(connection: sqlite3.Connection, stanzas: Iterable[Mapping[str, str]]) -> None:
    for stanza in stanzas:
        if stanza.get("Extra-Source-Only") == "yes" or not _is_newer(connection, "source", stanza):
            continue
        row = (
            stanza["Package"],
            stanza["Version"],
            _dsc_digest(stanza.get("Checksums-Sha256", "")),
            stanza.get("Section", "").rpartition("/")[2],
            stanza.get("Build-Depends", ""),
            stanza.get("Build-Depends-Arch", ""),
            stanza.get("Package-List", ""),
        )
        connection.execute("insert or replace into source values (?, ?, ?, ?, ?, ?, ?)", row)


def _dsc_digest(checksums: str) -> str:
    """The checksum of the ``.dsc`` in a field Checksums-Sha256."""
    rows = (line.split() for line in checksums.splitlines())
    return next((row[0] for row in rows if row and row[-1].endswith(".dsc")), "")


def _add_packages(connection: sqlite3.Connection, stanzas: Iterable[Mapping[str, str]]) -> None:
    for stanza in stanzas:
        if not _is_newer(connection, "package", stanza):
            continue
        name = stanza["Package"]
        depends = ", ".join(filter(None, map(stanza.get, ("Pre-Depends", "Depends"))))
        row = (
            name,
            stanza["Version"],
            stanza.get("Source", name).partition(" ")[0],
            stanza.get("Section", "").rpartition("/")[2],
            stanza.get("Multi-Arch", "no"),
            depends,
        )
        connection.execute("insert or replace into package values (?, ?, ?, ?, ?, ?)", row)
        for word in re.split(r"\s*,\s*", stanza.get("Provides", "")):
            if word.endswith("-dev") or "-dev " in word:
                pair = (word.partition(" ")[0], name)
                connection.execute("insert or ignore into provider values (?, ?)", pair)


def _is_newer(connection: sqlite3.Connection, table: str, stanza: Mapping[str, str]) -> bool:
    """Whether what the ``table`` has of the package, if anything, is an older version."""
    query = f"select version from {table} where name = ?"  # noqa: S608 (one of two constants)
    known = connection.execute(query, (stanza["Package"],)).fetchone()
    return known is None or apt_pkg.version_compare(stanza["Version"], known[0]) > 0

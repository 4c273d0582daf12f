# SPDX-License-Identifier: BSD-2-Clause
"""A local apt repository: the packages of builds, their records, logs, and the index for apt.

A package lies below the identity of its build and is never changed; the index is a directory
that a link points to, and a new one takes its place in one step. So whoever reads it, and
whenever a build is killed, sees packages and index that fit.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rumprun.archive.record import (
    Record,
    Stored,
    read_records,
    remove_record,
    write_record,
)
from rumprun.archive.repository_index import write_index
from rumprun.errors import SystemFault
from rumprun.workdir import atomic_path, remove_tree

SUITE = "rumprun"

_SHORT = 16


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository below ``path``; its index is signed with the key ``key``, if there is one."""

    path: Path
    key: str | None = None

    @property
    def logs(self) -> Path:
        """The directory of the builds' logs."""
        return self.path / "logs"

    @property
    def source_entry(self) -> str:
        """The line for sources.list(5) that makes it known to apt."""
        options = "" if self.key else "[trusted=yes] "
        return f"deb {options}file:{self.path} {SUITE} main"

    def records(self) -> dict[str, Record]:
        """How the last build of each source ended."""
        return read_records(self._records)

    def failures(self) -> dict[str, Record]:
        """Why the last build of each source failed, of those that did."""
        return read_records(self._failures)

    def is_whole(self, record: Record) -> bool:
        """Whether the packages of ``record`` are there, as far as their sizes tell."""
        return all(
            file.is_file() and file.stat().st_size == stored.size
            for file, stored in zip(self.packages(record), record.packages, strict=True)
        )

    def log_of(self, source: str, identity: str) -> Path:
        """Where the log of a build belongs."""
        self.logs.mkdir(parents=True, exist_ok=True)
        return self.logs / f"{source}_{identity[:_SHORT]}.build"

    def packages(self, record: Record) -> tuple[Path, ...]:
        """The files of the packages of ``record``."""
        return tuple(self.path / stored.file for stored in record.packages)

    def add(self, record: Record, debs: Iterable[Path]) -> Record:
        """Take in the packages ``debs`` of a build; returns ``record`` with their places.

        They are known to apt after :meth:`publish`.
        """
        directory = Path("pool") / record.source / record.identity[:_SHORT]
        stored: list[Stored] = []
        with _whole_directory(self.path / directory) as partial:
            for deb in debs:
                shutil.copyfile(deb, partial / deb.name)
                digest = hashlib.sha256(deb.read_bytes()).hexdigest()
                place = str(directory / deb.name)
                stored.append(Stored(file=place, size=deb.stat().st_size, sha256=digest))
        complete = dataclasses.replace(record, packages=tuple(stored))
        write_record(self._records, complete)
        remove_record(self._failures, record.source)
        return complete

    def add_failure(self, record: Record) -> None:
        """Keep ``record`` of a build that failed; packages of an earlier one stay."""
        write_record(self._failures, record)

    def publish(self) -> None:
        """Make apt's index of what the records have, and remove what no record has."""
        known = [file for record in self.records().values() for file in self.packages(record)]
        suites = self.path / "dists"
        suites.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f".{SUITE}-", dir=suites))
        new.chmod(0o755)
        write_index(new, self.path, known, suite=SUITE, key=self.key)
        link = suites / SUITE
        before = link.resolve() if link.is_symlink() else None
        with atomic_path(link) as partial:
            partial.symlink_to(new.name)
        if before is not None:
            remove_tree(before)
        self._remove_unknown(frozenset(known))

    @contextlib.contextmanager
    def held(self, *, wait: bool) -> Iterator[None]:
        """Keep other commands from writing to it.

        Raises :class:`SystemFault` with who holds it, unless ``wait`` is set.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError as error:
                raise SystemFault(
                    f"{self.path} is in use by {_holder(file.name)}",
                    hint="give --wait to go on when it is free",
                ) from error
            file.truncate(0)
            file.write(json.dumps({"pid": os.getpid()}))
            file.flush()
            yield

    @property
    def _records(self) -> Path:
        return self.path / "builds"

    @property
    def _failures(self) -> Path:
        return self.path / "failures"

    def _remove_unknown(self, known: frozenset[Path]) -> None:
        """Packages of earlier builds, and of such as were killed before their record."""
        for directory in (self.path / "pool").glob("*/*"):
            if not any(file.parent == directory for file in known):
                remove_tree(directory)
        for directory in (self.path / "pool").glob("*"):
            if not any(directory.iterdir()):
                directory.rmdir()


@contextlib.contextmanager
def _whole_directory(destination: Path) -> Iterator[Path]:
    """A directory to fill, which takes the place of ``destination`` when the block succeeds."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".", dir=destination.parent))
    partial.chmod(0o755)
    try:
        yield partial
        remove_tree(destination)
        partial.rename(destination)
    finally:
        remove_tree(partial)


def _holder(name: str) -> str:
    """Who wrote itself into the lock file ``name``."""
    try:
        text = Path(name).read_text(encoding="utf-8")
        pid = int(json.loads(text)["pid"])
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError, KeyError, TypeError):
        return "another command"
    shown = " ".join(word.decode(errors="replace") for word in words if word)
    return f"process {pid} ({shown:.80})"

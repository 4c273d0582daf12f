# SPDX-License-Identifier: BSD-2-Clause
"""Temporary trees that never outlive a failure, and files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from rumprun.errors import SystemFault, disk_full

_PREFIX = "dh-rumprun."


@contextlib.contextmanager
def temporary_tree(*, keep: bool = False, parent: Path | None = None) -> Iterator[Path]:
    """A new directory, removed at the end whatever happens; ``keep`` leaves it and says where."""
    path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    # dpkg-buildpackage and sbuild's users look into it; mkdtemp makes it private.
    path.chmod(0o755)
    try:
        yield path
    finally:
        if keep:
            print(f"kept: {path}", file=sys.stderr)
        else:
            remove_tree(path)


def remove_tree(path: Path) -> None:
    """Remove ``path`` and all below it, also where a build left directories read-only."""
    if not path.is_dir():
        return
    # A directory that is not the owner's to read, search and write hides what is below it, so
    # this goes from the top down; nothing outside the tree is changed.
    waiting = [path]
    while waiting:
        directory = waiting.pop()
        if directory.stat().st_mode & 0o700 != 0o700:
            directory.chmod(0o700)
        with os.scandir(directory) as entries:
            waiting += [Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False)]
    shutil.rmtree(path)


@contextlib.contextmanager
def atomic_path(destination: Path) -> Iterator[Path]:
    """A name beside ``destination`` to write to; renamed over it when the block succeeds."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial = destination.with_name(f".{destination.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(destination)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes out that take the same lock file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def publish(files: Iterable[Path], directory: Path) -> tuple[Path, ...]:
    """Copy ``files`` into ``directory``: all of them, each whole, or none.

    Files of the same names are replaced. Returns the new paths, in the order given.
    """
    directory.mkdir(parents=True, exist_ok=True)
    partial: dict[Path, Path] = {}
    try:
        for file in files:
            place = directory / file.name
            partial[place] = directory / f".{file.name}.{os.getpid()}.partial"
            shutil.copyfile(file, partial[place])
        for place, copy in partial.items():
            copy.replace(place)
    finally:
        for copy in partial.values():
            copy.unlink(missing_ok=True)
    return tuple(partial)


@contextlib.contextmanager
def faults_explained() -> Iterator[None]:
    """Turn the machine's own failures into :class:`SystemFault` with what to do about it."""
    try:
        yield
    except OSError as error:
        where = str(error.filename or "a file")
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(where) from error
        # copytree collects what went wrong as text, one entry a file.
        if isinstance(error, shutil.Error) and f"[Errno {errno.ENOSPC}]" in str(error):
            raise disk_full("a copy of a directory") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise SystemFault(
                f"{where}: {error.strerror}", hint="choose a place that you may write to"
            ) from error
        raise

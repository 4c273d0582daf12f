# SPDX-License-Identifier: BSD-2-Clause
"""Temporary trees that never outlive a failure, and files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rumprun.errors import SystemFault

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

    def make_writable(_function: object, name: str, _info: object) -> None:
        parent = Path(name).parent
        parent.chmod(0o700)
        if Path(name).is_dir() and not Path(name).is_symlink():
            Path(name).chmod(0o700)
            shutil.rmtree(name)
        else:
            Path(name).unlink(missing_ok=True)

    if path.exists():
        shutil.rmtree(path, onerror=make_writable)


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
def faults_explained() -> Iterator[None]:
    """Turn the machine's own failures into :class:`SystemFault` with what to do about it."""
    try:
        yield
    except OSError as error:
        where = error.filename or "unknown file"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise SystemFault(
                f"no space left on the disk at {where}",
                hint="free some, or point TMPDIR and --output at a larger disk",
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise SystemFault(
                f"{where}: {error.strerror}", hint="choose a place that you may write to"
            ) from error
        raise

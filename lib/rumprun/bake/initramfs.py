# SPDX-License-Identifier: BSD-2-Clause
"""Initramfs archives: the same bytes for the same input, made by Debian's cpio."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from rumprun import command
from rumprun.bake.root import Directory, Entry, Link, Root
from rumprun.errors import UsageError
from rumprun.workdir import temporary_tree

# The newc format writes times in 8 hexadecimal digits.
_LATEST = 0xFFFFFFFF

# One more level costs seconds for large programs and saves less than a hundredth.
_GZIP_LEVEL = 6

# The kernel takes an uncompressed archive only at a multiple of this (init/initramfs.c).
_ALIGNMENT = 4


def source_date(environment: Mapping[str, str] | None = None) -> int:
    """The time that every file of an image carries: ``SOURCE_DATE_EPOCH``, or 0.

    In seconds since 1970. Raises :class:`UsageError` where the variable is no such number.
    """
    value = (os.environ if environment is None else environment).get("SOURCE_DATE_EPOCH", "0")
    if not (value.isascii() and value.isdigit() and int(value[:20]) <= _LATEST):
        raise UsageError(
            f"SOURCE_DATE_EPOCH is {value!r}", hint="give seconds since 1970, or unset it"
        )
    return int(value)


def cpio_command(archive: Path) -> list[str]:
    """The command that packs the names on its standard input, NUL-separated, into ``archive``."""
    return [
        "cpio",
        "--create",
        "--null",
        "--quiet",
        "--format=newc",
        "--reproducible",
        "--owner=0:0",
        "--file",
        str(archive),
    ]


def member_names(files: Root) -> list[str]:
    """The members of the archive in order: ``files`` and the directories they are in.

    Sorted by path component, so that a directory always comes before what is in it.
    """
    names = set(files)
    for name in files:
        names.update(str(parent) for parent in Path(name).parents if parent != Path())
    return sorted(names, key=lambda name: name.split("/"))


def write_cpio(files: Root, destination: Path, *, date: int) -> None:
    """Pack ``files`` (relative path to content) uncompressed into ``destination``.

    All belong to root, and all times are ``date``.
    """
    names = member_names(files)
    with temporary_tree(parent=destination.parent) as stage:
        for name in names:
            path = stage / name
            _place(files.get(name, Directory()), path)
        # Backwards, because filling a directory changes its time.
        for name in reversed(names):
            os.utime(stage / name, (date, date), follow_symlinks=False)
        command.run(
            cpio_command(destination.absolute()),
            cwd=stage,
            stdin="".join(f"{name}\0" for name in names),
            hint="is the package cpio installed, and the disk not full?",
        )


def _place(entry: Entry | Link | Directory, path: Path) -> None:
    if isinstance(entry, Link):
        path.symlink_to(entry.goal)
        return
    if isinstance(entry, Directory):
        path.mkdir()
        path.chmod(0o755)
        return
    if isinstance(entry.content, bytes):
        path.write_bytes(entry.content)
    else:
        shutil.copyfile(entry.content, path)
    path.chmod(0o755 if entry.executable else 0o644)


def write_initramfs(files: Root, destination: Path, *, date: int) -> None:
    """Like :func:`write_cpio`, compressed with gzip, which carries neither name nor time."""
    plain = destination.with_name(f"{destination.name}.cpio")
    try:
        write_cpio(files, plain, date=date)
        with (
            plain.open("rb") as source,
            destination.open("wb") as target,
            gzip.GzipFile("", "wb", _GZIP_LEVEL, target, mtime=0) as packed,
        ):
            shutil.copyfileobj(source, packed, 1 << 20)
    finally:
        plain.unlink(missing_ok=True)


def append_files(initramfs: Path, files: Root, destination: Path, *, date: int) -> None:
    """Copy ``initramfs`` to ``destination`` with ``files`` in a second archive behind it.

    The kernel unpacks one after the other, so these replace what the first one has.
    """
    addition = destination.with_name(f"{destination.name}.cpio")
    try:
        write_cpio(files, addition, date=date)
        shutil.copyfile(initramfs, destination)
        with destination.open("ab") as target, addition.open("rb") as source:
            target.write(bytes(-target.tell() % _ALIGNMENT))
            shutil.copyfileobj(source, target)
    finally:
        addition.unlink(missing_ok=True)

# SPDX-License-Identifier: BSD-2-Clause
"""What is in a machine's root: files, directories and links, by their paths without a slash."""

from __future__ import annotations

import posixpath
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rumprun.errors import InputError, MissingError

# Where the baker's own files are, and where the entrypoint mounts file systems.
_RESERVED = ("dev", "init", "proc", "rumprun", "sys")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file: a path to copy, or the bytes themselves."""

    content: Path | bytes
    executable: bool = False


@dataclass(frozen=True, kw_only=True)
class Link:
    """A symbolic link to ``goal``, which need not be there."""

    goal: str


@dataclass(frozen=True, kw_only=True)
class Directory:
    """A directory that may be empty."""


Root = Mapping[str, Entry | Link | Directory]


def member_path(path: str) -> str:
    """``path``, absolute in the machine, as a member's name.

    Raises :class:`InputError` for one that is not absolute, leaves the root, or is the baker's.
    """
    name = path.lstrip("/")
    if not path.startswith("/") or posixpath.normpath(path) != f"/{name.rstrip('/')}":
        raise InputError(f"{path!r} is no path in an image", hint="write it as in /etc/motd")
    name = name.rstrip("/")
    if "\0" in name or "\n" in name:
        raise InputError(f"{path!r} has a character that no path in an image may have")
    if name.split("/", 1)[0] in _RESERVED:
        raise InputError(
            f"{path}: /{name.split('/', 1)[0]} is not for files of one's own",
            hint="choose another directory",
        )
    return name


def read_tree(source: Path, destination: str) -> dict[str, Entry | Link | Directory]:
    """The members that ``source``, a file or directory, becomes at ``destination``.

    Links stay links, wherever they lead; modes are kept as far as they say what can be executed.
    Raises :class:`MissingError` where there is no ``source``, :class:`InputError` for what is
    neither file, directory nor link.
    """
    if not source.exists():
        raise MissingError(f"{source}: no such file or directory")
    top = destination.rstrip("/") or "/"
    if not source.is_dir():
        return {member_path(top): _member(source)}
    found: dict[str, Entry | Link | Directory] = {}
    if top != "/":
        found[member_path(top)] = Directory()
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source).as_posix()
        found[member_path(posixpath.join(top, relative))] = _member(path)
    return found


def _member(path: Path) -> Entry | Link | Directory:
    if path.is_symlink():
        return Link(goal=str(path.readlink()))
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        return Directory()
    if not stat.S_ISREG(mode):
        raise InputError(f"{path}: neither file, directory nor link", hint="leave it out")
    return Entry(content=path, executable=bool(mode & 0o111))


def unpacked_size(root: Root) -> int:
    """The bytes that the files of ``root`` take in memory."""
    return sum(
        len(entry.content) if isinstance(entry.content, bytes) else entry.content.stat().st_size
        for entry in root.values()
        if isinstance(entry, Entry)
    )

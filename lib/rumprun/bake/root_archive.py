# SPDX-License-Identifier: BSD-2-Clause
"""Root archives: the files of a machine on the board ``pvh``, mapped where they are, not unpacked.

``doc/pvh-board.md`` describes the form, and ``boards/pvh/root_parse.c`` reads it.
"""

from __future__ import annotations

import itertools
import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rumprun.bake.initramfs import member_names
from rumprun.bake.root import Directory, Entry, Link, Root
from rumprun.errors import InputError

PAGE: Final = 4096

_MAGIC: Final = b"rumprun-root 1".ljust(16, b"\0")
_HEADER: Final = struct.Struct("<16sQIIQQQQ")
_ENTRY: Final = struct.Struct("<IIIIQQ")
_ALIGNMENT: Final = 16

_MODES: Final = {Directory: 0o040755, Link: 0o120777}
_FILE_MODE, _PROGRAM_MODE = 0o100644, 0o100755

# LONGEST_PATH and LONGEST_NAME in boards/pvh/root_parse.c.
_LONGEST_PATH: Final = 4095
_LONGEST_NAME: Final = 255


@dataclass(frozen=True, kw_only=True)
class _Member:
    """An entry as it is stored; ``content`` of a directory is empty."""

    name: bytes
    mode: int
    content: bytes

    @property
    def is_mapped(self) -> bool:
        """Whether the content has pages of its own."""
        return bool(self.content) and (self.mode == _PROGRAM_MODE or len(self.content) >= PAGE)


def write_root(files: Root, *, date: int) -> bytes:
    """The archive of ``files`` and of the directories they are in; all times are ``date``.

    The same bytes for the same input. Raises :class:`InputError` for a name that is too long.
    """
    members = sorted(
        (_member(name, files.get(name, Directory())) for name in member_names(files)),
        key=lambda member: member.name,
    )
    strings = b"".join(member.name + b"\0" for member in members)
    entries_at = _HEADER.size
    strings_at = entries_at + _ENTRY.size * len(members)
    contents = bytearray()
    start = _aligned(strings_at + len(strings), _ALIGNMENT)
    # Small contents come first: between pages, each would cost one.
    places = {}
    for member in sorted(members, key=lambda member: member.is_mapped):
        unit = PAGE if member.is_mapped else _ALIGNMENT
        contents += bytes(-(start + len(contents)) % unit)
        places[member.name] = start + len(contents) if member.content else 0
        contents += member.content
        contents += bytes(-(start + len(contents)) % unit)
    size = start + len(contents)
    header = _HEADER.pack(_MAGIC, size, len(members), len(strings), entries_at, strings_at, date, 0)
    names_at = itertools.accumulate((len(member.name) + 1 for member in members), initial=0)
    entries = b"".join(
        _ENTRY.pack(
            name_at, len(member.name), member.mode, 0, places[member.name], len(member.content)
        )
        for name_at, member in zip(names_at, members, strict=False)
    )
    return (header + entries + strings).ljust(start, b"\0") + bytes(contents)


def _member(name: str, entry: Entry | Link | Directory) -> _Member:
    stored = os.fsencode(name)
    longest = max(len(stored), len(os.fsencode(entry.goal)) if isinstance(entry, Link) else 0)
    if longest > _LONGEST_PATH or any(len(part) > _LONGEST_NAME for part in stored.split(b"/")):
        raise InputError(
            f"{name[:60]}...: too long a name or link",
            hint=f"at most {_LONGEST_PATH} bytes fit, {_LONGEST_NAME} between slashes",
        )
    if isinstance(entry, Directory):
        return _Member(name=stored, mode=_MODES[Directory], content=b"")
    if isinstance(entry, Link):
        return _Member(name=stored, mode=_MODES[Link], content=os.fsencode(entry.goal))
    content = entry.content if isinstance(entry.content, bytes) else entry.content.read_bytes()
    mode = _PROGRAM_MODE if entry.executable else _FILE_MODE
    return _Member(name=stored, mode=mode, content=content)


def _aligned(value: int, unit: int) -> int:
    return -(-value // unit) * unit


def is_root(content: bytes) -> bool:
    """Whether ``content`` starts as an archive does."""
    return content.startswith(_MAGIC)


class _Damaged(Exception):
    """The archive is not what :func:`write_root` would have written."""


def read_root(archive: bytes, *, where: str) -> dict[str, Entry | Link | Directory]:
    """What is in ``archive``, directories included; ``where`` is its name in messages.

    Strict: whatever departs from the form is refused, with :class:`InputError`. Bytes behind the
    archive are left alone.
    """
    try:
        members = list(_read_members(archive))
        _check_tree(members)
    except _Damaged as error:
        raise InputError(f"{where}: root archive: {error}", hint="bake the image again") from error
    return {os.fsdecode(member.name): _entry(member) for member in members}


def _entry(member: _Member) -> Entry | Link | Directory:
    if member.mode == _MODES[Directory]:
        return Directory()
    if member.mode == _MODES[Link]:
        return Link(goal=os.fsdecode(member.content))
    return Entry(content=member.content, executable=member.mode == _PROGRAM_MODE)


def _read_members(archive: bytes) -> Iterator[_Member]:
    if len(archive) < _HEADER.size:
        raise _Damaged("it ends early")
    header = _HEADER.unpack_from(archive)
    magic, size, count, strings_size, entries_at, strings_at, _date, zero = header
    if magic != _MAGIC or zero:
        raise _Damaged("of another form")
    if not _HEADER.size <= size <= len(archive):
        raise _Damaged(f"{size} bytes, and {len(archive)} are there")
    content = archive[:size]
    entries = _piece(content, entries_at, _ENTRY.size * count, "entries")
    strings = _piece(content, strings_at, strings_size, "names")
    for fields in _ENTRY.iter_unpack(entries):
        yield _read_member(content, strings, *fields)


def _piece(content: bytes, start: int, size: int, what: str) -> bytes:
    if start < _HEADER.size or start > len(content) or size > len(content) - start:
        raise _Damaged(f"{what} beyond its end")
    return content[start : start + size]


def _read_member(
    content: bytes, strings: bytes, name_at: int, length: int, mode: int, zero: int, at: int,
    size: int,
) -> _Member:  # fmt: skip
    name = strings[name_at : name_at + length]
    if not 0 < length <= _LONGEST_PATH or strings[name_at + length : name_at + length + 1] != b"\0":
        raise _Damaged("a name that is none")
    shown = ascii(name.decode(errors="replace"))[:80]
    if b"\0" in name or any(map(_is_no_name, name.split(b"/"))):
        raise _Damaged(f"{shown} is no path")
    if mode not in (_FILE_MODE, _PROGRAM_MODE, *_MODES.values()) or zero:
        raise _Damaged(f"{shown} has mode {mode:o}")
    if stat.S_ISDIR(mode) and size:
        raise _Damaged(f"{shown} is a directory with content")
    if stat.S_ISLNK(mode) and not 0 < size <= _LONGEST_PATH:
        raise _Damaged(f"{shown} is a link to nothing")
    if not size:
        return _Member(name=name, mode=mode, content=b"")
    member = _Member(name=name, mode=mode, content=_piece(content, at, size, f"content of {shown}"))
    unit = PAGE if member.is_mapped else _ALIGNMENT
    if at % unit:
        raise _Damaged(f"content of {shown} at {at:#x}")
    if member.is_mapped:
        rest = _piece(content, at + size, -size % PAGE, f"last page of {shown}")
        if any(rest):
            raise _Damaged(f"something behind the content of {shown}")
    return member


def _is_no_name(part: bytes) -> bool:
    return part in (b"", b".", b"..") or len(part) > _LONGEST_NAME


def _check_tree(members: list[_Member]) -> None:
    """Names are sorted, each once, and each in a directory that came before."""
    directories = {b""}
    last = b""
    for member in members:
        if member.name <= last:
            raise _Damaged("names out of order")
        last = member.name
        if member.name.rpartition(b"/")[0] not in directories:
            raise _Damaged(f"no directory for {ascii(member.name.decode(errors='replace'))[:80]}")
        if stat.S_ISDIR(member.mode):
            directories.add(member.name)

# SPDX-License-Identifier: BSD-2-Clause
"""Reads static archives: ar(5) as GNU ar writes it, thin archives too.

Python, rather than ``ar x``, because two members may have the same name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MAGIC = b"!<arch>\n"
THIN_MAGIC = b"!<thin>\n"

# The member in which ar's modifier l records further libraries.
RECORD = "__.LIBDEP"

_HEADER = 60
_END = b"`\n"


class ArchiveError(Exception):
    """The file is not an archive, or it is damaged."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One member; ``data`` is its content."""

    name: str
    data: bytes


def is_archive(path: Path) -> bool:
    """Whether ``path`` begins like an archive."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) in (MAGIC, THIN_MAGIC)


def read_archive(path: Path) -> list[Member]:
    """The members of ``path`` in their order, without indexes.

    Raises :class:`ArchiveError` where the file is damaged, OSError where it, or what a thin
    archive points to, cannot be read.
    """
    data = path.read_bytes()
    if data[: len(MAGIC)] not in (MAGIC, THIN_MAGIC):
        raise ArchiveError(f"{path}: not an archive")
    thin = data.startswith(THIN_MAGIC)
    members: list[Member] = []
    long_names = b""
    offset = len(MAGIC)
    while offset + _HEADER <= len(data):
        header = data[offset : offset + _HEADER]
        raw_name = header[:16].rstrip(b" ")
        size = _size(path, header)
        offset += _HEADER
        is_index = raw_name in (b"/", b"//", b"/SYM64/")
        stored = is_index or not thin or raw_name == f"{RECORD}/".encode()
        content = data[offset : offset + size] if stored else b""
        if stored:
            if len(content) != size:
                raise ArchiveError(f"{path}: cut short")
            offset += size + size % 2
        if raw_name == b"//":
            long_names = content
        elif not is_index:
            name = _name(raw_name, long_names)
            if not stored:
                content = (path.parent / name).read_bytes()
            members.append(Member(name=name, data=content))
    if data[offset:].strip():
        raise ArchiveError(f"{path}: cut short")
    return members


def recorded_libraries(path: Path) -> tuple[str, ...]:
    """The words that ar's modifier l recorded in ``path``: ``-LDIRECTORY`` and ``-lNAME``.

    Raises what :func:`read_archive` raises.
    """
    for member in read_archive(path):
        if member.name == RECORD:
            return tuple(member.data.rstrip(b"\0").decode(errors="surrogateescape").split())
    return ()


def _size(path: Path, header: bytes) -> int:
    digits = header[48:58].strip()
    if header[58:60] != _END or not digits.isdigit():
        raise ArchiveError(f"{path}: a member's header is damaged")
    return int(digits)


def _name(raw_name: bytes, long_names: bytes) -> str:
    if raw_name.startswith(b"/") and raw_name[1:].isdigit():
        rest = long_names[int(raw_name[1:]) :]
        raw_name = rest.partition(b"/\n")[0]
    return raw_name.removesuffix(b"/").decode(errors="surrogateescape")

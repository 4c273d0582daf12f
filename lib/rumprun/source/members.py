# SPDX-License-Identifier: BSD-2-Clause
"""What a source tarball would write when it is unpacked: all of it must stay in its tree."""

from __future__ import annotations

import lzma
import posixpath
import tarfile
import zlib
from pathlib import Path

from rumprun.errors import InputError

_HINT = "do not use this source package"


def check_members(tarball: Path) -> None:
    """See that no member of ``tarball`` would be written outside of where it is unpacked.

    A link that leads out of the tree is harmless and common by itself (a test's data); a member
    below a link is not, and no archiver of a real tree makes one. Raises :class:`InputError` for
    that, for an absolute or upward name, for a hard link out of the tree, for a device, and for
    what is no tarball.
    """
    links: set[str] = set()
    try:
        with tarfile.open(tarball, "r:*") as archive:
            for member in archive:
                fault = _fault(member, links)
                if fault:
                    raise InputError(f"{tarball.name}: {member.name!r} {fault}", hint=_HINT)
    except (tarfile.TarError, EOFError, lzma.LZMAError, zlib.error, OSError, ValueError) as error:
        # tarfile lists all that it tried, a line each.
        why = str(error).partition("\n")[0].rstrip(":")
        raise InputError(f"{tarball}: no whole tarball: {why}", hint="fetch it again") from error


def _fault(member: tarfile.TarInfo, links: set[str]) -> str:
    """What is wrong with ``member``, or nothing; ``links`` collects the symbolic links."""
    if _leads_out(member.name):
        return "leads out of the tree"
    name = posixpath.normpath(member.name)
    parts = name.split("/")
    if any("/".join(parts[:depth]) in links for depth in range(1, len(parts))):
        return "lies below a link"
    if member.isdev():
        return "is a device"
    if member.islnk() and _leads_out(member.linkname):
        return "is a hard link out of the tree"
    if member.issym():
        links.add(name)
    elif name in links:
        # tar replaces a link by a file, but follows it for a directory.
        if member.isdir():
            return "is a link and a directory"
        links.discard(name)
    return ""


def _leads_out(name: str) -> bool:
    return name.startswith("/") or ".." in name.split("/")

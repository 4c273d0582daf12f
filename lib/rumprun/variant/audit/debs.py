# SPDX-License-Identifier: BSD-2-Clause
"""Binary packages: unpacked by dpkg-deb into a tree, with their control fields beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from debian.deb822 import Deb822

from rumprun.command import CommandFailed, run
from rumprun.errors import InputError
from rumprun.variant.audit import archive

_SECONDS = 600.0


@dataclass(frozen=True, kw_only=True)
class Unpacked:
    """A .deb as a tree; ``name`` is its Package field, or the file's name where it has none."""

    name: str
    root: Path
    control: dict[str, str]


def is_deb(path: Path) -> bool:
    """Whether the file ``path`` is a Debian package, by its first bytes (deb(5))."""
    with path.open("rb") as stream:
        return stream.read(21) == archive.MAGIC + b"debian-binary"


def unpack(deb: Path, work: Path) -> Unpacked:
    """Unpack ``deb`` into the empty directory ``work``.

    Raises :class:`InputError` where dpkg-deb or the control file's parser refuses it.
    """
    root = work / "root"
    try:
        run(["dpkg-deb", "--raw-extract", deb.absolute(), root], timeout=_SECONDS)
    except CommandFailed as error:
        said = error.completed.stderr.strip().splitlines()
        reason = said[-1].removeprefix("dpkg-deb: error: ") if said else "dpkg-deb fails"
        raise InputError(f"{deb}: not a sound Debian package: {reason}") from error
    # Control files are not installed: out of the tree, before anyone takes them for a fault.
    (root / "DEBIAN").rename(work / "DEBIAN")
    try:
        with (work / "DEBIAN" / "control").open("rb") as stream:
            fields = {str(key): str(value) for key, value in Deb822(stream).items()}
    except (OSError, ValueError) as error:
        raise InputError(f"{deb}: its control file cannot be read: {error}") from error
    return Unpacked(name=fields.get("Package", deb.name), root=root, control=fields)

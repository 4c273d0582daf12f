# SPDX-License-Identifier: BSD-2-Clause
"""Where a staged file belongs in a variant: Debian's directories onto ``/usr/<triple>``."""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath

from rumprun.target.descriptor import Target

# Directories of a Debian package (FHS, with and without merged /usr) and theirs in the prefix.
_DIRECTORIES = {
    "usr/include": "include",
    "usr/lib": "lib",
    "lib": "lib",
    "usr/bin": "bin",
    "bin": "bin",
    "usr/sbin": "sbin",
    "sbin": "sbin",
    "usr/libexec": "libexec",
    "usr/share": "share",
}

# Multiarch directories are flattened: the prefix is for one architecture.
_MULTIARCH_PARENTS = frozenset({"include", "lib"})

# Parts of /usr/share that only a person or a desktop reads.
_FOR_PEOPLE = frozenset(
    {
        "appdata",
        "applications",
        "bash-completion",
        "bug",
        "doc",
        "doc-base",
        "fish",
        "gtk-doc",
        "icons",
        "info",
        "lintian",
        "locale",
        "man",
        "metainfo",
        "pixmaps",
        "zsh",
    }
)
_NOT_UNDER_LIB = frozenset({"debug", "systemd", "udev", "tmpfiles.d", "sysusers.d"})

STAND_IN = ".rumprun-absent"


def destination(staged: PurePosixPath, target: Target) -> PurePosixPath | None:
    """The place below the target's prefix of a file staged at ``staged``; ``None``: left out.

    ``staged`` is relative to the package's tree, such as ``usr/lib/<multiarch>/libz.a``.
    """
    # A link's goal may climb; what climbs out of the package's tree is nobody's.
    staged = PurePosixPath(posixpath.normpath(staged))
    if staged.name == STAND_IN or staged.suffix == ".la":
        return None
    for directory, ours in _DIRECTORIES.items():
        if staged.is_relative_to(directory):
            return _below(PurePosixPath(ours), staged.relative_to(directory), target)
    return None


def _below(ours: PurePosixPath, rest: PurePosixPath, target: Target) -> PurePosixPath | None:
    parts = rest.parts
    while ours.name in _MULTIARCH_PARENTS and parts and parts[0] == target.triple:
        parts = parts[1:]
    if not parts:
        return None
    if ours.name == "share" and parts[0] in _FOR_PEOPLE:
        return None
    if ours.name == "lib" and parts[0] in _NOT_UNDER_LIB:
        return None
    return ours.joinpath(*parts)


def library_stem(name: str) -> str | None:
    """``libz.so.1.2`` gives ``libz``; ``None`` for what is not named as a shared library."""
    stem, dot_so, _version = name.partition(".so")
    if dot_so and stem.startswith("lib") and (_version == "" or _version.startswith(".")):
        return stem
    return None


def is_shared(name: str) -> bool:
    """Whether ``name`` is that of a shared object, be it a library or a plug-in."""
    _stem, dot_so, version = name.partition(".so")
    return dot_so != "" and (version == "" or version.startswith("."))

# SPDX-License-Identifier: BSD-2-Clause
"""Programs of a variant say which sources and versions are in them.

The compiler's driver has left the names of archives in each program; whose they are is known
while the variant is built, and would have to be found out by everybody later.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from rumprun.contributions import (
    Contributions,
    LinkedFile,
    Source,
    read_contributions,
    resolved,
    write_contributions,
)
from rumprun.elf_magic import is_elf
from rumprun.origin import look_around
from rumprun.source.package import SourcePackage
from rumprun.target.descriptor import Target
from rumprun.variant.harvest import Harvested
from rumprun.variant.sysroot import Sysroot


def name_sources(
    harvested: Iterable[Harvested], source: SourcePackage, target: Target, sysroot: Sysroot
) -> None:
    """Put the sources of what they are linked from into the programs of ``harvested``.

    Files that no package and no variant owns are the build's own, so they are of ``source``.
    """
    own = Source(name=source.name, version=source.version)
    programs = {path: said for item in harvested for path, said in _programs(item.root)}
    others = {
        file.file
        for said in programs.values()
        for file in said.linked
        if _variant_of(file, sysroot) is None
    }
    machine = look_around(others, [], target) if others else None

    def resolve(file: LinkedFile) -> Source:
        found = _variant_of(file, sysroot) or (machine.source_of(file) if machine else None)
        return found or own

    for path, said in programs.items():
        # Checksums are for finding out whose a file is, and differ where nothing else does.
        linked = (dataclasses.replace(file, crc32=None) for file in resolved(said, resolve).linked)
        complete = dataclasses.replace(said, source=own, linked=tuple(linked))
        write_contributions(path, complete, target)


def _variant_of(file: LinkedFile, sysroot: Sysroot) -> Source | None:
    """The source of the variant that ``file`` is of, where it was unpacked for this build."""
    owner = sysroot.owners.get(sysroot.path / file.file) if sysroot.path else None
    if owner is None:
        return None
    variant = sysroot.variants[owner]
    return Source(name=variant.source, version=variant.source_version)


def _programs(root: Path) -> Iterable[tuple[Path, Contributions]]:
    """The programs below ``root`` that say what is in them, and that nobody has resolved."""
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            said = read_contributions(path) if is_elf(path) else None
            if said and said.source is None:
                yield path, said

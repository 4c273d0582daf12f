# SPDX-License-Identifier: BSD-2-Clause
"""A variant's relations to other packages, worked out from what was built."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rumprun.elf_magic import is_elf
from rumprun.source.naming import Candidate
from rumprun.source.needs import conflicting_variants, provided_variants
from rumprun.source.package import SourcePackage
from rumprun.target.descriptor import Target
from rumprun.variant.depends import variant_depends
from rumprun.variant.harvest import Harvested
from rumprun.variant.linked import static_built_using
from rumprun.variant.sysroot import Sysroot


@dataclass(frozen=True, kw_only=True)
class VariantRelations:
    """The fields of those names, an entry each."""

    depends: tuple[str, ...]
    static_built_using: tuple[str, ...]
    provides: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


def relate(
    harvested: Harvested,
    siblings: Iterable[Candidate],
    source: SourcePackage,
    sysroot: Sysroot,
    links: Mapping[str, frozenset[str]],
    target: Target,
) -> VariantRelations:
    """The relations of one variant; ``links`` is what the linker recorded during the pass."""
    return VariantRelations(
        depends=variant_depends(
            harvested.candidate,
            siblings,
            harvested.root,
            sysroot,
            version=source.version,
            target=target,
        ),
        static_built_using=static_built_using(
            _programs(harvested.root), links, sysroot, own=source.name
        ),
        provides=provided_variants(harvested.candidate.original),
        conflicts=conflicting_variants(harvested.candidate.original),
    )


def _programs(root: Path) -> list[str]:
    """The base names of the ELF files under ``root``: programs, for libraries are archives."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink())
    return [path.name for path in files if is_elf(path)]

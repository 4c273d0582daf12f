# SPDX-License-Identifier: BSD-2-Clause
"""What a variant depends on: the variants of what the original depends on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rumprun.command import run
from rumprun.source.naming import Candidate, Kind, variant_name
from rumprun.source.needs import has_variant
from rumprun.source.relations import Relation, alternatives
from rumprun.target.descriptor import Target
from rumprun.variant.complete import recorded
from rumprun.variant.sysroot import Sysroot


def variant_depends(
    candidate: Candidate,
    siblings: Iterable[Candidate],
    root: Path,
    sysroot: Sysroot,
    *,
    version: str,
    target: Target,
) -> tuple[str, ...]:
    """The Depends of the variant whose files are under ``root``, sorted.

    A ``-dev`` variant depends on the variants of the ``-dev`` packages that the original
    depends on, and of those whose .pc files or libraries its own require; those of the same
    source by exact ``version``. A program variant is static and needs nothing.
    """
    if candidate.kind is Kind.PROGRAM:
        return ()
    own = {sibling.variant for sibling in siblings}
    names: dict[str, str] = {}
    for relation in alternatives(candidate.original.depends):
        if not has_variant(relation.name):
            continue
        variant = variant_name(relation.name)
        if variant in own:
            names[variant] = f"{variant} (= {version})"
        elif variant in sysroot.variants:
            names.setdefault(variant, _versioned(variant, relation))
    for variant in _required(root, sysroot, target):
        names.setdefault(variant, variant)
    names.pop(candidate.variant, None)
    return tuple(names[name] for name in sorted(names))


def _versioned(variant: str, relation: Relation) -> str:
    if relation.version is None:
        return variant
    operator, version = relation.version
    return f"{variant} ({operator} {version})"


def _required(root: Path, sysroot: Sysroot, target: Target) -> set[str]:
    """The variants of what .pc files and archives under ``root`` name, public or private."""
    if not sysroot.owners:
        return set()
    place = root / target.prefix.relative_to("/")
    files = sorted(place.rglob("*.pc"))
    modules = _asked(files, ("--print-requires",), target)
    modules |= _asked(files, ("--print-requires-private",), target)
    libraries = _asked(files, ("--static", "--libs-only-l"), target)
    for archive in sorted(place.glob("lib/lib*.a")):
        libraries |= set(recorded(archive, target))
    names = {f"{module}.pc" for module in modules}
    names |= {f"lib{word.removeprefix('-l')}.a" for word in libraries}
    return {name for path, name in sysroot.owners.items() if path.name in names}


def _asked(files: Iterable[Path], options: tuple[str, ...], target: Target) -> set[str]:
    """The first word of each line, or for libraries all words, that pkg-config answers."""
    tool = target.tool("pkg-config")
    words: set[str] = set()
    for file in files:
        # Without the limit it answers nothing unless it finds all that is required.
        answer = run((tool, "--maximum-traverse-depth=1", *options, file), check=False)
        for line in answer.stdout.splitlines():
            words |= {word for word in line.split() if word.startswith("-l")}
            words |= set(line.split()[:1])
    return words


def missing_variants(wanted: Iterable[str], sysroot: Sysroot) -> tuple[str, ...]:
    """Those of ``wanted`` that are not at hand."""
    return tuple(name for name in wanted if name not in sysroot.variants)

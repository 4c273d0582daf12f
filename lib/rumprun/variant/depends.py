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
    depends on, and of those whose .pc files its own require; those of the same source by
    exact ``version``. A program variant is static and needs nothing.
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
    for variant in _required_by_pkg_config(root, sysroot, target):
        names.setdefault(variant, variant)
    names.pop(candidate.variant, None)
    return tuple(names[name] for name in sorted(names))


def _versioned(variant: str, relation: Relation) -> str:
    if relation.version is None:
        return variant
    operator, version = relation.version
    return f"{variant} ({operator} {version})"


def _required_by_pkg_config(root: Path, sysroot: Sysroot, target: Target) -> set[str]:
    """The variants whose .pc files or libraries those under ``root`` name, public or private."""
    owners = {path.stem: name for path, name in sysroot.owners.items() if path.suffix == ".pc"}
    libraries = {path.name: name for path, name in sysroot.owners.items() if path.suffix == ".a"}
    files = sorted((root / target.prefix.relative_to("/")).rglob("*.pc"))
    if not files or not sysroot.owners:
        return set()
    tool = target.tool("pkg-config")
    modules: set[str] = set()
    for option in ("--print-requires", "--print-requires-private"):
        for file in files:
            # Without the limit it answers nothing unless it finds all that is required.
            answer = run([tool, "--maximum-traverse-depth=1", option, file], check=False)
            modules |= {line.split()[0] for line in answer.stdout.splitlines() if line.strip()}
    names: set[str] = set()
    for file in files:
        options = ("--maximum-traverse-depth=1", "--static", "--libs-only-l")
        words = run((tool, *options, file), check=False).stdout.split()
        names |= {f"lib{word.removeprefix('-l')}.a" for word in words}
    found = {owners[module] for module in modules if module in owners}
    return found | {libraries[name] for name in names if name in libraries}


def missing_variants(wanted: Iterable[str], sysroot: Sysroot) -> tuple[str, ...]:
    """Those of ``wanted`` that are not at hand."""
    return tuple(name for name in wanted if name not in sysroot.variants)

# SPDX-License-Identifier: BSD-2-Clause
"""From an unpacked source to audited variants: pass, harvest, audit."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rumprun.errors import AuditError, BuildError, InputError
from rumprun.source.build_depends import without_tools
from rumprun.source.naming import Candidate, candidates, original_name, variant_name
from rumprun.source.needs import wanted_variants
from rumprun.source.package import SourcePackage
from rumprun.target.descriptor import Target
from rumprun.variant.audit import Finding, audit_tree
from rumprun.variant.depends import missing_variants
from rumprun.variant.harvest import Harvested, harvest
from rumprun.variant.linked import read_link_log
from rumprun.variant.listed import read_listed
from rumprun.variant.passes import run_passes
from rumprun.variant.relations import VariantRelations, relate
from rumprun.variant.sysroot import Sysroot, Variant, assemble
from rumprun.variant.variant_pass import PassOptions


@dataclass(frozen=True, kw_only=True)
class BuiltVariant:
    """One variant that passed the audit, ready to be packed."""

    harvested: Harvested
    relations: VariantRelations


def build_variants(
    tree: Path,
    source: SourcePackage,
    target: Target,
    pool: Mapping[str, Variant],
    *,
    work: Path,
    log: Path,
    options: PassOptions,
    only: Sequence[Candidate] | None = None,
) -> tuple[BuiltVariant, ...]:
    """Build the variants of the source that is unpacked in ``tree``, in copies of it.

    A feature whose library is not at hand is switched off, where the source's build system can.
    ``pool`` are variants that the build may use, ``work`` an empty directory, ``log`` the file
    that collects what the build says; ``only`` restricts the candidates. Raises
    :class:`InputError` for a source with nothing to vary, :class:`BuildError` for a failed
    pass, :class:`AuditError` with all findings.
    """
    chosen = tuple(only) if only is not None else candidates(source, target.dpkg_architecture)
    if not chosen:
        raise InputError(
            f"{source.name} has no library or program to vary",
            hint="variants are made of -dev packages and of packages with programs",
        )
    wanted = wanted_variants(source, target.dpkg_architecture)
    sysroot = assemble(wanted, pool, work / "sysroot", target)
    try:
        done = run_passes(tree, source, target, sysroot, work=work, log=log, options=options)
    except BuildError as error:
        raise _with_missing(error, wanted, sysroot) from error
    harvested = _harvest(done.tree, source, chosen, target, sysroot, work / "variants")
    if not harvested:
        raise BuildError(
            f"{source.name}: the variant pass staged no static library and no program",
            hint=f"see {log}",
        )
    _audit(harvested, source, target, sysroot, forbidden=(str(tree), str(work)))
    return _related(harvested, source, sysroot, read_link_log(done.link_log), target)


def _harvest(
    tree: Path,
    source: SourcePackage,
    chosen: Sequence[Candidate],
    target: Target,
    sysroot: Sysroot,
    output: Path,
) -> tuple[Harvested, ...]:
    return harvest(
        tree,
        source,
        chosen,
        target,
        output=output,
        replacements={str(sysroot.path): str(target.prefix)} if sysroot.path else {},
        listed=read_listed(tree, chosen),
        strip="nostrip" not in os.environ.get("DEB_BUILD_OPTIONS", "").split(),
    )


def _related(
    harvested: Sequence[Harvested],
    source: SourcePackage,
    sysroot: Sysroot,
    links: Mapping[str, frozenset[str]],
    target: Target,
) -> tuple[BuiltVariant, ...]:
    siblings = [item.candidate for item in harvested]
    return tuple(
        BuiltVariant(
            harvested=item,
            relations=relate(item, siblings, source, sysroot, links, target),
        )
        for item in harvested
    )


def _with_missing(error: BuildError, wanted: Sequence[str], sysroot: Sysroot) -> BuildError:
    """A failed build's error, with the variants that were not at hand: often the cause."""
    originals = map(original_name, missing_variants(wanted, sysroot))
    missing = [variant_name(name) for name in without_tools(originals)]
    if not missing:
        return error
    names = ", ".join(missing)
    return BuildError(
        error.message,
        hint=f"{error.hint}; no variant was at hand of what it may need: {names}"
        " (build those first, into the same --output)",
    )


def _audit(
    harvested: Sequence[Harvested],
    source: SourcePackage,
    target: Target,
    sysroot: Sysroot,
    *,
    forbidden: Sequence[str],
) -> None:
    """Audit each variant against its siblings and what the build used."""
    findings: list[Finding] = []
    for item in harvested:
        closure = [
            other.root / target.prefix.relative_to("/") for other in harvested if other != item
        ]
        if sysroot.path:
            closure.append(sysroot.path)
        findings += audit_tree(
            item.root,
            target=target,
            closure=closure,
            forbidden_paths=forbidden,
            package=item.candidate.variant,
        )
    if findings:
        lines = "\n".join(
            f"{f.package}: {f.file}: {f.rule}: {f.detail}\n    {f.remedy}" for f in findings
        )
        raise AuditError(
            f"{source.name} {source.version}: {len(findings)} audit findings:\n{lines}"
        )

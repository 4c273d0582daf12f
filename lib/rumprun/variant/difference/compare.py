# SPDX-License-Identifier: BSD-2-Clause
"""The whole comparison of a source: configure answers and packages, with a reason for each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rumprun import ui
from rumprun.source.build_depends import without_tools
from rumprun.source.control import formula_holds
from rumprun.source.naming import PASS_PROFILES, original_name
from rumprun.source.package import SourcePackage
from rumprun.source.recipe import Recipe
from rumprun.source.recipe_variants import wanted_with
from rumprun.target.descriptor import Target
from rumprun.variant.depends import missing_variants
from rumprun.variant.difference.answers import GENERATOR, differing_answers
from rumprun.variant.difference.configure import configure_native, configure_variant
from rumprun.variant.difference.evidence import (
    Evidence,
    Library,
    header_owners,
    installed_dev_packages,
    read_libraries,
    read_lost,
    read_native_libc,
    read_variant_libc,
    with_requirements,
)
from rumprun.variant.difference.files import (
    differing_headers,
    differing_modules,
    differing_programs,
    native_places,
    variant_places,
)
from rumprun.variant.difference.model import Answer, Difference, Kind, Reason, with_reason
from rumprun.variant.difference.normal import subject
from rumprun.variant.difference.packages import (
    download_native,
    find_native,
    native_names,
    unpack_all,
    variants_of,
)
from rumprun.variant.difference.reasons import explain, explain_needs
from rumprun.variant.difference.symbols import differing_symbols, needed
from rumprun.variant.features import Switch
from rumprun.variant.recipe_options import with_recipe
from rumprun.variant.sysroot import Sysroot, assemble, read_pool
from rumprun.variant.variant_pass import PassOptions

# The unpacked native packages, below the work directory.
_NATIVE = Path("packages") / "native"


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What to compare.

    ``tree`` is the unpacked source; ``variants`` has its variants, and those that its build
    uses, as .deb files; ``native`` the archive's own packages, or ``None`` to download them.
    ``recipe`` is the one that the variant was built with. Without ``configure`` only packages
    are compared; without ``documents`` the native build is told to leave documentation out.
    """

    tree: Path
    source: SourcePackage
    target: Target
    variants: Path
    native: Path | None = None
    recipe: Recipe | None = None
    configure: bool = True
    documents: bool = True


def compare(
    inputs: Inputs, *, work: Path, log: Path, options: PassOptions
) -> tuple[Difference, ...]:
    """Every difference between the native build of a source and its variant, with its reason.

    ``work`` is an empty directory, ``log`` collects what the builds say. The source's
    Build-Depends must be installed. Raises :class:`MissingError` where a package of either side
    is not at hand, :class:`InputError` for packages of another version, and
    :class:`BuildError` where the source does not configure.
    """
    source, target = inputs.source, inputs.target
    pool = read_pool(inputs.variants.glob("*_all.deb"))
    pairs = variants_of(source, pool, target)
    found: list[Answer] = [
        Answer(kind=Kind.PACKAGE, where=candidate.original.name, name=candidate.original.name,
               native="there", variant=None)
        for candidate, variant in pairs
        if variant is None
    ]  # fmt: skip
    debs = [variant.deb for _candidate, variant in pairs if variant and variant.deb]
    found += _packages(inputs, debs, work)
    options = with_recipe(options, inputs.recipe)
    wanted = wanted_with(
        inputs.source, inputs.recipe, inputs.target.dpkg_architecture, options.profiles
    )
    sysroot = assemble(wanted, pool, work / "sysroot", target)
    switches: tuple[Switch, ...] = ()
    if inputs.configure:
        answers, switches = _answers(inputs, sysroot, work, log, options)
        found += answers
    evidence = _evidence(inputs, wanted, sysroot, switches, found)
    evidence = dataclasses.replace(evidence, lost=tuple(_lost(found, evidence, work, target)))
    return tuple(_with_reasons(found, evidence, work / _NATIVE))


def _lost(
    answers: Iterable[Answer], evidence: Evidence, work: Path, target: Target
) -> Iterator[tuple[Library, Reason]]:
    """The libraries that the variant lacks, each with what their own needs say of the reason."""
    for answer in answers:
        if answer.kind is Kind.LIBRARY and answer.native:
            (path, *_others) = sorted((work / _NATIVE).rglob(answer.native))
            reason = _by_needs(answer, evidence, path.parent) or explain(answer, evidence)
            yield read_lost(answer.name, path, target), reason


def native_packages(inputs: Inputs, directory: Path) -> tuple[Path, ...]:
    """The native packages to compare with: those at hand, or fetched into ``directory``.

    Raises :class:`MissingError` where there are none.
    """
    names = native_names(inputs.source, inputs.target)
    if inputs.native:
        return find_native(inputs.native, inputs.source, names)
    directory.mkdir(parents=True, exist_ok=True)
    with ui.step(f"fetching the native packages of {inputs.source.name}"):
        return download_native(directory, inputs.source, names)


def _packages(inputs: Inputs, variants: Iterable[Path], work: Path) -> Iterator[Answer]:
    target = inputs.target
    debs = native_packages(inputs, work / "download")
    native = native_places(unpack_all(debs, work / _NATIVE), target)
    variant = variant_places(unpack_all(variants, work / "packages" / "variant"), target)
    yield from differing_headers(native, variant)
    yield from differing_modules(native, variant)
    yield from differing_programs(native, variant)
    yield from differing_symbols(native, variant, target)


def _answers(
    inputs: Inputs, sysroot: Sysroot, work: Path, log: Path, options: PassOptions
) -> tuple[tuple[Answer, ...], tuple[Switch, ...]]:
    """The answers that differ, and what the pass switched off."""
    sides = [work / "native", work / "variant"]
    for side in sides:
        side.mkdir()
    source = inputs.source
    with ui.step(f"{source.name} {source.version}: configuring natively"):
        native = configure_native(
            inputs.tree, source, work=sides[0], log=log, options=options, documents=inputs.documents
        )
    with ui.step(f"{source.name} {source.version}: configuring for {inputs.target.triple}"):
        variant = configure_variant(
            inputs.tree, source, inputs.target, sysroot, work=sides[1], log=log, options=options
        )
    return differing_answers(native.tree, variant.tree, inputs.tree), variant.switches


def _evidence(
    inputs: Inputs,
    wanted: Iterable[str],
    sysroot: Sysroot,
    switches: tuple[Switch, ...],
    answers: Iterable[Answer],
) -> Evidence:
    source, target, recipe = inputs.source, inputs.target, inputs.recipe
    originals = without_tools(map(original_name, missing_variants(wanted, sysroot)))
    at_hand = {original_name(name) for name in sysroot.variants}
    missing = [name for name in with_requirements(originals) if name not in at_hand]
    # Those of a machine that is no clean chroot: configure finds them natively all the same.
    stray = set(installed_dev_packages()) - at_hand - set(missing)
    owners = header_owners({subject(answer.name) for answer in answers if answer.native})
    return Evidence(
        native=read_native_libc(target),
        variant=read_variant_libc(target),
        missing=read_libraries(missing, target),
        stray=read_libraries(stray, target),
        switches=switches,
        dropped=frozenset(
            binary.name
            for binary in source.binaries
            if not formula_holds(binary.build_profiles, PASS_PROFILES)
        ),
        recipe=recipe.entries if recipe else (),
        owners={name: owner for name, owner in owners.items() if owner not in at_hand},
        generators=_generators(answers),
    )


def _generators(answers: Iterable[Answer]) -> tuple[str, str] | None:
    return next(
        (
            (answer.native, answer.variant)
            for answer in answers
            if answer.name == GENERATOR and answer.native and answer.variant
        ),
        None,
    )


def _with_reasons(
    answers: Iterable[Answer], evidence: Evidence, native: Path
) -> Iterator[Difference]:
    order = list(Kind)
    for answer in sorted(answers, key=lambda item: (order.index(item.kind), item.where, item.name)):
        yield with_reason(answer, _by_needs(answer, evidence, native) or explain(answer, evidence))


def _by_needs(answer: Answer, evidence: Evidence, native: Path) -> Reason | None:
    """The reason of a lost library or program that is linked with what has no variant."""
    if answer.native is None or answer.kind not in (Kind.LIBRARY, Kind.PROGRAM):
        return None
    name = answer.native if answer.kind is Kind.LIBRARY else answer.name
    for path in sorted(native.rglob(name)):
        reason = explain_needs(needed(path), evidence)
        if reason:
            return reason
    return None

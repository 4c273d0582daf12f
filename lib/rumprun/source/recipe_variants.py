# SPDX-License-Identifier: BSD-2-Clause
"""Which variants a source has, and which libraries it is built with, as its recipe has it."""

from __future__ import annotations

import dataclasses

from rumprun.source.naming import (
    DEFAULT_DPKG_ARCHITECTURE,
    PASS_PROFILES,
    Candidate,
    Kind,
    candidates,
    original_name,
)
from rumprun.source.needs import wanted_variants
from rumprun.source.package import SourcePackage
from rumprun.source.recipe import Recipe


def candidates_with(
    source: SourcePackage,
    recipe: Recipe | None,
    dpkg_architecture: str = DEFAULT_DPKG_ARCHITECTURE,
) -> tuple[Candidate, ...]:
    """The variants of ``source``: those of its packages, and those that are a part of one.

    A recipe that installs by steps of its own says itself which variants there are.
    """
    if recipe is None:
        return candidates(source, dpkg_architecture)
    own = own_candidates(recipe, source)
    if recipe.names_all_variants:
        return own
    left = {candidate.variant for candidate in own}
    return (
        *(
            item
            for item in candidates(source, dpkg_architecture, recipe.profiles())
            if item.original.name not in recipe.dropped_packages and item.variant not in left
        ),
        *own,
    )


def own_candidates(recipe: Recipe, source: SourcePackage) -> tuple[Candidate, ...]:
    """The variants of ``recipe`` that are a part of a binary package of ``source``."""
    binaries = {binary.name: binary for binary in source.binaries}
    return tuple(
        Candidate(
            original=binaries[variant.of],
            variant=variant.name,
            kind=Kind.DEV if variant.name.endswith("-dev") else Kind.PROGRAM,
        )
        for variant in recipe.own_variants
        if variant.of in binaries
    )


def wanted_with(
    source: SourcePackage,
    recipe: Recipe | None,
    dpkg_architecture: str = DEFAULT_DPKG_ARCHITECTURE,
    profiles: frozenset[str] = PASS_PROFILES,
) -> tuple[str, ...]:
    """The variants that a pass with ``profiles`` may use, sorted."""
    if recipe is None:
        return wanted_variants(source, dpkg_architecture, profiles)
    source = dataclasses.replace(source, build_depends=recipe.added_to(source.build_depends))
    found = wanted_variants(source, dpkg_architecture, profiles)
    return tuple(name for name in found if not recipe.drops(original_name(name)))

# SPDX-License-Identifier: BSD-2-Clause
"""What a recipe changes about a pass: its options, and the variants that it may use."""

from __future__ import annotations

import dataclasses

from rumprun.source.naming import Candidate, Kind, original_name
from rumprun.source.needs import wanted_variants
from rumprun.source.package import SourcePackage
from rumprun.source.recipe import Kind as EntryKind
from rumprun.source.recipe import Recipe
from rumprun.target.descriptor import Target
from rumprun.variant.variant_pass import PassOptions


def with_recipe(options: PassOptions, recipe: Recipe | None) -> PassOptions:
    """``options`` and what ``recipe`` adds to them."""
    if recipe is None:
        return options
    return dataclasses.replace(
        options,
        configure=(*options.configure, *recipe.arguments),
        profiles=recipe.profiles(options.profiles),
        variables={**options.variables, **recipe.variables},
        build_steps=recipe.values(EntryKind.BUILD_STEP),
        install_steps=recipe.values(EntryKind.INSTALL_STEP),
    )


def wanted_with(
    source: SourcePackage, target: Target, recipe: Recipe | None, profiles: frozenset[str]
) -> tuple[str, ...]:
    """The variants that a pass with ``profiles`` may use, but those that ``recipe`` drops."""
    found = wanted_variants(source, target.dpkg_architecture, profiles)
    return tuple(name for name in found if recipe is None or not recipe.drops(original_name(name)))


def own_candidates(recipe: Recipe, source: SourcePackage) -> tuple[Candidate, ...]:
    """The variants of ``recipe`` that are a part of a binary package of ``source`` only."""
    binaries = {binary.name: binary for binary in source.binaries}
    return tuple(
        Candidate(
            original=binaries[variant.of],
            variant=variant.name,
            kind=Kind.DEV if variant.name.endswith("-dev") else Kind.PROGRAM,
        )
        for variant in recipe.own_variants
    )

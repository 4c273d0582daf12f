# SPDX-License-Identifier: BSD-2-Clause
"""What a recipe changes about the options of a pass."""

from __future__ import annotations

import dataclasses

from rumprun.source.recipe import Kind, Recipe
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
        build_steps=recipe.values(Kind.BUILD_STEP),
        install_steps=recipe.values(Kind.INSTALL_STEP),
    )

# SPDX-License-Identifier: BSD-2-Clause
"""What a build has to say for itself, as a JSON document beside its packages."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from rumprun.source.package import SourcePackage
from rumprun.target.descriptor import Target
from rumprun.variant.build import Built
from rumprun.variant.left_out import to_json


def render_report(built: Built, debs: Sequence[Path], source: SourcePackage, target: Target) -> str:
    """The report of one source: its packages, what was switched off and why, its tests."""
    own_tests = built.own_tests
    document = {
        "source": source.name,
        "version": source.version,
        "target": target.name,
        "seconds": round(built.seconds, 1),
        "packages": [deb.name for deb in debs],
        "switched_off": [
            {
                "build_system": switch.build_system.value,
                "option": str(switch),
                "reason": switch.reason,
            }
            for switch in built.switches
        ],
        "left_out": to_json(built.left_out),
        "recipe": built.recipe_use.to_json() if built.recipe_use.recipe.entries else None,
        "own_tests": None
        if own_tests is None
        else {
            "succeeded": own_tests.succeeded,
            "ended": own_tests.ended,
            **dataclasses.asdict(own_tests.results),
        },
    }
    return json.dumps(document, indent=2) + "\n"

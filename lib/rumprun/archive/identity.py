# SPDX-License-Identifier: BSD-2-Clause
"""What a build is identified by: all that went into it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rumprun.archive.model import Node
from rumprun.source.recipe import Recipe
from rumprun.target.descriptor import Target
from rumprun.version import VERSION


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What is the same for all builds of a run.

    ``target`` is the digest of the target's description; ``builder`` names the builder and
    its suite, ``options`` what else has an influence on packages or reports.
    """

    target: str
    builder: str
    options: Mapping[str, str | bool] = field(default_factory=dict)


def target_digest(target: Target) -> str:
    """A digest of all that describes ``target``, wherever its toolchain is."""
    placed = dataclasses.replace(target, root=Path("/"))
    return hashlib.sha256(repr(placed).encode()).hexdigest()


def identity_of(
    node: Node,
    recipe: Recipe | None,
    used: Mapping[str, str],
    circumstances: Circumstances,
) -> str:
    """The identity of the build of ``node``, as a SHA-256 in hex.

    ``used`` are the identities of the builds whose variants it uses, by source: they bring in
    all below them.
    """
    parts = {
        "version": VERSION,
        "source": [node.source, node.version, node.digest],
        "recipe": recipe.to_json()["entries"] if recipe else None,
        "used": dict(sorted(used.items())),
        "target": circumstances.target,
        "builder": circumstances.builder,
        "options": dict(sorted(circumstances.options.items())),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

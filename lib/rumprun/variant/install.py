# SPDX-License-Identifier: BSD-2-Clause
"""A variant put where debhelper packs it: ``debian/<package>`` and its substvars."""

from __future__ import annotations

import shutil
from pathlib import Path

from rumprun.variant.build import BuiltVariant

_DEPENDS = "rumprun:Depends"
STATIC_BUILT_USING = "rumprun:Static-Built-Using"


def install(built: BuiltVariant, tree: Path) -> None:
    """Merge the variant's files into its package's tree and set its substitution variables.

    Files that the maintainer put there stay; one of the same name is replaced.
    """
    variant = built.harvested.candidate.variant
    package = tree / "debian" / variant
    for path in built.harvested.root.rglob("*"):
        # copytree would write through a link, and stumble over one that it is to make.
        place = package / path.relative_to(built.harvested.root)
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            place.unlink()
    shutil.copytree(built.harvested.root, package, symlinks=True, dirs_exist_ok=True)
    set_substvars(
        tree / "debian" / f"{variant}.substvars",
        {
            _DEPENDS: ", ".join(built.relations.depends),
            STATIC_BUILT_USING: ", ".join(built.relations.static_built_using),
        },
    )


def set_substvars(path: Path, values: dict[str, str]) -> None:
    """Write ``values`` into a deb-substvars(5) file, in place of older ones of the same name."""
    old = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = [line for line in old if line.partition("=")[0] not in values]
    lines = kept + [f"{name}={value}" for name, value in sorted(values.items())]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

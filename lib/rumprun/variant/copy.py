# SPDX-License-Identifier: BSD-2-Clause
"""The source tree as it was before the native build, for the variant pass of the add-on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from rumprun.command import run
from rumprun.errors import BuildError
from rumprun.workdir import remove_tree

# dh_clean removes debian/.debhelper, and with it everything of ours.
DEBHELPER_DIRECTORY = Path("debian/.debhelper/rumprun")
_PRISTINE = DEBHELPER_DIRECTORY / "pristine"

# What belongs to version control or to debhelper's record of the native build.
_NOT_SOURCE = frozenset({".git", ".svn", ".hg", ".bzr", ".pc"})


def keep_copy(tree: Path) -> None:
    """Copy ``tree`` into its own debian/.debhelper, unless a copy is there already."""
    destination = tree / _PRISTINE
    if destination.exists():
        return
    partial = destination.with_name("pristine.partial")
    remove_tree(partial)
    partial.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(tree, partial, symlinks=True, ignore=_ignored)
    partial.rename(destination)


def clean_copy(tree: Path, destination: Path) -> Path:
    """A tree to build in: the copy kept before the native build, moved to ``destination``.

    Where none was kept (a debian/rules that does not call dh), the tree as it is now is copied
    and cleaned by its own rules, which must undo a build (Policy 4.9). Raises
    :class:`BuildError` where that fails.
    """
    kept = tree / _PRISTINE
    if kept.exists():
        kept.rename(destination)
        return destination
    shutil.copytree(tree, destination, symlinks=True, ignore=_ignored)
    # Options of the dh that runs us, such as -pPACKAGE, are not for this one.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("DH_INTERNAL_")
    }
    environment["DH_RUMPRUN_PASS"] = "clean"  # noqa: S105 (no password)
    answer = run(["debian/rules", "clean"], cwd=destination, env=environment, check=False)
    if answer.returncode != 0:
        raise BuildError(
            f"debian/rules clean failed in a copy of the tree:\n{answer.stderr[-1000:]}",
            hint="it must undo a build (Policy 4.9)",
        )
    return destination


def _ignored(directory: str, names: list[str]) -> set[str]:
    """Names that are no part of the source; debian/.debhelper would copy into itself."""
    left_out = _NOT_SOURCE & set(names)
    if Path(directory).name == "debian" and ".debhelper" in names:
        left_out = left_out | {".debhelper"}
    return set(left_out)

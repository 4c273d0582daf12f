# SPDX-License-Identifier: BSD-2-Clause
"""One sysroot made of several, as the target's tools want it: a tree of links."""

from __future__ import annotations

import os
from pathlib import Path

from rumprun.command import base_environment
from rumprun.variant.audit.closure import Closure


def merge(closure: Closure, overlay: Path) -> dict[str, str]:
    """Fill the directory ``overlay`` with the package and its dependencies, first come first.

    Returns the environment in which the target's compiler and pkg-config search it before the
    toolchain's own sysroot.
    """
    for layer in (closure.own, *closure.others):
        if layer:
            _add(closure, layer.sysroot, overlay)
    return {**base_environment(), "RUMPRUN_SYSROOT": str(overlay)}


def _add(closure: Closure, sysroot: Path, overlay: Path) -> None:
    for here, directories, files in os.walk(sysroot):
        relative = Path(here).relative_to(sysroot)
        place = overlay / relative
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            directories.clear()
            continue
        place.mkdir(parents=True, exist_ok=True)
        links = [name for name in directories if (Path(here) / name).is_symlink()]
        for name in (*files, *links):
            real: Path | None = Path(here, name).absolute()
            if real and real.is_symlink():
                # What it points to may be in another package, or somewhere on this machine.
                real = closure.resolve(str(closure.target.prefix / relative / name))
            if real and not os.path.lexists(place / name):
                (place / name).symlink_to(real.absolute())

# SPDX-License-Identifier: BSD-2-Clause
"""The pvh board's sources in test programs for this machine."""

from __future__ import annotations

from pathlib import Path

from rumprun import command

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "boards" / "pvh"
OWN = ROOT / "tests" / "boards"

# What device_fuzz.c is built with: its shims, and what a program's files of Xen reach.
DEVICES = [
    *(OWN / name for name in ("device_ask.c", "device_shim.c", "device_store.c", "memory_shim.c")),
    *(BASE / "xen" / f"{name}_file.c" for name in ("event", "grant", "share", "xenbus")),
    *(BASE / "xen" / name for name in ("devices.c", "privcmd.c", "store_page.c", "xenbus_ring.c")),
    *(BASE / name for name in ("fault.c", "file.c", "space.c", "space_move.c")),
]

_FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-g", "-O1", "-Wall", "-Wextra", "-Werror",
          "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]  # fmt: skip


def build(directory: Path, name: str, *sources: Path, xen: bool = False) -> Path:
    """The program ``name`` in ``directory``, with sanitizers; ``xen`` for Xen's public headers."""
    tool = directory / name
    include: list[str | Path] = ["-I", BASE, "-I", OWN]
    if xen:
        # Without the rest of what is beside them.
        (directory / "xen").symlink_to("/usr/include/xen")
        include += ["-isystem", directory]
    command.run(["gcc", *_FLAGS, *include, "-o", tool, *sources], timeout=300)
    return tool

# SPDX-License-Identifier: BSD-2-Clause
"""xenstored's variant for tests of what is made of it: built once for each recipe and source."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Final

from rumprun import paths
from rumprun.command import base_environment, run
from rumprun.digest import sha256_of_bytes

PACKAGE: Final = paths.DATA / "packages" / "xenstore-stubdom-rumprun"

# Of each version of Xen, the suite whose source has it.
SUITES: Final = {"4.17": "bookworm", "4.20": "trixie"}
DOMCTL: Final = {"4.17": 0x15, "4.20": 0x17}

_CACHE: Final = paths.DATA / "build" / "cache"

# A busy machine without a compiler's cache.
_BUILD_SECONDS = 1800


def xenstored_package(xen: str) -> Path:
    """The package xenstored-rumprun of Xen's version ``xen``, from the source of its suite."""
    made_of = (paths.RECIPES / "xen.toml", paths.DATA / "toolchain" / "xen-abi.h")
    key = sha256_of_bytes(b"".join(path.read_bytes() for path in made_of))[:16]
    directory = _CACHE / "xenstored" / f"{xen}-{key}"
    directory.mkdir(parents=True, exist_ok=True)
    # Tests of several processes want it.
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = sorted(directory.glob("xenstored-rumprun_*.deb"))
        if not found:
            words = ["build", "--only-named", "xen", "--suite", SUITES[xen], "--enable-deb-src"]
            run(
                [paths.DATA / "rumpdeb", *words, "--output", directory],
                env={**base_environment(), "XDG_CACHE_HOME": str(_CACHE)},
                timeout=_BUILD_SECONDS,
            )
            found = sorted(directory.glob("xenstored-rumprun_*.deb"))
    (deb,) = found
    return deb

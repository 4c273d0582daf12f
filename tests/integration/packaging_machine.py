# SPDX-License-Identifier: BSD-2-Clause
"""The machine that our own packages are installed on for a test, and left as it was."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from rumprun.command import base_environment, run

ROOT = Path(__file__).resolve().parents[2]
OURS = (
    "dh-rumprun",
    "rumprun-board-pvh",
    "rumprun-check-xen",
    "rumprun-lab",
    "rumprun-toolchain",
    "rumprun-toolchain-c++",
    "zlib1g-rumprun-dev",
)

_LEFT_OUT = shutil.ignore_patterns(".git", "build", "__pycache__", ".*_cache", ".hypothesis")


def copy_checkout(destination: Path) -> Path:
    """The checkout's sources, without what was built and without its history."""
    shutil.copytree(ROOT, destination, symlinks=True, ignore=_LEFT_OUT)
    return destination


def may_install() -> bool:
    """Whether packages can be installed here without a question."""
    if os.geteuid() == 0:
        return True
    return shutil.which("sudo") is not None and (
        run(["sudo", "-n", "true"], check=False).returncode == 0
    )


def apt_get(*words: str | Path) -> None:
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    run(
        [
            *as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "--yes",
            "-o", "DPkg::Lock::Timeout=300", *words,
        ],
        env={**base_environment(), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        timeout=900,
    )  # fmt: skip


def installed(names: Sequence[str] = OURS) -> list[str]:
    """Those of ``names`` that are installed."""
    answer = run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names], check=False
    )
    rows = (line.split() for line in answer.stdout.splitlines())
    return [row[0] for row in rows if row[1:] == ["installed"]]


@contextlib.contextmanager
def left_as_it_was() -> Iterator[None]:
    """Remove afterwards those of our packages that were not installed before."""
    before = installed()
    try:
        yield
    finally:
        added = [name for name in installed() if name not in before]
        if added:
            apt_get("purge", *added)

# SPDX-License-Identifier: BSD-2-Clause
"""What a builder does: it takes a job and gives its outcome, while others run beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rumprun.source.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Job:
    """One source to build.

    ``dsc`` is the source package; ``variants`` are the packages that the build may use;
    ``directory`` is an empty one for it alone; ``log`` is where what it says belongs; ``jobs``
    are the commands that it may run at once, 0 for as many as its machine has processors;
    ``tools`` are packages that it wants on the build machine; ``recipe`` is what was found for it
    outside of the source; ``identity`` is that of the build.
    """

    source: str
    version: str
    dsc: Path
    variants: tuple[Path, ...]
    directory: Path
    log: Path
    jobs: int
    tools: tuple[str, ...] = ()
    recipe: Recipe | None = None
    identity: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a job ended: its ``packages``, or the ``error`` that it failed with.

    ``report`` is what the build says of itself: what was switched off, its own tests.
    ``fatal`` is set where the machine gave out, so that no other job will do better; ``worker``
    is the machine that built it, where there are several.
    """

    packages: tuple[Path, ...] = ()
    error: str | None = None
    report: Mapping[str, Any] | None = None
    fatal: bool = False
    worker: str = ""


class Builder(Protocol):
    """Where jobs are built. A job is known by the name of its source."""

    @property
    def name(self) -> str:
        """The builder and its circumstances, such as ``sbuild bookworm``: part of an identity."""

    def prepare(self) -> None:
        """Make ready what all jobs need, such as a chroot.

        Raises an error of :mod:`rumprun.errors` where that cannot be.
        """

    def submit(self, job: Job) -> None:
        """Start ``job``."""

    def poll(self, source: str) -> Outcome | None:
        """The outcome of the job of ``source``; ``None`` while it runs."""

    def worker(self, source: str) -> str:
        """The machine that builds the job of ``source``, where there are several; else empty."""

    def abort(self, source: str) -> None:
        """End the job of ``source``; nothing of it goes on."""

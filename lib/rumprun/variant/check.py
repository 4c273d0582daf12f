# SPDX-License-Identifier: BSD-2-Clause
"""A source's own test suite, run on the variant by the source's own debian/rules."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path

from rumprun.command import NO_END
from rumprun.errors import BuildError
from rumprun.source.package import SourcePackage
from rumprun.target.descriptor import Target
from rumprun.variant.own_tests import TestResults, read_results
from rumprun.variant.sysroot import Sysroot
from rumprun.variant.variant_pass import PassOptions, run_pass


@dataclass(frozen=True, kw_only=True)
class OwnTests:
    """How it went; ``succeeded`` is what the rules said, the numbers are from the log.

    ``ended`` is not set where time ran out.
    """

    succeeded: bool
    results: TestResults
    ended: bool = True

    def __str__(self) -> str:
        """One line for a person."""
        if not self.ended:
            return "own tests: no end in the time that they had"
        if not self.results.suites:
            return "own tests: none counted" if self.succeeded else "own tests: failed"
        return (
            f"own tests: {self.results.passed} passed, {self.results.failed} failed,"
            f" {self.results.skipped} skipped"
        )


def run_own_tests(
    tree: Path,
    source: SourcePackage,
    target: Target,
    sysroot: Sysroot,
    *,
    work: Path,
    log: Path,
    options: PassOptions,
) -> OwnTests:
    """Build a copy of ``tree`` once more, with its tests, as ``nocheck`` was not given.

    The programs run on the build machine. ``log`` gets what it says. A failed test is a result,
    and so is a build that fails where only tests are built.
    """
    work.mkdir()
    copy = work / "tree"
    shutil.copytree(tree, copy, symlinks=True)
    private = work / "pass"
    private.mkdir()
    log.unlink(missing_ok=True)
    succeeded = ended = True
    timeout = options.check_timeout or options.timeout
    try:
        run_pass(
            copy,
            source,
            target,
            sysroot,
            work=private,
            log=log,
            options=dataclasses.replace(options, check=True, timeout=timeout),
        )
    except BuildError as error:
        succeeded = False
        ended = NO_END not in error.message
    text = log.read_text(encoding="utf-8", errors="replace")
    return OwnTests(succeeded=succeeded, ended=ended, results=read_results(text))

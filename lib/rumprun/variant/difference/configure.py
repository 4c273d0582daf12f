# SPDX-License-Identifier: BSD-2-Clause
"""A source's own debian/rules, run as far as configure: natively, and as the variant pass does."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path

from rumprun import paths
from rumprun.command import ADMINISTRATORS_PATH, CommandFailed, base_environment, run
from rumprun.errors import BuildError
from rumprun.source.package import SourcePackage
from rumprun.target.descriptor import Target
from rumprun.variant.features import Switch
from rumprun.variant.passes import run_passes
from rumprun.variant.sysroot import Sysroot
from rumprun.variant.variant_pass import PassOptions

# These end a build at configure; a debian/rules that uses none of them builds all.
_STOPPED = ("dh_auto_configure", "dh_auto_build", "dh_auto_test", "dh_auto_install")

# Read by make. The outer call sets up the inner one, which is the source's own; that fails where
# it looks for what was not built, which is no failure of configure.
_OUTER = """\
#!/usr/bin/make -f
ifeq ($(DH_RUMPRUN_CONFIGURED),)
export DH_RUMPRUN_CONFIGURED := {record}
export PATH := {commands}:$(PATH)
build-arch build-indep:
\t@rm -f $(DH_RUMPRUN_CONFIGURED)
\t@debian/rules $@ || test -s $(DH_RUMPRUN_CONFIGURED)
binary-arch binary-indep: ;
else
"""
_END = "\nendif\n"

# What the native side leaves out as well: libraries for other word sizes, and tests.
NATIVE_PROFILES = frozenset({"nobiarch", "nocheck"})


@dataclass(frozen=True, kw_only=True)
class Configured:
    """A tree after configure, and the features that were switched off for lack of a library."""

    tree: Path
    switches: tuple[Switch, ...] = ()


def configure_native(
    tree: Path,
    source: SourcePackage,
    *,
    work: Path,
    log: Path,
    options: PassOptions,
    documents: bool = True,
) -> Configured:
    """Configure a copy of ``tree`` below the empty directory ``work``, as a native build does.

    Without ``documents`` the build is told to leave documentation out. Raises
    :class:`BuildError` with the end of ``log`` where the source does not configure.
    """
    copy = stopping_copy(tree, work / "tree", work / "stop")
    environment = _native_environment(source, options.jobs, documents=documents)
    try:
        run(
            ["debian/rules", "build-indep" if source.is_all else "build-arch"],
            cwd=copy,
            env=environment,
            log=log,
            timeout=options.timeout,
        )
    except CommandFailed as error:
        raise BuildError(
            f"{source.name} {source.version} does not configure natively: {_cause(error)}",
            hint=f"the whole log is {log}",
        ) from error
    return Configured(tree=copy)


def configure_variant(
    tree: Path,
    source: SourcePackage,
    target: Target,
    sysroot: Sysroot,
    *,
    work: Path,
    log: Path,
    options: PassOptions,
) -> Configured:
    """Configure a copy of ``tree`` below the empty directory ``work``, as the variant pass does.

    Features whose library is not in ``sysroot`` are switched off as for a variant. Raises
    :class:`BuildError` as :func:`rumprun.variant.passes.run_passes` does.
    """
    copy = stopping_copy(tree, work / "source", work / "stop")
    passes = work / "passes"
    passes.mkdir()
    done = run_passes(
        copy,
        source,
        target,
        sysroot,
        work=passes,
        log=log,
        options=dataclasses.replace(options, echo=False),
    )
    return Configured(tree=done.tree, switches=done.switches)


def stopping_copy(tree: Path, destination: Path, private: Path) -> Path:
    """A copy of ``tree`` whose build ends after the last dh_auto_configure.

    ``private`` is a new directory for what that takes.
    """
    commands = private / "commands"
    commands.mkdir(parents=True)
    for name in _STOPPED:
        (commands / name).symlink_to(paths.DEBHELPER / "pass" / "after_configure")
    shutil.copytree(tree, destination, symlinks=True)
    rules = destination / "debian" / "rules"
    mode = rules.stat().st_mode
    # Where it is a link, the other end may be shared.
    text = rules.read_text(encoding="utf-8", errors="surrogateescape")
    rules.unlink()
    outer = _OUTER.format(record=private / "configured", commands=commands)
    rules.write_text(outer + text + _END, encoding="utf-8", errors="surrogateescape")
    rules.chmod(mode | 0o111)
    return destination


def _cause(error: CommandFailed) -> str:
    """The line that says it: the last complaint that is not make's or debhelper's own."""
    lines = [line.strip() for line in error.message.splitlines() if line.strip()]
    callers = ("make", "dh_", "failed with status")
    said = [line for line in lines if "error" in line.lower() and not line.startswith(callers)]
    return (said or lines)[-1]


def _native_environment(source: SourcePackage, jobs: int, *, documents: bool) -> dict[str, str]:
    """What dpkg-buildpackage sets, tests left out."""
    environment = {**base_environment(), "PATH": ADMINISTRATORS_PATH}
    answer = run(["dpkg-architecture", "-f"], env=environment, hint="install dpkg-dev")
    for line in answer.stdout.splitlines():
        name, _, value = line.partition("=")
        environment[name] = value
    words = ["nocheck", f"parallel={jobs}", *(() if documents else ("nodoc",))]
    environment["DEB_BUILD_OPTIONS"] = " ".join(words)
    profiles = {*NATIVE_PROFILES, *(() if documents else ("nodoc",))}
    environment["DEB_BUILD_PROFILES"] = " ".join(sorted(profiles))
    environment["DEB_RULES_REQUIRES_ROOT"] = "no"
    environment["SOURCE_DATE_EPOCH"] = str(source.timestamp)
    return environment

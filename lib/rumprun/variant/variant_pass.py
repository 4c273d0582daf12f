# SPDX-License-Identifier: BSD-2-Clause
"""The variant pass: a source's own debian/rules, run a second time, for the target."""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rumprun import paths
from rumprun.command import CommandFailed, failure, last_lines, run, stream
from rumprun.errors import BuildError
from rumprun.source.naming import PASS_PROFILES
from rumprun.source.package import SourcePackage
from rumprun.target.descriptor import Target
from rumprun.variant.environment import (
    PassDirectories,
    pass_environment,
    prepare_directories,
    put_plain_tools,
    with_tolerant_tools,
)
from rumprun.variant.features import Switch, write_switches
from rumprun.variant.left_out import put_compilers
from rumprun.variant.sysroot import Sysroot

_DEFAULT_TIMEOUT = 4 * 3600.0


@dataclass(frozen=True, kw_only=True)
class PassOptions:
    """What a caller may set.

    ``jobs`` run at once; ``timeout`` is in seconds, for each of the two steps; ``configure``
    are arguments to append to those of the source; ``build_steps`` and ``install_steps`` are
    command lines in the place of the two steps; ``switches`` turn features off;
    ``profiles`` are the build profiles, ``variables`` more of the environment; ``check`` builds
    and runs the source's own tests, and installs nothing, in ``check_timeout`` seconds if that is
    set; ``plain_tools`` puts the target's
    compiler in the place of the native one, for sources that call gcc by that name; ``left_out``
    are headers whose programs the pass does without; ``echo`` also shows what the build says.
    """

    jobs: int
    timeout: float = _DEFAULT_TIMEOUT
    configure: tuple[str, ...] = ()
    switches: tuple[Switch, ...] = ()
    build_steps: tuple[str, ...] = ()
    install_steps: tuple[str, ...] = ()
    profiles: frozenset[str] = PASS_PROFILES
    variables: Mapping[str, str] = field(default_factory=dict)
    check: bool = False
    check_timeout: float | None = None
    plain_tools: bool = False
    left_out: tuple[str, ...] = ()
    echo: bool = False


def run_pass(
    tree: Path,
    source: SourcePackage,
    target: Target,
    sysroot: Sysroot,
    *,
    work: Path,
    log: Path,
    options: PassOptions,
) -> Path:
    """Build and stage ``tree`` for ``target``; return the directory of the linker's maps.

    The tree is changed: what it stages lies in its debian/ afterwards.
    ``work`` is an empty directory for the private tables, commands and records. Raises
    :class:`BuildError` with the last lines of ``log`` and its name where a step fails.
    """
    directories = prepare_directories(target, work, check=options.check)
    environment = _environment(tree, source, target, sysroot, directories, work, options)
    kind = "indep" if source.is_all else "arch"
    confined = confinement(tree, work)
    for words in _commands(options.build_steps, f"build-{kind}"):
        _step(words, tree, environment, source, log, options, confined)
    if not options.check:
        tolerant = with_tolerant_tools(environment, directories)
        for words in _commands(options.install_steps, f"binary-{kind}"):
            _step(words, tree, tolerant, source, log, options, confined)
    _tell_absent(directories, log)
    return directories.link_log


def _tell_absent(directories: PassDirectories, log: Path) -> None:
    absent = directories.absent.read_text(encoding="utf-8")
    if absent:
        with log.open("a", encoding="utf-8") as file:
            file.write(f"The install step did without what the variant pass leaves out:\n{absent}")


def confinement(*directories: Path) -> list[str]:
    """Words that run a command which may write below ``directories`` and for scratch only."""
    scratch = {tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev", "/proc"}  # noqa: S108
    places = [*map(str, directories), *sorted(place for place in scratch if Path(place).is_dir())]
    program = paths.DEBHELPER / "pass" / "confined.py"
    return [sys.executable, "-I", "-S", str(program), *places, "--"]


def _environment(
    tree: Path,
    source: SourcePackage,
    target: Target,
    sysroot: Sysroot,
    directories: PassDirectories,
    work: Path,
    options: PassOptions,
) -> dict[str, str]:
    """The environment of the pass in ``tree`` with ``options``, and the commands that it finds."""
    environment = pass_environment(
        target,
        directories,
        source=source.name,
        epoch=source.timestamp,
        jobs=options.jobs,
        sysroot=sysroot.path,
        profiles=options.profiles,
        check=options.check,
    )
    environment["RUMPRUN_BUILD_TREE"] = str(tree)
    if options.plain_tools:
        put_plain_tools(target, directories)
    if options.left_out:
        put_compilers(target, directories.commands)
        environment["DH_RUMPRUN_LEFT_OUT"] = " ".join(options.left_out)
    environment.update(options.variables)
    environment["DH_RUMPRUN_CONFIGURE"] = "\n".join(options.configure)
    environment.update(write_switches(options.switches, work, environment["CONFIG_SITE"]))
    return environment


def _commands(steps: Sequence[str], rule: str) -> list[list[str]]:
    """The command lines of ``steps``, or where there are none, the ``rule`` of debian/rules."""
    return [shlex.split(step) for step in steps] or [["debian/rules", rule]]


def _step(
    argv: Sequence[str],
    tree: Path,
    env: Mapping[str, str],
    source: SourcePackage,
    log: Path,
    options: PassOptions,
    confined: Sequence[str],
) -> None:
    try:
        if options.echo:
            _run_shown(argv, tree, env, log, options.timeout, confined)
        else:
            run(argv, cwd=tree, env=env, log=log, timeout=options.timeout, wrapper=confined)
    except CommandFailed as error:
        raise BuildError(
            f"{source.name} {source.version}: variant pass: {error.message}",
            hint=f"the whole log is {log}",
        ) from error


def _run_shown(
    argv: Sequence[str],
    tree: Path,
    env: Mapping[str, str],
    log: Path,
    timeout: float,
    confined: Sequence[str],
) -> None:
    """Run ``argv`` with its output both shown and logged, for a build log that others read."""
    with log.open("ab") as file:

        def sink(chunk: bytes) -> None:
            file.write(chunk)
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()

        completed = stream(
            argv,
            sink=sink,
            cwd=tree,
            env=env,
            timeout=timeout,
            merge_errors=True,
            wrapper=confined,
        )
    if completed.returncode != 0:
        raise failure(completed, last_lines(log.read_text(encoding="utf-8", errors="replace")))

# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb build --repo``: a plan carried out, its results in an apt repository."""

from __future__ import annotations

import argparse
import functools
import importlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from rumprun import ui
from rumprun.archive.builder import Builder
from rumprun.archive.chroot import Chroot
from rumprun.archive.clean_builder import CleanOptions
from rumprun.archive.execute import Executor, Progress, State
from rumprun.archive.identity import Circumstances, target_digest
from rumprun.archive.local_builder import LocalBuilder
from rumprun.archive.pbuilder import PbuilderBuilder
from rumprun.archive.progress import Display
from rumprun.archive.report import write_report
from rumprun.archive.repository import Repository
from rumprun.archive.sbuild import SbuildBuilder
from rumprun.archive.schroot import Schroot
from rumprun.cli import debusine_options
from rumprun.cli.given_plan import locate_planned, plan_of
from rumprun.cli.plan import recipe_finder
from rumprun.cli.publish import packages_in
from rumprun.cli.target_option import target_words
from rumprun.errors import BuildError, UsageError
from rumprun.source.apt_root import base_suite
from rumprun.target.descriptor import Target
from rumprun.workdir import temporary_tree

# The source of our own packages, which 'publish' may have put into the repository.
_OURS = "dh-rumprun"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that only a build into a repository has."""
    parser.add_argument(
        "--repo",
        type=Path,
        metavar="DIR",
        help="publish into this apt repository, build only what has changed since",
    )
    parser.add_argument(
        "--builder",
        choices=sorted(_BUILDERS),
        default="local",
        help="where to build for a repository: on this machine, in clean chroots, or on the"
        " workers of a debusine server (default: %(default)s)",
    )
    parser.add_argument(
        "--chroot-mode",
        choices=("schroot", "unshare"),
        default="unshare",
        help="how sbuild gets its chroot (default: %(default)s, which needs no root)",
    )
    parser.add_argument(
        "--extra-package",
        type=Path,
        action="append",
        default=[],
        metavar="DEB|DIR",
        help="a package, or all in a directory, that chroots may install: our own above all",
    )
    parser.add_argument(
        "--native", action="store_true", help="in chroots, build the source's own packages too"
    )
    debusine_options.add_arguments(parser)
    parser.add_argument("--key", help="sign the repository with this key of gpg's")
    parser.add_argument(
        "--wait", action="store_true", help="where another command holds the repository, wait"
    )


def main(arguments: argparse.Namespace, target: Target) -> int:
    """Carry out the plan for the sources named; the status tells whether one of them failed."""
    plan = plan_of(arguments, target)
    repository = Repository(path=arguments.repo.absolute(), key=arguments.key)
    builder = _BUILDERS[arguments.builder](arguments, target)
    builder.prepare()
    with repository.held(wait=arguments.wait), temporary_tree() as work, Display() as display:
        run = Executor(
            plan=plan,
            repository=repository,
            builder=builder,
            circumstances=Circumstances(
                target=target_digest(target),
                builder=builder.name,
                options={"check": arguments.check},
            ),
            locate=functools.partial(locate_planned, arguments),
            recipe_for=recipe_finder(arguments),
            work=work,
            at_once=arguments.jobs,
            in_flight=arguments.at_once if arguments.builder == "debusine" else None,
            observer=display,
        ).execute()
        # A run that found all as it was has nothing to report.
        if any(item.state is not State.KEPT for item in run.values()):
            ui.note(f"report: {write_report(plan, run, repository)}")
    _report(run, repository, as_json=arguments.json)
    failed = [name for name in plan.asked if run[name].state is State.FAILED]
    return BuildError.exit_code if failed else 0


def _local(arguments: argparse.Namespace, _target: Target) -> Builder:
    options = list(_build_options(arguments))
    options += ["--install-deps"] if arguments.install_deps else []
    for place in arguments.recipe:
        options += ["--recipe", str(place.absolute())]
    return LocalBuilder(tuple(options))


def _sbuild(arguments: argparse.Namespace, target: Target) -> Builder:
    suite, architecture = arguments.suite or base_suite(), target.dpkg_architecture
    chroot: Chroot | Schroot = Chroot(suite=suite, architecture=architecture, mode="unshare")
    if arguments.chroot_mode == "schroot":
        chroot = Schroot(suite=suite, architecture=architecture)
    return SbuildBuilder(chroot, _clean_options(arguments))


def _pbuilder(arguments: argparse.Namespace, target: Target) -> Builder:
    suite = arguments.suite or base_suite()
    chroot = Chroot(suite=suite, architecture=target.dpkg_architecture, mode="root")
    return PbuilderBuilder(chroot, _clean_options(arguments))


def _clean_options(arguments: argparse.Namespace) -> CleanOptions:
    repository = Repository(path=arguments.repo.absolute())
    ours = repository.records().get(_OURS)
    own = (
        *packages_in(arguments.extra_package),
        *(repository.packages(ours) if ours else ()),
    )
    return CleanOptions(
        own=own,
        native=arguments.native,
        build=_build_options(arguments),
        recipes=arguments.recipe,
    )


def _build_options(arguments: argparse.Namespace) -> tuple[str, ...]:
    """What of the command line is for the build of each source."""
    if arguments.native and arguments.check:
        raise UsageError(
            "--native builds converted sources, whose own tests are not the variant's",
            hint="give --check in a run of its own",
        )
    other = target_words(arguments)
    if arguments.native and other:
        raise UsageError(
            f"--native with {' '.join(other)}: converted sources are for the default target",
            hint="leave --native out",
        )
    options = [*other, "--timeout", str(arguments.timeout)]
    options += ["--check"] if arguments.check else []
    if arguments.check_timeout is not None:
        options += ["--check-timeout", str(arguments.check_timeout)]
    return tuple(options)


def _debusine(arguments: argparse.Namespace, target: Target) -> Builder:
    # What speaks HTTP takes longer to import than the rest of a command.
    module = importlib.import_module("rumprun.cli.debusine_builder")
    clean = _clean_options(arguments)
    found: Builder = module.builder(arguments, target.dpkg_architecture, clean)
    return found


_BUILDERS: Mapping[str, Callable[[argparse.Namespace, Target], Builder]] = {
    "debusine": _debusine,
    "local": _local,
    "sbuild": _sbuild,
    "pbuilder": _pbuilder,
}


def _report(run: Mapping[str, Progress], repository: Repository, *, as_json: bool) -> None:
    """The result of each source, and how the repository is used."""
    if as_json:
        print(json.dumps([_row(item, repository) for item in run.values()], indent=2))
        return
    for name, item in run.items():
        if item.state is State.FAILED and item.record is not None:
            ui.fail(f"{name}: {item.record.error}")
    for state in (State.BUILT, State.KEPT, State.FAILED):
        names = [name for name, item in run.items() if item.state is state]
        if names:
            print(f"{state.value}: {', '.join(names)}")
    print(repository.source_entry)


def _row(item: Progress, repository: Repository) -> dict[str, object]:
    record = item.record
    assert record is not None
    return {
        "source": record.source,
        "version": record.version,
        "state": item.state.value,
        "seconds": record.seconds,
        "worker": record.worker,
        "packages": [str(file) for file in repository.packages(record)],
        "log": str(repository.log_of(record.source, record.identity)),
        "error": record.error,
    }

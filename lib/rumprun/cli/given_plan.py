# SPDX-License-Identifier: BSD-2-Clause
"""The plan that a build carries out: made for the sources named, or read from a file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rumprun.archive.model import Node, Plan
from rumprun.archive.plan_file import read_plan
from rumprun.cli.plan import ANY_SUITE, plan_for, sources_by_name
from rumprun.cli.sources import DSC, locate_dsc
from rumprun.digest import sha256_of
from rumprun.errors import InputError, UsageError
from rumprun.source.control import read_text
from rumprun.source.dsc import read_dsc
from rumprun.target.descriptor import Target


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the option that gives a plan."""
    parser.add_argument(
        "--plan",
        metavar="FILE",
        help="carry out this plan of 'rumpdeb plan --json', '-' for standard input; a SOURCE is"
        " then the .dsc of one of its sources",
    )


def check(arguments: argparse.Namespace) -> None:
    """Raises :class:`UsageError` unless there is either a plan or a source to make one for."""
    if arguments.plan is None:
        if not arguments.sources:
            raise UsageError("no source is named", hint="name one, or give --plan")
        return
    if arguments.only_named or arguments.without:
        raise UsageError(
            "--plan says what is built and with what", hint="give --without to 'rumpdeb plan'"
        )
    words = [word for word in arguments.sources if not word.endswith(DSC)]
    if words:
        raise UsageError(
            f"--plan says what is built, not {words[0]!r}", hint="name .dsc files of its sources"
        )


def plan_of(arguments: argparse.Namespace, target: Target) -> Plan:
    """The plan for the command line.

    Raises what :func:`read_plan` raises, and :class:`InputError` for a plan for another target.
    """
    if arguments.plan is None:
        return plan_for(arguments, target)
    if arguments.plan == "-":
        plan = read_plan(sys.stdin.read(), name="standard input")
    else:
        plan = read_plan(read_text(Path(arguments.plan)), name=arguments.plan)
    if plan.target != target.name:
        raise InputError(
            f"the plan is for {plan.target}, not {target.name}", hint="see 'rumpdeb targets'"
        )
    if arguments.suite is None and plan.suite != ANY_SUITE:
        arguments.suite = plan.suite
    planned = {node.source for node in plan.nodes}
    for name, word in sources_by_name(arguments.sources).items():
        if name not in planned:
            raise UsageError(f"{word}: {name} is not in the plan")
    return plan


def locate_planned(arguments: argparse.Namespace, node: Node, directory: Path) -> Path:
    """The ``.dsc`` of ``node``; one of the archive is fetched into ``directory``.

    Where a file has the plan, it has to be the very source that was planned. Raises
    :class:`InputError` where it is another.
    """
    words = sources_by_name(arguments.sources)
    given = words.get(node.source)
    if arguments.plan is None:
        return locate_dsc(given or node.source, arguments, directory).absolute()
    if given is not None:
        path = Path(given).absolute()
        if sha256_of(path) != node.digest:
            raise InputError(
                f"{given} is not the {node.source} {node.version} of the plan",
                hint="make the plan again",
            )
        return path
    # Its own hash apt has checked; where the mirror lacks the .dsc, another stands for it.
    dsc = locate_dsc(f"{node.source}={node.version}", arguments, directory).absolute()
    if read_dsc(dsc).version != node.version:
        raise InputError(f"the archive gave another {node.source} than {node.version}")
    return dsc

# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb farm``: a debusine server with workers on this machine, to try builds on."""

from __future__ import annotations

import argparse

from rumprun.archive.debusine.farm import Farm, Running
from rumprun.errors import MissingError, UsageError

HELP = "run a debusine server with workers on this machine, to try builds on"

_HIGHEST_PORT = 65535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what there is to do, and its options."""
    parser.add_argument(
        "action", choices=("up", "status", "down"), help="start it, look at it, or end it"
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="workers to start (default: %(default)s)",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=8870,
        help="the server's port on 127.0.0.1; the next one is used, too (default: %(default)s)",
    )


def main(arguments: argparse.Namespace) -> int:
    """Do what is asked for; the status of a farm that is not up is that of what is missing."""
    farm = Farm()
    if arguments.action == "up":
        if arguments.workers < 1 or not 0 < arguments.port < _HIGHEST_PORT:
            raise UsageError("a farm has at least one worker, and a port with one after it")
        _show(farm, farm.up(workers=arguments.workers, port=arguments.port))
    elif arguments.action == "down":
        farm.down()
    else:
        running = farm.running()
        if running is None:
            raise MissingError("the farm is not up", hint="'rumpdeb farm up' starts it")
        _show(farm, running)
    return 0


def _show(farm: Farm, running: Running) -> None:
    answer = "answers" if farm.answers() else "does not answer"
    print(f"server: http://127.0.0.1:{running.port} {answer}")
    print(f"workers: {farm.connected()} of {running.workers} connected")
    print(f"logs: {farm.logs}")
    print(f"build on it: rumpdeb build --builder debusine --debusine-config {farm.config}")

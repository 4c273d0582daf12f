# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb lab``: real Xen with a real dom0, in QEMU, for scripts and images."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from rumprun import ui
from rumprun.cli.override import add_memory_argument
from rumprun.errors import MissingError, UsageError
from rumprun.lab import terminal
from rumprun.lab.accelerator import CHOICES
from rumprun.lab.dom0_start import DAEMONS
from rumprun.lab.domain import COMMAND_LINE_LIMITS, domain_name
from rumprun.lab.launch import DEFAULT_MEMORY, LabRequest
from rumprun.lab.releases import DEFAULT, NAMES
from rumprun.lab.state import Running, find_running, remember, require_running, starting, stop
from rumprun.lab.xen import Guest, Lab, LabError, attach, start_lab, start_lasting_lab
from rumprun.workdir import remove_tree

HELP = "run real Xen with a real dom0 in QEMU, and images under it"

TAKES_PROGRAM_ARGUMENTS = True

_HOURS = 4
_LIMIT = _HOURS * 3600

# The options that say what lab is started.
_OF_A_START = ("xen", "store", "disk", "package", "limit", "accel")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    up = actions.add_parser("up", help="start a lab, which runs on")
    _add_start_arguments(up)
    up.add_argument(
        "--memory",
        type=_size,
        default=DEFAULT_MEMORY,
        metavar="MIB",
        help="the machine's (default: %(default)s)",
    )
    run = actions.add_parser("run", help="run a script in dom0, and end as it does")
    run.add_argument(
        "script", metavar="SCRIPT", help="for dom0's shell, or with an interpreter; - for stdin"
    )
    _add_start_arguments(run)
    boot = actions.add_parser("boot", help="run an image as a domain, and end as its program does")
    boot.usage = "rumpdeb lab boot [OPTION…] DIR [-- ARG…]"
    boot.add_argument("directory", type=Path, metavar="DIR", help="an image")
    _add_start_arguments(boot)
    boot.add_argument(
        "--type", choices=list(COMMAND_LINE_LIMITS), help="the kind of domain (default: the sooner)"
    )
    boot.add_argument("--name", metavar="NAME", help="the domain's (default: the directory's)")
    add_memory_argument(boot, whose="domain")
    for each in (run, boot):
        each.add_argument("--timeout", type=_seconds, metavar="S", help="end it after S seconds")
    for each in (up, run, boot):
        each.add_argument("--json", action="store_true", help="print JSON")
    shell = actions.add_parser("shell", help="work in dom0")
    down = actions.add_parser("down", help="end a lab")
    for each in (up, run, boot, shell, down):
        each.add_argument(
            "--lab", default="default", metavar="NAME", help="of several (default: %(default)s)"
        )


def _add_start_arguments(parser: argparse.ArgumentParser) -> None:
    """What lab is started; ``run`` and ``boot`` start one where none is up."""
    parser.add_argument("--xen", choices=NAMES, help=f"the release of Xen (default: {DEFAULT})")
    parser.add_argument(
        "--store",
        metavar="NAME|IMAGE",
        help=f"who serves the store: {', '.join(DAEMONS)}, none, or an image for "
        "init-xenstore-domain (default: xenstored)",
    )
    parser.add_argument(
        "--disk",
        type=Path,
        action="append",
        metavar="FILE",
        help="a raw file that dom0 has as /dev/vda and so on (repeatable)",
    )
    parser.add_argument(
        "--package",
        action="append",
        metavar="NAME",
        help="a further package of the archive for dom0 (repeatable)",
    )
    parser.add_argument(
        "--limit",
        type=_seconds,
        metavar="S",
        help=f"kill the lab after S seconds (default: {_LIMIT})",
    )
    parser.add_argument("--accel", choices=CHOICES, help="as for run (default: auto)")


def _seconds(word: str) -> float:
    value = float(word)
    # Not "<= 0": that lets nan pass.
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{word} is no time in seconds")
    return value


def _size(word: str) -> int:
    value = int(word)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{word} is no size in MiB")
    return value


def main(arguments: argparse.Namespace) -> int:
    """Do what is asked; ``run`` and ``boot`` end as what they ran."""
    if arguments.program_arguments is not None and arguments.action != "boot":
        raise UsageError(f"lab {arguments.action} takes no arguments for a program")
    status: int = _ACTIONS[arguments.action](arguments)
    return status


def _request(arguments: argparse.Namespace, directory: Path) -> LabRequest:
    """What lab the options ask for."""
    store: str | Path = arguments.store or "xenstored"
    if store not in (*DAEMONS, "none"):
        store = Path(store)
    return LabRequest(
        xen=arguments.xen or DEFAULT,
        memory=arguments.memory if arguments.action == "up" else DEFAULT_MEMORY,
        store=store,
        disks=tuple(arguments.disk or ()),
        packages=tuple(arguments.package or ()),
        directory=directory,
        limit=arguments.limit or _LIMIT,
        accelerator=arguments.accel or "auto",
    )


def _up(arguments: argparse.Namespace) -> int:
    with starting(arguments.lab) as directory:
        request = _request(arguments, directory)
        with ui.step(f"starting the lab with Xen {request.xen}"):
            launched = start_lasting_lab(request)
        running = remember(launched, str(request.store))
    if arguments.json:
        print(json.dumps(_described(running), indent=2))
    else:
        ui.note(f"logs and the directory /share of dom0 are in {running.directory}")
    return 0


def _described(running: Running) -> dict[str, Any]:
    return {
        "directory": str(running.directory),
        "xen": running.xen,
        "store": running.store,
        "process": running.process,
    }


def _run(arguments: argparse.Namespace) -> int:
    script = _read_script(arguments.script)
    with _lab(arguments) as lab:
        job = lab.start_script(script)
        if not arguments.json:
            return job.follow(_to(sys.stdout), _to(sys.stderr), arguments.timeout)
        said = job.finish(arguments.timeout)
    print(json.dumps({"status": said.status, "stdout": said.stdout, "stderr": said.stderr}))
    return said.status


def _read_script(operand: str) -> bytes:
    if operand == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(operand).read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MissingError(f"{operand}: no such script") from error


def _boot(arguments: argparse.Namespace) -> int:
    image = arguments.directory
    with _lab(arguments) as lab:
        guest = lab.boot(
            image,
            name=arguments.name or domain_name(image),
            memory=arguments.memory,
            kind=arguments.type,
            arguments=arguments.program_arguments,
        )
        status = _watch(guest, arguments)
        if arguments.json:
            said = guest.console().decode(errors="replace")
            print(json.dumps({"domid": guest.domid, "status": status, "console": said}))
        if status is None:
            raise LabError(f"{guest.name} ended without saying how its program did")
        return status


def _watch(guest: Guest, arguments: argparse.Namespace) -> int | None:
    """Show the domain's console up to its end; it is not left behind, whatever happens."""
    try:
        sink = _nowhere if arguments.json else _to(sys.stdout)
        return guest.follow(sink, arguments.timeout)
    except BaseException:
        with contextlib.suppress(LabError):
            guest.destroy()
        raise


def _shell(arguments: argparse.Namespace) -> int:
    with contextlib.closing(attach(require_running(arguments.lab))) as lab:
        ui.note(f"dom0 of Xen {lab.xen}; {terminal.LEAVE_NAME} leaves it")
        return terminal.attach(lab, "PS1='dom0# ' exec sh -i")


def _down(arguments: argparse.Namespace) -> int:
    running = require_running(arguments.lab)
    stop(running)
    ui.note(f"the logs are in {running.directory}")
    return 0


_ACTIONS = {"up": _up, "run": _run, "boot": _boot, "shell": _shell, "down": _down}


@contextlib.contextmanager
def _lab(arguments: argparse.Namespace) -> Iterator[Lab]:
    """The lab that is up, or one for this command alone."""
    running = find_running(arguments.lab)
    if running is None:
        with _logs() as directory, start_lab(_request(arguments, directory)) as lab:
            yield lab
        return
    given = [name for name in _OF_A_START if getattr(arguments, name) is not None]
    if given:
        raise UsageError(f"--{given[0]}, and a lab is up", hint="see 'rumpdeb lab down'")
    with contextlib.closing(attach(running)) as lab:
        yield lab


@contextlib.contextmanager
def _logs() -> Iterator[Path]:
    """A directory for a lab of our own, which stays where something went wrong."""
    directory = Path(tempfile.mkdtemp(prefix="rumprun-lab."))
    try:
        yield directory
    except LabError:
        ui.note(f"the lab's logs are in {directory}")
        raise
    except BaseException:
        remove_tree(directory)
        raise
    remove_tree(directory)


def _nowhere(_data: bytes) -> None:
    """Not shown."""


def _to(stream: TextIO) -> Callable[[bytes], None]:
    """Pass on at once and unchanged: a program's output need not be text."""

    def write(data: bytes) -> None:
        while data:
            data = data[os.write(stream.fileno(), data) :]

    return write

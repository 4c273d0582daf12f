# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb run``: boot an image in QEMU, and end as its program ended."""

from __future__ import annotations

import argparse
import os
import sys

from rumprun import ui
from rumprun.bake.image import read_image
from rumprun.cli.device_options import add_device_arguments, devices_of
from rumprun.cli.override import add_memory_argument, add_override_arguments, read_override
from rumprun.config.document import document_text
from rumprun.lab.accelerator import CHOICES
from rumprun.lab.devices import MACHINES, Devices
from rumprun.lab.needs import check_needs, drivers_are_modules, needed_devices
from rumprun.lab.qemu import RunRequest, run_image

HELP = "boot an image in QEMU and exit with its program's status"

TAKES_PROGRAM_ARGUMENTS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    parser.usage = "rumpdeb run [OPTION…] DIR [-- ARG…]"
    add_override_arguments(parser)
    add_memory_argument(parser, whose="machine")
    add_device_arguments(parser)
    parser.add_argument(
        "--timeout", type=_seconds, metavar="S", help="stop the machine after S seconds"
    )
    parser.add_argument(
        "--accel",
        choices=CHOICES,
        default="auto",
        help="KVM, or TCG that needs no hardware (default: %(default)s, KVM where it works)",
    )
    parser.add_argument(
        "--machine", choices=MACHINES, help="QEMU's machine (default: pc; which can be, see boards)"
    )
    parser.add_argument("--verbose", action="store_true", help="show what the kernel says")
    parser.add_argument("--trace", action="store_true", help="show each system call (board pvh)")


def main(arguments: argparse.Namespace) -> int:
    """Run the image; its console is our standard output, its program's status ours."""
    image = read_image(arguments.directory)
    document = read_override(image, arguments)
    devices = devices_of(arguments)
    check_needs(needed_devices(image, document), devices)
    if devices != Devices() and drivers_are_modules(image):
        ui.warn("the image's kernel has the drivers of devices as modules; bake with --kernel slim")
    request = RunRequest(
        arguments=arguments.program_arguments,
        config=document_text(document) if document else None,
        memory=arguments.memory,
        timeout=arguments.timeout,
        accelerator=arguments.accel,
        machine=arguments.machine,
        verbose=arguments.verbose,
        trace=arguments.trace,
        devices=devices,
    )
    sys.stdout.flush()
    return run_image(arguments.directory, request, sink=_to_stdout).status


def _to_stdout(chunk: bytes) -> None:
    """Pass on at once and unchanged: a program's output need not be text."""
    while chunk:
        chunk = chunk[os.write(sys.stdout.fileno(), chunk) :]


def _seconds(word: str) -> float:
    value = float(word)
    # Not "<= 0": that lets nan pass.
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{word} is no time in seconds")
    return value

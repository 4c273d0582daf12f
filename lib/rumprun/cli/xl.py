# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb xl``: print the file that xl(1) creates an image's domain from."""

from __future__ import annotations

import argparse
import dataclasses
import shutil
from pathlib import Path

from rumprun import ui
from rumprun.bake.board import Boot, BootRequest, find_board
from rumprun.bake.image import Image, check_files, read_image
from rumprun.cli.device_options import add_block_argument
from rumprun.cli.override import add_memory_argument, add_override_arguments, read_override
from rumprun.config.document import Document, document_text
from rumprun.errors import UsageError
from rumprun.lab.devices import check_block
from rumprun.lab.domain import (
    COMMAND_LINE_LIMITS,
    CONSOLE,
    check_kind,
    command_line_config,
    domain_name,
    domain_text,
    make_domain,
)
from rumprun.lab.needs import needed_devices
from rumprun.lab.qemu import memory_chosen
from rumprun.workdir import atomic_path, temporary_tree

HELP = "print the configuration of an image's domain, for Xen's xl"

TAKES_PROGRAM_ARGUMENTS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    parser.usage = "rumpdeb xl [OPTION…] DIR [-- ARG…]"
    add_override_arguments(parser)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write this file (default: print it)"
    )
    parser.add_argument(
        "--ramdisk",
        type=Path,
        metavar="FILE",
        help="write the image's initramfs, or its boot module, with configuration and arguments to "
        "this file",
    )
    parser.add_argument(
        "--type",
        choices=list(COMMAND_LINE_LIMITS),
        default="pvh",
        help="kind of domain (default: %(default)s)",
    )
    parser.add_argument("--name", metavar="NAME", help="the domain's (default: the directory's)")
    add_memory_argument(parser, whose="domain")
    parser.add_argument(
        "--net",
        action="append",
        default=[],
        metavar="bridge=NAME",
        help="a network interface, as xl-network-configuration(5) has it (repeatable)",
    )
    add_block_argument(parser)
    parser.add_argument("--verbose", action="store_true", help="let the kernel talk")


def main(arguments: argparse.Namespace) -> int:
    """Print the file, or write it; a device that is still missing is noted."""
    image = read_image(arguments.directory)
    document = read_override(image, arguments)
    check_files(image, arguments.directory)
    if arguments.program_arguments is not None and not arguments.ramdisk:
        raise UsageError("arguments for a program without --ramdisk FILE", hint="they go there")
    board = find_board(image.board)
    check_kind(board, arguments.type)
    for block in arguments.block:
        check_block(block)
    with temporary_tree() as scratch:
        boot = _boot(image, document, arguments, scratch)
        domain = make_domain(
            boot if not arguments.ramdisk else _with_ramdisk(boot, arguments.ramdisk),
            name=arguments.name or domain_name(arguments.directory),
            kind=arguments.type,
            memory=memory_chosen(image, arguments.memory),
            vifs=arguments.net,
            blocks=arguments.block,
            wanted=needed_devices(image, document),
        )
        text = domain_text(domain)
        if arguments.ramdisk and boot.initramfs:
            with atomic_path(arguments.ramdisk) as partial:
                shutil.copyfile(boot.initramfs, partial)
    for line in domain.wanted:
        ui.note(line)
    if arguments.output:
        with atomic_path(arguments.output) as partial:
            partial.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 0


def _boot(
    image: Image, document: Document | None, arguments: argparse.Namespace, scratch: Path
) -> Boot:
    """How to start the image; without a ramdisk of its own, the document is on the command line."""
    request = BootRequest(
        arguments=arguments.program_arguments,
        config=document_text(document) if document and arguments.ramdisk else None,
        consoles=(CONSOLE,),
        verbose=arguments.verbose,
    )
    boot = find_board(image.board).boot(image, arguments.directory, request, scratch)
    if document is None or arguments.ramdisk:
        return boot
    if boot.says_end:
        whole = dataclasses.replace(request, config=document_text(document))
        return find_board(image.board).boot(image, arguments.directory, whole, scratch)
    if "--" in image.options:
        raise UsageError(
            "a configuration, and the image's kernel options end with one after --",
            hint="bake the image without that",
        )
    line = boot.command_line + command_line_config(document)
    return dataclasses.replace(boot, command_line=line)


def _with_ramdisk(boot: Boot, ramdisk: Path) -> Boot:
    if boot.initramfs is None:
        raise UsageError("--ramdisk, and there is nothing to put there", hint="leave it out")
    return dataclasses.replace(boot, initramfs=ramdisk)

# SPDX-License-Identifier: BSD-2-Clause
"""The board ``linux``: the archive's kernel, and an initramfs with entrypoint and program."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from rumprun import paths
from rumprun.bake.board import BakeRequest, Boot, BootRequest
from rumprun.bake.image import Image, KernelOrigin, Program, describe_file
from rumprun.bake.initramfs import Entry, append_files, write_initramfs
from rumprun.bake.kernel import archive_kernel, check_kernel
from rumprun.bake.program import program_name
from rumprun.bake.table import TABLE_NAME, encode_table
from rumprun.digest import sha256_of
from rumprun.errors import MissingError

_KERNEL = "kernel"
_INITRAMFS = "initramfs"

# What every program has unless the user says otherwise; the paths are those in the machine.
_DEFAULT_ENV = {"HOME": "/", "PATH": "/bin", "TERM": "dumb"}

# The kernel's part of the console: level 1 leaves a panic only, which ends the machine at once.
_SILENT = ("quiet", "loglevel=1")
_TALKATIVE = ("ignore_loglevel",)
_COMMON = ("console=ttyS0,115200", "panic=-1", "random.trust_cpu=on")


def entrypoint() -> Path:
    """The compiled entrypoint; :class:`MissingError` where it was not built or installed."""
    path = paths.board_files("linux") / "entrypoint"
    if not path.is_file():
        remedy = "run 'make boards'" if paths.IN_TREE else "install rumprun-board-linux"
        raise MissingError(f"{path}: no such entrypoint", hint=remedy)
    return path


class LinuxBoard:
    """See the module."""

    name = "linux"
    description = "Linux kernel of the archive, with the program in an initramfs"

    def bake(self, request: BakeRequest, directory: Path) -> Image:
        """See :class:`rumprun.bake.board.Board`."""
        name = program_name(request.program)
        program = Program(
            name=name,
            path=f"/bin/{name}",
            argv=(name, *request.arguments),
            env=tuple(sorted((_DEFAULT_ENV | dict(request.env)).items())),
            size=request.program.stat().st_size,
            sha256=sha256_of(request.program),
        )
        files = {
            "init": Entry(content=entrypoint(), executable=True),
            program.path.lstrip("/"): Entry(content=request.program, executable=True),
            TABLE_NAME: Entry(content=encode_table(program)),
        }
        origin = _place_kernel(request, directory / _KERNEL)
        write_initramfs(files, directory / _INITRAMFS, date=request.date)
        return Image(
            board=self.name,
            target=request.target.name,
            programs=(program,),
            kernel=origin,
            files=(describe_file(directory / _KERNEL), describe_file(directory / _INITRAMFS)),
        )

    def boot(self, image: Image, directory: Path, request: BootRequest, scratch: Path) -> Boot:
        """See :class:`rumprun.bake.board.Board`."""
        initramfs = directory / _INITRAMFS
        if request.arguments is not None:
            baked = image.programs[0]
            program = dataclasses.replace(baked, argv=(baked.argv[0], *request.arguments))
            table = {TABLE_NAME: Entry(content=encode_table(program))}
            initramfs = scratch / _INITRAMFS
            append_files(directory / _INITRAMFS, table, initramfs, date=0)
        words = [*_COMMON, *(_TALKATIVE if request.verbose else _SILENT)]
        if request.control:
            words.append(f"rumprun.control={request.control}")
        return Boot(kernel=directory / _KERNEL, initramfs=initramfs, command_line=" ".join(words))


def _place_kernel(request: BakeRequest, destination: Path) -> KernelOrigin | None:
    if request.kernel is not None:
        check_kernel(request.kernel)
        shutil.copyfile(request.kernel, destination)
        return None
    found = archive_kernel(request.kernel_package, offline=request.offline)
    shutil.copyfile(found.path, destination)
    return found.origin


BOARD = LinuxBoard()

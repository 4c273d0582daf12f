# SPDX-License-Identifier: BSD-2-Clause
"""The board ``linux``: the archive's kernel, and an initramfs with entrypoint and programs."""

from __future__ import annotations

import shutil
from pathlib import Path

from rumprun import paths
from rumprun.bake.board import (
    BAKED_CONFIG,
    BakeRequest,
    Boot,
    BootRequest,
    changed_files,
    describe_program,
)
from rumprun.bake.image import Image, KernelOrigin, describe_file
from rumprun.bake.initramfs import append_files, write_initramfs
from rumprun.bake.kernel import archive_kernel, check_kernel
from rumprun.bake.root import Directory, Entry, Link
from rumprun.bake.slim_kernel import is_source_package, slim_kernel
from rumprun.bake.table import TABLE_NAME, encode_table
from rumprun.config.document import document_text
from rumprun.errors import MissingError, UsageError

_KERNEL = "kernel"
_INITRAMFS = "initramfs"

# The kernel's part of the console: level 1 leaves a panic only, which ends the machine at once.
_SILENT = ("quiet", "loglevel=1")
_TALKATIVE = ("ignore_loglevel",)
_COMMON = ("panic=-1", "random.trust_cpu=on")


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
    description = "Linux kernel of the archive, with the programs in an initramfs"
    # On microvm, Debian's kernel has no console.
    machines = ("pc", "q35")
    domains = ("pvh", "pv")

    def entrypoint(self, request: BakeRequest) -> Path:
        """See :class:`rumprun.bake.board.Board`."""
        return request.entrypoint or entrypoint()

    def base(self, directory: Path) -> None:
        """See :class:`rumprun.bake.board.Board`."""

    def bake(self, request: BakeRequest, directory: Path) -> Image:
        """See :class:`rumprun.bake.board.Board`."""
        programs = tuple(
            describe_program(program, program.file.read_bytes()) for program in request.programs
        )
        files: dict[str, Entry | Link | Directory] = {
            **request.files,
            "init": Entry(content=self.entrypoint(request), executable=True),
            TABLE_NAME: Entry(content=encode_table(programs)),
        }
        for program, wanted in zip(programs, request.programs, strict=True):
            files[program.path.lstrip("/")] = Entry(content=wanted.file, executable=True)
        if request.config:
            files[BAKED_CONFIG] = Entry(content=document_text(request.config).encode())
        origin = _place_kernel(request, directory / _KERNEL)
        write_initramfs(files, directory / _INITRAMFS, date=request.date)
        return Image(
            board=self.name,
            target=request.target.name,
            programs=programs,
            config=request.config.sections if request.config else None,
            memory=request.memory,
            options=request.options,
            kernel=origin,
            files=(describe_file(directory / _KERNEL), describe_file(directory / _INITRAMFS)),
        )

    def boot(self, image: Image, directory: Path, request: BootRequest, scratch: Path) -> Boot:
        """See :class:`rumprun.bake.board.Board`."""
        if request.trace:
            raise UsageError("board linux has no trace of calls", hint="run strace in the image")
        added = changed_files(image, request)
        initramfs = directory / _INITRAMFS
        if added:
            initramfs = scratch / _INITRAMFS
            append_files(directory / _INITRAMFS, added, initramfs, date=0)
        words = [
            *(f"console={device}" for device in request.consoles),
            *_COMMON,
            *(_TALKATIVE if request.verbose else _SILENT),
        ]
        if request.control:
            words.append(f"rumprun.control={request.control}")
        # Last, since behind "--" there may be a runtime configuration.
        words += image.options
        return Boot(kernel=directory / _KERNEL, initramfs=initramfs, command_line=" ".join(words))


def _place_kernel(request: BakeRequest, destination: Path) -> KernelOrigin | None:
    if request.kernel is not None:
        check_kernel(request.kernel)
        shutil.copyfile(request.kernel, destination)
        return None
    provide = slim_kernel if is_source_package(request.kernel_package) else archive_kernel
    found = provide(request.kernel_package, offline=request.offline)
    shutil.copyfile(found.path, destination)
    return found.origin


BOARD = LinuxBoard()

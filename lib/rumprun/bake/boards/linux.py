# SPDX-License-Identifier: BSD-2-Clause
"""The board ``linux``: the archive's kernel, and an initramfs with entrypoint and programs."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from rumprun import paths
from rumprun.bake.board import BakeRequest, Boot, BootRequest, ProgramRequest
from rumprun.bake.image import Image, KernelOrigin, Program, describe_file
from rumprun.bake.initramfs import append_files, write_initramfs
from rumprun.bake.kernel import archive_kernel, check_kernel
from rumprun.bake.root import Directory, Entry, Link
from rumprun.bake.slim_kernel import is_source_package, slim_kernel
from rumprun.bake.table import TABLE_NAME, encode_table
from rumprun.config.document import document_text
from rumprun.digest import sha256_of
from rumprun.errors import MissingError

_KERNEL = "kernel"
_INITRAMFS = "initramfs"

# BAKED_CONFIG_PATH and BOOT_CONFIG_PATH in boards/linux/entrypoint.h.
_BAKED_CONFIG = "rumprun/config.json"
_BOOT_CONFIG = "rumprun/boot.json"

# What every program has unless the user says otherwise; the paths are those in the machine.
_DEFAULT_ENV = {"HOME": "/", "PATH": "/bin", "TERM": "dumb"}

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

    def entrypoint(self, request: BakeRequest) -> Path:
        """See :class:`rumprun.bake.board.Board`."""
        return request.entrypoint or entrypoint()

    def bake(self, request: BakeRequest, directory: Path) -> Image:
        """See :class:`rumprun.bake.board.Board`."""
        programs = tuple(_describe(program) for program in request.programs)
        files: dict[str, Entry | Link | Directory] = {
            **request.files,
            "init": Entry(content=self.entrypoint(request), executable=True),
            TABLE_NAME: Entry(content=encode_table(programs)),
        }
        for program, wanted in zip(programs, request.programs, strict=True):
            files[program.path.lstrip("/")] = Entry(content=wanted.file, executable=True)
        if request.config:
            files[_BAKED_CONFIG] = Entry(content=document_text(request.config).encode())
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
        added: dict[str, Entry] = {}
        if request.arguments is not None:
            first, *others = image.programs
            changed = dataclasses.replace(first, argv=(first.argv[0], *request.arguments))
            added[TABLE_NAME] = Entry(content=encode_table([changed, *others]))
        if request.config is not None:
            added[_BOOT_CONFIG] = Entry(content=request.config.encode())
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


def _describe(program: ProgramRequest) -> Program:
    return Program(
        name=program.name,
        path=f"/bin/{program.name}",
        argv=program.argv,
        env=tuple(sorted((_DEFAULT_ENV | dict(program.env)).items())),
        size=program.file.stat().st_size,
        sha256=sha256_of(program.file),
    )


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

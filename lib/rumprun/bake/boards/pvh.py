# SPDX-License-Identifier: BSD-2-Clause
"""The board ``pvh``: one ELF file of our own unikernel base and the programs; doc/pvh-board.md."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rumprun import paths, ui
from rumprun.bake.base import append_root, has_base, loaded_part, memory_of
from rumprun.bake.board import (
    BAKED_CONFIG,
    BakeRequest,
    Boot,
    BootRequest,
    changed_files,
    describe_program,
)
from rumprun.bake.calls import Calls, CallTable, calls_in, disassemble, read_table
from rumprun.bake.check import loaded_size
from rumprun.bake.image import Image, describe_file
from rumprun.bake.kernel import DEFAULT_PACKAGE
from rumprun.bake.packed import pack_image, unpack_image
from rumprun.bake.root import Directory, Entry, Link
from rumprun.bake.root_archive import write_root
from rumprun.bake.slots import place_programs
from rumprun.bake.table import TABLE_NAME, encode_table
from rumprun.bake.xen_abi import domctl_of_programs, with_domctl
from rumprun.config.document import document_text
from rumprun.errors import MissingError, UsageError
from rumprun.workdir import temporary_tree

_IMAGE = "kernel"
_MODULE = "module"

# Installed by boards/pvh/Makefile, each with its table of calls.
_PLAIN, _WITH_NETWORK = "base", "base-net"
_CALLS_SUFFIX = ".calls"
_UNPACKER = "unpack"

# What none but a program that talks to others asks for: a look-up of users has a socket, too.
_NETWORK_CALLS = ("accept", "accept4", "bind", "getsockopt", "listen", "recvfrom", "setsockopt")

# Where mounts_begin() in boards/pvh/mount.c mounts what every machine has.
_MOUNTED = ("dev", "proc", "run", "tmp")

# Written by boards/pvh/net/resolv.c, as name servers are known when the machine runs.
_RESOLVER = "etc/resolv.conf"

_MIB = 1 << 20

# What programs may ask for while they run, where nobody says how much that is.
_ROOM = 16 * _MIB


class PvhBoard:
    """See the module."""

    name = "pvh"
    description = "one ELF of our own unikernel base and the programs, for QEMU and Xen"
    machines = ("pc", "q35", "microvm")
    domains = ("pvh",)

    def entrypoint(self, request: BakeRequest) -> None:
        """See :class:`rumprun.bake.board.Board`."""

    def base(self, directory: Path) -> Path | None:
        """See :class:`rumprun.bake.board.Board`."""
        file = directory / _IMAGE
        where = str(file)
        content = with_domctl(unpack_image(file.read_bytes(), where=where), None, where=where)
        for name in (_PLAIN, _WITH_NETWORK):
            path = paths.board_files(self.name) / name
            if path.is_file() and has_base(content, path.read_bytes(), where=str(path)):
                return path
        return None

    def bake(self, request: BakeRequest, directory: Path) -> Image:
        """See :class:`rumprun.bake.board.Board`."""
        _check_request(request)
        listings = [disassemble(program.file, request.target) for program in request.programs]
        base = _choose_base(request, listings)
        with temporary_tree() as scratch:
            contents = place_programs(request.programs, listings, request.target, scratch)
        programs = tuple(map(describe_program, request.programs, contents))
        files: dict[str, Entry | Link | Directory] = {
            **dict.fromkeys(_MOUNTED, Directory()),
            **_mount_points(request.config.sections if request.config else {}),
            **({_RESOLVER: Link(goal="../run/resolv.conf")} if base.name == _WITH_NETWORK else {}),
            **request.files,
            TABLE_NAME: Entry(content=encode_table(programs)),
        }
        for program, content in zip(programs, contents, strict=True):
            files[program.path.lstrip("/")] = Entry(content=content, executable=True)
        if request.config:
            files[BAKED_CONFIG] = Entry(content=document_text(request.config).encode())
        archive = write_root(files, date=request.date)
        where = str(base)
        domctl = domctl_of_programs(program.file for program in request.programs)
        loaded = with_domctl(loaded_part(base.read_bytes(), where=where), domctl, where=where)
        image = append_root(loaded, archive, where=where)
        packed = pack_image(image, _installed(_UNPACKER).read_bytes(), where=where)
        (directory / _IMAGE).write_bytes(packed)
        needed = memory_of(packed, where=where) + _ROOM
        needed += sum(loaded_size(program.file) for program in request.programs)
        return Image(
            board=self.name,
            target=request.target.name,
            programs=programs,
            config=request.config.sections if request.config else None,
            memory=request.memory or -(-needed // _MIB),
            options=request.options,
            kernel=None,
            files=(describe_file(directory / _IMAGE),),
        )

    def boot(self, image: Image, directory: Path, request: BootRequest, scratch: Path) -> Boot:
        """See :class:`rumprun.bake.board.Board`."""
        module = None
        changed: dict[str, Entry | Link | Directory] = {**changed_files(image, request)}
        if request.config is not None:
            changed |= _mount_points(json.loads(request.config))
        if changed:
            module = scratch / _MODULE
            module.write_bytes(write_root(changed, date=0))
        words = [f"console={device}" for device in request.consoles]
        if request.control:
            words.append(f"rumprun.control={request.control}")
        if request.trace:
            words.append("rumprun.trace=1")
        # Last, since behind "--" there may be a runtime configuration.
        words += image.options
        return Boot(kernel=directory / _IMAGE, initramfs=module, command_line=" ".join(words))


def _check_request(request: BakeRequest) -> None:
    if request.kernel is not None or request.kernel_package != DEFAULT_PACKAGE:
        raise UsageError(
            "a kernel for board pvh, which has none", hint="leave it out, or bake for board linux"
        )
    if request.entrypoint is not None:
        raise UsageError(
            "an entrypoint for board pvh, whose base starts the programs itself",
            hint="leave it out, or bake for board linux",
        )


def _mount_points(sections: Mapping[str, Any]) -> dict[str, Directory]:
    """The directories of the section ``mount``: the machine cannot make any in its root."""
    return {path.strip("/"): Directory() for path in sections.get("mount", {}) if path.strip("/")}


def _choose_base(request: BakeRequest, listings: Sequence[str]) -> Path:
    """The base that has what programs and configuration want; warns of what no base has."""
    calls = dict(
        zip((program.name for program in request.programs), map(calls_in, listings), strict=True)
    )
    table = read_table(_installed(_PLAIN + _CALLS_SUFFIX))
    needs_network = request.config is not None and request.config.net is not None
    uses_network = any(table.has_any(found, _NETWORK_CALLS) for found in calls.values())
    if needs_network or (uses_network and (paths.board_files("pvh") / _WITH_NETWORK).is_file()):
        base = _installed(_WITH_NETWORK)
        table = read_table(_installed(_WITH_NETWORK + _CALLS_SUFFIX))
    else:
        base = _installed(_PLAIN)
    for name, found in calls.items():
        _warn_of_absent(name, found, table)
    return base


def _installed(name: str) -> Path:
    path = paths.board_files("pvh") / name
    if not path.is_file():
        remedy = "run 'make boards'" if paths.IN_TREE else "install rumprun-board-pvh"
        raise MissingError(f"{path}: not there", hint=remedy)
    return path


def _warn_of_absent(name: str, calls: Calls, table: CallTable) -> None:
    absent = table.absent(calls)
    if absent:
        ui.warn(
            f"{name} has code that calls {', '.join(absent)}, which board pvh does not have: "
            "it gets ENOSYS"
        )


BOARD = PvhBoard()

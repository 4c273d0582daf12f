# SPDX-License-Identifier: BSD-2-Clause
"""An image under gdb: its machine waits, and gdb has the symbols of every program in it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from rumprun import command, paths, ui
from rumprun.bake.board import Boot, BootRequest, find_board
from rumprun.bake.image import Image, Program, check_files, read_image
from rumprun.bake.initramfs import append_files
from rumprun.bake.rebase import DEBUG_DISTANCE, is_movable, rebase
from rumprun.bake.root import Entry
from rumprun.bake.slots import slot_start
from rumprun.bake.symbols import SYSTEM_DIRECTORY, build_id_file, build_id_of, symbol_file
from rumprun.bake.unpack import read_programs
from rumprun.errors import BootError, UsageError
from rumprun.lab.accelerator import QEMU, require_qemu
from rumprun.lab.qemu import (
    CONTROL_DEVICE,
    kernel_hash,
    memory_chosen,
    memory_needed,
    parse_status,
    qemu_command,
)
from rumprun.lab.vmlinux import direct_kernel
from rumprun.workdir import temporary_tree

# How long QEMU may take until gdb can connect; it needs a tenth of a second.
_START_SECONDS = 30.0
_PAUSE_SECONDS = 0.05

# struct sockaddr_un (unix(7)).
_SOCKET_LIMIT = 107

_MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class DebugRequest:
    """How to debug an image.

    ``arguments`` are gdb's; ``console`` is the file that gets the machine's console, None for
    standard output; ``memory`` is in MiB, None for what the image needs; ``places`` are files
    and directories with symbols, see :func:`rumprun.bake.symbols.symbol_file`.
    """

    arguments: tuple[str, ...]
    console: Path | None
    memory: int | None
    places: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A program where the debugger has it: from ``base`` up to ``end``.

    ``file`` is the program as it was baked, whose addresses are ``offset`` too low. ``content``
    replaces it in the machine, None where it stays.
    """

    name: str
    base: int
    end: int
    offset: int
    file: Path
    content: bytes | None


@dataclass(frozen=True, kw_only=True)
class DebugEnded:
    """What there is to know at the end: gdb's exit status, and the machine's, None for none."""

    gdb_status: int
    status: int | None


def place_programs(
    programs: dict[Program, bytes], places: tuple[Path, ...], scratch: Path
) -> tuple[Placed, ...]:
    """Give every program an address of its own; one that has one in the image keeps it.

    Symbols that are elsewhere are linked into ``scratch``, where gdb finds them by build IDs.
    Raises what :func:`rumprun.bake.rebase.rebase` and ``symbol_file`` do.
    """
    placed = []
    for number, (program, content) in enumerate(programs.items(), 1):
        movable = is_movable(content)
        base = number * DEBUG_DISTANCE if movable else slot_start(content)
        symbols = symbol_file(program, content, places, scratch)
        # Its unwind tables are needed as well, which a file of symbols alone does not have.
        own = scratch / f"{program.name}.elf"
        own.write_bytes(content)
        build_id = build_id_of(content)
        if symbols is None:
            ui.warn(f"{program.name} has no symbols; give those of its build with --debug")
        elif symbols != own and build_id:
            link = scratch / build_id_file(build_id)
            link.parent.mkdir(parents=True, exist_ok=True)
            # A copy of a program has the same symbols.
            link.unlink(missing_ok=True)
            link.symlink_to(symbols.absolute())
        placed.append(
            Placed(
                name=program.name,
                base=base,
                end=base + DEBUG_DISTANCE,
                offset=base,
                file=own,
                content=rebase(content, base, name=program.name) if movable else None,
            )
        )
    return tuple(placed)


def debug_image(directory: Path, request: DebugRequest) -> DebugEnded:
    """Start the image's machine, which waits, and run gdb on our terminal until that ends.

    The machine is emulated: there, breaks work at any address before anything is mapped. Raises
    :class:`BootError` where QEMU does not start, :class:`MissingError` and :class:`InputError`
    where image, gdb or QEMU will not do.
    """
    require_qemu()
    image = read_image(directory)
    check_files(image, directory)
    with temporary_tree() as scratch:
        programs = read_programs(image, directory)
        placed = place_programs(programs, request.places, scratch)
        boot = _boot(image, directory, dict(zip(programs, placed, strict=True)), scratch)
        base = find_board(image.board).base(directory)
        control, socket = scratch / "control", scratch / "gdb"
        argv = qemu_command(
            boot,
            kernel=direct_kernel(boot.kernel, kernel_hash(image, boot), scratch),
            control=control,
            memory=request.memory or _memory(image, placed),
            machine=find_board(image.board).machines[0],
            accelerator="tcg",
        )
        machine = command.Background(
            [*argv, *_stopped(socket)], output=request.console, log=scratch / "errors"
        )
        try:
            _wait(machine, socket, scratch / "errors")
            words = gdb_command(_session(placed, base, socket, scratch), request.arguments)
            gdb_status = command.interact(words, hint="install gdb")
        finally:
            machine.kill()
        status = parse_status(control.read_bytes()) if control.exists() else None
    return DebugEnded(gdb_status=gdb_status, status=status)


def gdb_command(session: Path, arguments: tuple[str, ...]) -> list[str]:
    """The command line of gdb: ours first, so that the user's find the machine connected."""
    return [
        "gdb",
        "-q",
        *("-ex", f"source {paths.DATA / 'share' / 'gdb-commands.py'}"),
        *("-ex", f"rumprun-connect {session}"),
        *arguments,
    ]


def _stopped(socket: Path) -> list[str]:
    """The options for a machine that waits for gdb, which only this user can reach."""
    if len(str(socket)) > _SOCKET_LIMIT or "," in str(socket):
        raise UsageError(f"{socket} is no name for a socket", hint="set TMPDIR to a short one")
    return ["-S", "-chardev", f"socket,id=gdb,path={socket},server=on,wait=off", "-gdb",
            "chardev:gdb"]  # fmt: skip


def _boot(image: Image, directory: Path, placed: dict[Program, Placed], scratch: Path) -> Boot:
    request = BootRequest(control=CONTROL_DEVICE)
    boot = find_board(image.board).boot(image, directory, request, scratch)
    files = {
        program.path.lstrip("/"): Entry(content=place.content, executable=True)
        for program, place in placed.items()
        if place.content is not None
    }
    if boot.initramfs is None or not files:
        return boot
    moved = scratch / "initramfs-to-debug"
    append_files(boot.initramfs, files, moved, date=0)
    # The kernel where its own symbols say, for those who have them.
    command_line = f"{boot.command_line} nokaslr"
    return Boot(kernel=boot.kernel, initramfs=moved, command_line=command_line)


def _memory(image: Image, placed: tuple[Placed, ...]) -> int:
    # The moved programs are there in the archive, and again when they are unpacked.
    more = sum(len(place.content or b"") for place in placed)
    return memory_needed(image) + 3 * more // _MIB if more else memory_chosen(image, None)


def _wait(machine: command.Background, socket: Path, errors: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not socket.exists():
        if machine.poll() is not None or time.monotonic() > deadline:
            said = command.last_lines(errors.read_text(encoding="utf-8", errors="replace"))
            raise BootError(f"{QEMU} did not start: {said}", hint="try another --memory")
        time.sleep(_PAUSE_SECONDS)


def _session(placed: tuple[Placed, ...], base: Path | None, socket: Path, scratch: Path) -> Path:
    """The file for share/gdb-commands.py; ``base`` has the symbols of what runs the programs."""
    session = scratch / "session.json"
    programs = [
        {
            "name": place.name,
            "base": place.base,
            "end": place.end,
            "offset": place.offset,
            "file": str(place.file),
        }
        for place in placed
    ]
    document = {
        "socket": str(socket),
        "symbols": f"{scratch}:{SYSTEM_DIRECTORY}",
        "programs": programs,
        "base": str(base) if base else None,
    }
    text = json.dumps(document)
    session.write_text(text, encoding="utf-8")
    return session

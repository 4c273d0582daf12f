# SPDX-License-Identifier: BSD-2-Clause
"""Boards: what an image runs on. Each is one module in ``rumprun.bake.boards``."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from rumprun.bake import boards
from rumprun.bake.image import Image, Program
from rumprun.bake.root import Entry, Root
from rumprun.bake.table import TABLE_NAME, encode_table
from rumprun.config.document import Document
from rumprun.digest import sha256_of_bytes
from rumprun.errors import UsageError
from rumprun.target.descriptor import Target

# The first serial port of a PC.
SERIAL_CONSOLE = "ttyS0,115200"

# BAKED_CONFIG_PATH and BOOT_CONFIG_PATH in boards/common/image.h.
BAKED_CONFIG: Final = "rumprun/config.json"
BOOT_CONFIG: Final = "rumprun/boot.json"

# What every program has unless the user says otherwise; the paths are those in the machine.
_DEFAULT_ENV = {"HOME": "/", "PATH": "/bin", "TERM": "dumb"}


@dataclass(frozen=True, kw_only=True)
class ProgramRequest:
    """A program to bake: the ``file`` of a static executable, and what it is started with.

    ``argv`` includes ``argv[0]``; ``env`` adds to the board's own variables.
    """

    file: Path
    name: str
    argv: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class BakeRequest:
    """What to bake.

    ``files`` are in the machine's root besides the programs; ``config`` is a checked runtime
    configuration; ``entrypoint`` takes the place of the board's own. ``memory``, in MiB, is what
    the machine has where nobody says otherwise, None for what the image needs; ``options`` are
    words of the kernel command line. ``kernel`` is the user's own, None for the archive's
    ``kernel_package``; ``date`` is the time of all files, in seconds since 1970. With
    ``offline``, nothing is downloaded.
    """

    programs: tuple[ProgramRequest, ...]
    target: Target
    files: Root = field(default_factory=dict)
    config: Document | None = None
    entrypoint: Path | None = None
    memory: int | None = None
    options: tuple[str, ...] = ()
    kernel: Path | None = None
    kernel_package: str
    offline: bool = False
    date: int = 0


@dataclass(frozen=True, kw_only=True)
class BootRequest:
    """How to boot an image.

    ``arguments`` replace the baked ``argv[1:]`` of the first program; None keeps them.
    ``config`` is the text of a checked runtime configuration that overrides the baked one.
    ``control`` is the device that takes the exit status, None for none. ``consoles`` are the
    devices where the kernel talks, as on its command line; the last one is the programs', too.
    ``verbose`` lets the kernel say more than why it gave up, ``trace`` each system call.
    """

    arguments: tuple[str, ...] | None = None
    config: str | None = None
    control: str | None = None
    consoles: tuple[str, ...] = (SERIAL_CONSOLE,)
    verbose: bool = False
    trace: bool = False


@dataclass(frozen=True, kw_only=True)
class Boot:
    """What a hypervisor needs to start an image; ``initramfs`` is None where there is none.

    ``says_end``: the machine says on its console how its program ended, and stays on; and its
    ``command_line`` is the whole runtime configuration (see :mod:`rumprun.bake.upstream`).
    """

    kernel: Path
    initramfs: Path | None
    command_line: str
    says_end: bool = False


class Board(Protocol):
    """A board; a module in ``rumprun.bake.boards`` has one as ``BOARD``."""

    @property
    def name(self) -> str:
        """The name on the command line and in ``image.json``."""

    @property
    def description(self) -> str:
        """One line for ``--help``."""

    @property
    def machines(self) -> tuple[str, ...]:
        """QEMU's machines that images run on; the first one where nobody says."""

    @property
    def domains(self) -> tuple[str, ...]:
        """Xen's types of domains that images run in."""

    def entrypoint(self, request: BakeRequest) -> Path | None:
        """The program of the image that starts the others; None where there is none."""

    def base(self, directory: Path) -> Path | None:
        """The file, with symbols, that the kernel in ``directory`` has before programs and files.

        None where the kernel is the archive's or the user's, or where the file is another one now.
        """

    def bake(self, request: BakeRequest, directory: Path) -> Image:
        """Write the image's files into the empty ``directory``, and describe them."""

    def boot(self, image: Image, directory: Path, request: BootRequest, scratch: Path) -> Boot:
        """Say how to start the image in ``directory``; new files go into ``scratch``."""


def describe_program(request: ProgramRequest, content: bytes) -> Program:
    """The entry for a program whose file is ``content`` in the image."""
    return Program(
        name=request.name,
        path=f"/bin/{request.name}",
        argv=request.argv,
        env=tuple(sorted((_DEFAULT_ENV | dict(request.env)).items())),
        size=len(content),
        sha256=sha256_of_bytes(content),
    )


def changed_files(image: Image, request: BootRequest) -> dict[str, Entry]:
    """The files that take the place of the image's own when it is booted so; often none."""
    changed: dict[str, Entry] = {}
    if request.arguments is not None:
        first, *others = image.programs
        started = dataclasses.replace(first, argv=(first.argv[0], *request.arguments))
        changed[TABLE_NAME] = Entry(content=encode_table([started, *others]))
    if request.config is not None:
        changed[BOOT_CONFIG] = Entry(content=request.config.encode())
    return changed


def all_boards() -> dict[str, Board]:
    """Every board by its name, in the order of the names."""
    found: dict[str, Board] = {}
    for module in pkgutil.iter_modules(boards.__path__):
        board: Board = importlib.import_module(f"{boards.__name__}.{module.name}").BOARD
        found[board.name] = board
    return dict(sorted(found.items()))


def find_board(name: str) -> Board:
    """The board called ``name``; :class:`UsageError` where there is none."""
    known = all_boards()
    if name not in known:
        raise UsageError(f"no board {name!r}", hint=f"there are: {', '.join(known)}")
    return known[name]

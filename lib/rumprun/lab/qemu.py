# SPDX-License-Identifier: BSD-2-Clause
"""Booting an image in QEMU: its console as it comes, and its program's exit status."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rumprun import command
from rumprun.bake.board import Board, Boot, BootRequest, find_board
from rumprun.bake.image import Image, check_files, read_image
from rumprun.errors import BootError, InputError, UsageError
from rumprun.lab.accelerator import QEMU, choose_accelerator, require_qemu
from rumprun.lab.console_end import ConsoleEnd
from rumprun.lab.devices import (
    MICROVM,
    PC,
    Devices,
    check_devices,
    device_words,
    failure_hint,
)
from rumprun.lab.vmlinux import direct_kernel
from rumprun.workdir import temporary_tree

# The kernel takes about half of it; an initramfs is there three times while it unpacks.
_BASE_MEMORY = 192
_MEMORY_PER_PACKED_BYTE = 6
_MIB = 1 << 20

# The second serial port, where the entrypoint writes its line (boards/linux/console.c).
CONTROL_DEVICE = "ttyS1"
STATUS_LINE = re.compile(rb"rumprun-exit ([0-9]{1,3}) end\r?\n")
_HIGHEST_STATUS = 255

# Linux gives a pipe this much. What does not fit makes the guest wait, not us.
_PIPE_SIZE = 65536

_PANIC = "Kernel panic - not syncing:"
# Of board pvh; what is wrong is in the next line (boards/pvh/say.c).
_BASE_PREFIX = "rumprun: "
_BASE_PANIC = "rumprun: panic:"

_NO_DEVICES = Devices()

_TAIL_BYTES = 4096
_TAIL_LINES = 15


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """How to run an image.

    ``arguments`` replace the baked ``argv[1:]`` of the first program (None keeps them);
    ``config`` is the text of a checked runtime configuration over the baked one; ``memory`` is
    in MiB, None for what was baked, or the image needs; ``timeout`` is in seconds, None for no
    limit; ``accelerator`` is ``auto``, ``kvm`` or ``tcg``; ``machine`` is QEMU's, None for the
    board's first; ``verbose`` lets the kernel talk on the console, and ``trace`` say each system
    call; ``devices`` are network, disks and shares.
    """

    arguments: tuple[str, ...] | None = None
    config: str | None = None
    memory: int | None = None
    timeout: float | None = None
    accelerator: str = "auto"
    machine: str | None = None
    verbose: bool = False
    trace: bool = False
    devices: Devices = field(default_factory=Devices)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A machine that ended as it should: the program's exit status, and how long it all took."""

    status: int
    accelerator: str
    seconds: float


def run_image(directory: Path, request: RunRequest, *, sink: Callable[[bytes], object]) -> Ended:
    """Boot the image in ``directory`` and hand its console to ``sink`` as it comes.

    Raises :class:`BootError` where the time ran out or the machine ended without a status,
    :class:`MissingError`, :class:`InputError` or :class:`UsageError` where image, devices or QEMU
    will not do.
    """
    require_qemu()
    image = read_image(directory)
    check_files(image, directory)
    check_devices(request.devices)
    board = find_board(image.board)
    machine = choose_machine(board, request.machine)
    accelerator = choose_accelerator(request.accelerator)
    wanted = BootRequest(
        arguments=request.arguments,
        config=request.config,
        control=CONTROL_DEVICE,
        verbose=request.verbose,
        trace=request.trace,
    )
    with temporary_tree() as scratch:
        boot = board.boot(image, directory, wanted, scratch)
        kernel = direct_kernel(boot.kernel, kernel_hash(image, boot), scratch)
        control = scratch / "control"
        os.mkfifo(control)
        argv = qemu_command(
            boot,
            kernel=kernel,
            control=control,
            memory=memory_given(image, request.memory),
            accelerator=accelerator,
            machine=machine,
            devices=request.devices,
        )
        end = ConsoleEnd() if boot.says_end else None
        return _run(argv, control, request, accelerator, sink, end)


def choose_machine(board: Board, wanted: str | None) -> str:
    """``wanted``, or the board's first; :class:`UsageError` where the board does not run on it."""
    if not board.machines:
        raise UsageError(
            f"board {board.name} does not run in QEMU alone",
            hint=f"it runs in Xen's domains of type {', '.join(board.domains)}",
        )
    if wanted is not None and wanted not in board.machines:
        raise UsageError(
            f"board {board.name} does not run on the machine {wanted}",
            hint=f"it runs on {', '.join(board.machines)}",
        )
    return wanted or board.machines[0]


def kernel_hash(image: Image, boot: Boot) -> str:
    """The SHA-256 of the image's kernel, as its document says."""
    return next(file.sha256 for file in image.files if file.name == boot.kernel.name)


def memory_given(image: Image, wanted: int | None) -> int:
    """What the machine gets, see :func:`memory_chosen`.

    Raises :class:`InputError` where not even the files fit.
    """
    memory = memory_chosen(image, wanted)
    # The programs are there packed and unpacked, until the kernel has unpacked them all; a PC's
    # first MiB is not for them.
    least = _MIB + image.size + sum(program.size for program in image.programs)
    if memory * _MIB < least:
        raise InputError(
            f"{memory} MiB of memory, and to load the image takes {least / _MIB:.1f} MiB",
            hint="give the machine more with --memory",
        )
    return memory


def memory_chosen(image: Image, wanted: int | None) -> int:
    """``wanted``, or what was baked in, or what the image needs, in MiB."""
    return wanted or image.memory or memory_needed(image)


def memory_needed(image: Image) -> int:
    """The memory in MiB that a machine gets for ``image`` where the user does not say."""
    packed = sum(file.size for file in image.files if file.name != "kernel")
    return _BASE_MEMORY + -(-packed * _MEMORY_PER_PACKED_BYTE // _MIB)


def qemu_command(
    boot: Boot,
    *,
    kernel: Path,
    control: Path,
    memory: int,
    accelerator: str,
    machine: str = PC,
    devices: Devices = _NO_DEVICES,
) -> list[str]:
    """QEMU's command line: one processor, two serial ports, and ``devices``.

    The console goes to standard output, the status to the named pipe ``control``; ``memory``
    is in MiB. Raises :class:`UsageError` for a path that QEMU's options cannot express.
    """
    if "," in str(control):
        raise UsageError(f"{control} has a comma", hint="set TMPDIR to a directory without one")
    return [
        QEMU,
        # Without ACPI, microvm says on the command line where its devices are.
        *("-machine", f"{machine},acpi=off" if machine == MICROVM else machine),
        *("-accel", accelerator),
        *("-cpu", "max"),
        *("-smp", "1"),
        *("-m", str(memory)),
        "-nodefaults",
        "-no-user-config",
        # A panic asks for a reboot, which thus ends the machine.
        "-no-reboot",
        *("-display", "none"),
        *("-chardev", "stdio,id=console,signal=off"),
        *("-serial", "chardev:console"),
        *("-chardev", f"file,id=control,path={control}"),
        # The second one, which the option -serial does not give to all machines.
        *("-device", "isa-serial,chardev=control,index=1"),
        *("-kernel", str(kernel)),
        *(("-initrd", str(boot.initramfs)) if boot.initramfs else ()),
        *("-append", boot.command_line),
        *device_words(devices, machine),
    ]


def parse_status(said: bytes) -> int | None:
    """The status in what came over the control channel: that of the last whole line.

    The program can write there as well, but only before the entrypoint does.
    """
    found = STATUS_LINE.findall(said)
    if not found or int(found[-1]) > _HIGHEST_STATUS:
        return None
    return int(found[-1])


class _Halted(Exception):
    """The machine has said that it does nothing more."""


class _Tail:
    """Passes the console on and remembers its end, for the error message.

    Raises :class:`_Halted` where ``end`` sees one.
    """

    def __init__(self, sink: Callable[[bytes], object], end: ConsoleEnd | None = None) -> None:
        self._sink = sink
        self._end = end
        self._last = b""

    def __call__(self, chunk: bytes) -> None:
        self._last = (self._last + chunk)[-_TAIL_BYTES:]
        self._sink(chunk)
        if self._end and self._end.feed(chunk):
            raise _Halted

    def explain(self) -> str:
        """The end of the console, marked as such; a kernel's last words come first."""
        text = self._last.decode("utf-8", errors="replace")
        if not text.strip():
            return "the console said nothing"
        lines = [
            # Only what a terminal shows as text: the guest wrote it.
            "".join(character for character in line if character.isprintable())
            for line in text.splitlines()
        ]
        panic = next((line for line in lines if _PANIC in line), "")
        why = f"kernel panic:{panic.partition(_PANIC)[2]}; " if panic else ""
        if _BASE_PANIC in lines[:-1]:
            said = lines[lines.index(_BASE_PANIC) + 1]
            why = f"panic of the base: {said.removeprefix(_BASE_PREFIX)}; "
        shown = "".join(f"\n  | {line}" for line in lines[-_TAIL_LINES:])
        return f"{why}the console's last lines:{shown}\n  (end of the console)"


def _run(
    argv: list[str],
    control: Path,
    request: RunRequest,
    accelerator: str,
    sink: Callable[[bytes], object],
    end: ConsoleEnd | None,
) -> Ended:
    tail = _Tail(sink, end)
    started = time.monotonic()
    # Open before QEMU writes: a pipe keeps what nobody has read yet.
    reader = os.open(control, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        said, code = _stream(argv, tail, request.timeout)
        status = end.status if end else parse_status(_read_all(reader))
    except command.CommandFailed as error:
        raise BootError(
            f"no end after {request.timeout:g} s, machine stopped; {tail.explain()}",
            hint="give more with --timeout, or see its start with --verbose",
        ) from error
    finally:
        os.close(reader)
    seconds = time.monotonic() - started
    if code != 0:
        hint = failure_hint(said) or "try --accel tcg or another --memory"
        raise BootError(f"{QEMU} failed: {said}", hint=hint)
    if status is None:
        raise BootError(
            f"the machine ended without an exit status; {tail.explain()}",
            hint="see what its kernel says with --verbose",
        )
    return Ended(status=status, accelerator=accelerator, seconds=seconds)


def _stream(argv: list[str], tail: _Tail, timeout: float | None) -> tuple[str, int]:
    """Run the machine to its end: what QEMU said of itself, and its exit status."""
    try:
        ended = command.stream(argv, sink=tail, timeout=timeout)
    except _Halted:
        # The machine stayed on, and was stopped.
        return "", 0
    return ended.stderr.strip() or f"status {ended.returncode}", ended.returncode


def _read_all(reader: int) -> bytes:
    said = b""
    while len(said) < _PIPE_SIZE:
        try:
            chunk = os.read(reader, _PIPE_SIZE)
        except BlockingIOError:
            break
        if not chunk:
            break
        said += chunk
    return said

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The pvh board beside the linux board: size, memory, start, and what usual requests take.

Both boot the same programs under the same emulated QEMU, in turns, so that both meet the same load;
the linux board has the slim kernel. Instructions are counted by -icount shift=0, where the guest's
time stamp counter counts them, from the moment at which an image that exits at once is entered.
Writes bench/results/pvh.md.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from result_page import write_page

from rumprun import command, workdir
from rumprun.bake.board import Boot, BootRequest, find_board
from rumprun.bake.image import read_image
from rumprun.errors import BootError
from rumprun.lab.qemu import kernel_hash, qemu_command
from rumprun.lab.vmlinux import direct_kernel
from rumprun.target.descriptor import load_target

HERE = Path(__file__).resolve().parent
RUMPDEB = HERE.parent / "rumpdeb"
BOARDS = {"pvh": ("--board", "pvh"), "linux": ("--board", "linux", "--kernel", "slim")}

GOAL_SIZE = 150_000
GOAL_MEMORY = 2
GOAL_INSTRUCTIONS = 3e6
GOAL_START = 1.3

_MEMORY = 64
_TIMEOUT = 120.0
_HELLO = re.compile(rb"hello ([0-9a-f]+)\n")
_EXIT = re.compile(rb"([0-9a-f]{16})\n")
_ICOUNT = ("-icount", "shift=0,sleep=off")

CALLS = {
    "call": "system call (getppid)",
    "switch": "two threads give way to each other",
    "pipe": "a byte through a pipe, and one back",
    "futex": "a turn handed over by futex, and back",
    "malloc": "malloc and free, 24 bytes to 300 KB",
    "read": "4 KiB read of a file on tmpfs",
    "thread": "a thread made and joined",
}

HOW = """\
`bench/pvh.py --rounds {rounds}`: the same programs, baked for the pvh board and for the linux board
with the slim kernel, booted by QEMU without KVM (TCG, `-machine pc`, one processor, {memory} MiB),
the boards in turns; medians of {rounds}. Image: all of its files, with hello. Least memory: the
smallest in whole MiB with which hello is still said, by bisection. Instructions: from the image's
entry to main, counted by `-icount shift=0`. Power-on to exit: all of QEMU's life; QEMU itself is
the same with `bench/pvh_exit.S`, which exits as soon as it is entered: {exit:.2f} s. The last rows
are `bench/pvh_calls.c`. Load average {load}
Goals of the pvh board: image {size} bytes, {least} MiB, {instructions:g} instructions, {start:g} of
QEMU itself, and ahead of linux in each of the last rows."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What was measured of one board; times are in seconds, those of ``calls`` in nanoseconds."""

    size: int
    memory: int
    instructions: int
    power_on: float
    calls: dict[str, float]


def qemu(
    boot: Boot, scratch: Path, *, memory: int, more: Sequence[str] = ()
) -> tuple[bytes, float]:
    """The machine's console to its end, and the seconds that it took."""
    console = bytearray()
    argv = qemu_command(
        boot,
        kernel=boot.kernel,
        control=scratch / "control",
        memory=memory,
        accelerator="tcg",
    )
    started = time.perf_counter()
    command.stream([*argv, *more], sink=console.extend, timeout=_TIMEOUT)
    return bytes(console), time.perf_counter() - started


def run(image: Path, *, memory: int = _MEMORY, more: Sequence[str] = ()) -> tuple[bytes, float]:
    """Boot an image to its end, as :func:`qemu` does."""
    described = read_image(image)
    with workdir.temporary_tree() as scratch:
        request = BootRequest(arguments=None, control="ttyS1", verbose=False)
        boot = find_board(described.board).boot(described, image, request, scratch)
        kernel = direct_kernel(boot.kernel, kernel_hash(described, boot), scratch)
        direct = Boot(kernel=kernel, initramfs=boot.initramfs, command_line=boot.command_line)
        return qemu(direct, scratch, memory=memory, more=more)


def run_exit(program: Path, *, more: Sequence[str] = ()) -> tuple[int, float]:
    """Boot the image that exits at once: its time stamp counter, and the seconds."""
    with workdir.temporary_tree() as scratch:
        boot = Boot(kernel=program, initramfs=None, command_line="")
        console, seconds = qemu(boot, scratch, memory=_MEMORY, more=more)
    return counter(_EXIT, console), seconds


def counter(pattern: re.Pattern[bytes], console: bytes) -> int:
    """The hexadecimal number on the console; :class:`BootError` where there is none."""
    found = pattern.search(console)
    if not found:
        raise BootError(f"nothing like {pattern.pattern!r} on the console: {console[-500:]!r}")
    return int(found[1], 16)


def says_hello(image: Path, memory: int) -> bool:
    """Whether it works with so many MiB."""
    try:
        console, _seconds = run(image, memory=memory)
    except command.CommandFailed:
        return False
    return bool(_HELLO.search(console))


def least_memory(image: Path) -> int:
    """The least MiB with which ``image`` works; more than it always works."""
    low, high = 0, _MEMORY
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if says_hello(image, middle) else (middle, high)
    return high


def parse_calls(console: bytes) -> dict[str, float]:
    """What ``pvh_calls.c`` said."""
    lines = (line.split() for line in console.decode(errors="replace").splitlines())
    found = {words[0]: float(words[1]) for words in lines if len(words) == 2 and words[0] in CALLS}
    if found.keys() != CALLS.keys():
        raise BootError(f"not all was measured: {console[-500:]!r}")
    return found


def build(work: Path) -> tuple[Path, dict[str, dict[str, Path]]]:
    """The image that exits at once, and every board's images of both programs."""
    tool = load_target().tool("gcc")
    at_once = work / "exit"
    bare = ("-nostdlib", "-static", "-no-pie", "-Wl,-Ttext=0x100000,--build-id=none,-e,entry")
    command.run(["gcc", *bare, "-o", at_once, HERE / "pvh_exit.S"])
    images: dict[str, dict[str, Path]] = {}
    for name in ("hello", "calls"):
        program = work / name
        flags = ("-O2", "-s", "-D_DEFAULT_SOURCE")
        command.run([tool, *flags, "-o", program, HERE / f"pvh_{name}.c"])
        for board, words in BOARDS.items():
            image = work / f"{name}-{board}"
            command.run([RUMPDEB, "bake", *words, "-o", image, program])
            images.setdefault(board, {})[name] = image
    return at_once, images


def compare(
    at_once: Path, images: dict[str, dict[str, Path]], rounds: int
) -> tuple[dict[str, Figures], float]:
    """Measure both boards, in turns; and the seconds of QEMU itself."""
    power_on: dict[str, list[float]] = {board: [] for board in BOARDS}
    calls: dict[str, list[dict[str, float]]] = {board: [] for board in BOARDS}
    exits = []
    for _round in range(rounds):
        exits.append(run_exit(at_once)[1])
        for board in BOARDS:
            console, seconds = run(images[board]["hello"])
            counter(_HELLO, console)
            power_on[board].append(seconds)
            calls[board].append(parse_calls(run(images[board]["calls"])[0]))
    entered = run_exit(at_once, more=_ICOUNT)[0]
    found = {}
    for board in BOARDS:
        hello = images[board]["hello"]
        reached = counter(_HELLO, run(hello, more=_ICOUNT)[0])
        found[board] = Figures(
            size=read_image(hello).size,
            memory=least_memory(hello),
            instructions=reached - entered,
            power_on=statistics.median(power_on[board]),
            calls={name: statistics.median(one[name] for one in calls[board]) for name in CALLS},
        )
    return found, statistics.median(exits)


def table_rows(found: dict[str, Figures], qemu_itself: float) -> list[tuple[str, ...]]:
    """The table, one line a figure."""
    pvh, linux = found["pvh"], found["linux"]

    def row(name: str, one: float, other: float, form: str) -> tuple[str, ...]:
        return (name, format(one, form), format(other, form), f"{one / other:.3f}")

    return [
        row("image (bytes)", pvh.size, linux.size, ",d"),
        row("least memory (MiB)", pvh.memory, linux.memory, "d"),
        row("entry to main (instructions)", pvh.instructions, linux.instructions, ",d"),
        row("power-on to exit (s)", pvh.power_on, linux.power_on, ".2f"),
        row(
            "power-on to exit / QEMU itself",
            pvh.power_on / qemu_itself,
            linux.power_on / qemu_itself,
            ".2f",
        ),
        *(
            row(f"{words} (ns)", pvh.calls[name], linux.calls[name], ",.0f")
            for name, words in CALLS.items()
        ),
    ]


def goals_met(found: dict[str, Figures], qemu_itself: float) -> bool:
    """Whether the pvh board is where it is to be."""
    pvh, linux = found["pvh"], found["linux"]
    return (
        pvh.size <= GOAL_SIZE
        and pvh.memory <= GOAL_MEMORY
        and pvh.instructions <= GOAL_INSTRUCTIONS
        and pvh.power_on <= GOAL_START * qemu_itself
        and all(pvh.calls[name] < linux.calls[name] for name in CALLS)
    )


def main(words: Sequence[str] | None = None) -> int:
    """Measure, write the page; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="boots of each board")
    rounds = parser.parse_args(words).rounds
    with workdir.temporary_tree() as work:
        before = os.getloadavg()[0]
        at_once, images = build(work)
        found, qemu_itself = compare(at_once, images, rounds)
    write_page(
        "pvh",
        title="The pvh board beside the linux board",
        how=HOW.format(
            rounds=rounds,
            memory=_MEMORY,
            exit=qemu_itself,
            load=f"{before:.1f} before, {os.getloadavg()[0]:.1f} after (idle: about 1).",
            size=GOAL_SIZE,
            least=GOAL_MEMORY,
            instructions=GOAL_INSTRUCTIONS,
            start=GOAL_START,
        ),
        header=("", "pvh", "linux, slim kernel", "pvh / linux"),
        rows=table_rows(found, qemu_itself),
    )
    return 0 if goals_met(found, qemu_itself) else 1


if __name__ == "__main__":
    sys.exit(main())

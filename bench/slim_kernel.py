#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The slim kernel beside the archive's: size, least memory, time to main, time to bake.

Both boot the same hello, emulated, in turns, so that both meet the same load. The kernels come from
the cache; with --rebuild the slim one is built again in an empty cache, and compared byte by byte.
Writes bench/results/slim_kernel.md.
"""

from __future__ import annotations

import argparse
import os
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
from rumprun.bake.board import BootRequest, find_board
from rumprun.bake.image import read_image
from rumprun.errors import BootError, BuildError
from rumprun.lab.qemu import memory_needed, qemu_command
from rumprun.lab.vmlinux import direct_kernel
from rumprun.target.descriptor import load_target

RUMPDEB = Path(__file__).resolve().parents[1] / "rumpdeb"
KERNELS = {"slim": ("--kernel", "slim"), "archive": ()}

GOAL_SIZE = 4.0
GOAL_MEMORY = 32
GOAL_RATIO = 1 / 3
GOAL_BAKE = 1.0

_HELLO = b"hello, world\n"
_SOURCE = '#include <stdio.h>\nint main(void)\n{\n    puts("hello, world");\n    return 0;\n}\n'
_TIMEOUT = 90.0
_MIB = 1 << 20

HOW = """\
`bench/slim_kernel.py --rounds {rounds}`: hello, baked with the slim kernel and with the archive's,
booted by QEMU without KVM (TCG, `-machine pc`, one processor). Size: kernel and initramfs. Least
memory: the smallest with which it still says hello, in whole MiB, by bisection. Time to main: from
QEMU's start to hello on the console, the median of {rounds} boots, the two kernels in turns.
*Direct* is the kernel unpacked on the host, which `rumpdeb run` does; *packed* is the file itself,
which unpacks itself in the guest. Bake: the whole command, with the kernel in the cache, the median
of {rounds}. Load average {load} {identical}
Goals: {size:g} MiB, {memory} MiB, a third of the archive's time, {bake:g} s."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What was measured of one kernel; times are in seconds, medians."""

    version: str
    size: float
    memory: int
    direct: float
    packed: float
    bake: float


def bake(kernel: str, program: Path, destination: Path, *, cache: Path | None = None) -> float:
    """Bake ``program``; the seconds that it took."""
    environment = command.base_environment()
    environment |= {"XDG_CACHE_HOME": str(cache)} if cache else {}
    started = time.perf_counter()
    words: list[str | Path] = [RUMPDEB, "bake", *KERNELS[kernel], "-o", destination, program]
    command.run(words, env=environment)
    return time.perf_counter() - started


def time_to_main(image: Path, *, memory: int | None = None, packed: bool = False) -> float | None:
    """Seconds from QEMU's start to the program's line; None where it did not come.

    ``memory`` is in MiB, None for what ``rumpdeb run`` gives; with ``packed`` the kernel is not
    unpacked on the host.
    """
    described = read_image(image)
    console = bytearray()
    seen: list[float] = []

    def sink(chunk: bytes) -> None:
        console.extend(chunk)
        if _HELLO in console and not seen:
            seen.append(time.perf_counter())

    with workdir.temporary_tree() as scratch:
        request = BootRequest(arguments=None, control="ttyS1", verbose=False)
        boot = find_board(described.board).boot(described, image, request, scratch)
        argv = qemu_command(
            boot,
            kernel=boot.kernel if packed else direct_kernel(boot.kernel, _hash(image), scratch),
            control=scratch / "control",
            memory=memory or memory_needed(described),
            accelerator="tcg",
        )
        started = time.perf_counter()
        try:
            command.stream(argv, sink=sink, timeout=_TIMEOUT)
        except command.CommandFailed:
            return None
    return seen[0] - started if seen else None


def _hash(image: Path) -> str:
    return next(file.sha256 for file in read_image(image).files if file.name == "kernel")


def least_memory(image: Path) -> int:
    """The least MiB with which ``image`` works; more than it always works."""
    low, high = 4, 256
    if time_to_main(image, memory=high) is None:
        raise BootError(f"{image}: does not boot with {high} MiB")
    while high - low > 1:
        middle = (low + high) // 2
        if time_to_main(image, memory=middle) is None:
            low = middle
        else:
            high = middle
    return high


def compare(work: Path, program: Path, rounds: int) -> dict[str, Figures]:
    """Measure both kernels, in turns."""
    for kernel in KERNELS:
        bake(kernel, program, work / kernel)
        time_to_main(work / kernel)
    samples: dict[tuple[str, str], list[float]] = {}
    for _round in range(rounds):
        for kernel in KERNELS:
            image = work / kernel
            taken = {
                "direct": time_to_main(image),
                "packed": time_to_main(image, packed=True),
                "bake": bake(kernel, program, image),
            }
            for name, seconds in taken.items():
                if seconds is None:
                    raise BootError(f"{image}: did not say hello")
                samples.setdefault((kernel, name), []).append(seconds)
    return {kernel: _figures(work / kernel, kernel, samples) for kernel in KERNELS}


def _figures(image: Path, kernel: str, samples: dict[tuple[str, str], list[float]]) -> Figures:
    described = read_image(image)
    origin = described.kernel
    assert origin is not None
    medians = {name: statistics.median(samples[kernel, name]) for name in _TIMES}
    return Figures(
        version=f"{origin.package} {origin.version}",
        size=described.size / _MIB,
        memory=least_memory(image),
        direct=medians["direct"],
        packed=medians["packed"],
        bake=medians["bake"],
    )


_TIMES = ("direct", "packed", "bake")


def identical(work: Path, program: Path, *, rebuild: bool) -> str:
    """Bake again, with ``rebuild`` from the kernel's source on; what came out, as a sentence.

    Raises :class:`BuildError` where a byte differs.
    """
    cache = work / "cache" if rebuild else None
    seconds = bake("slim", program, work / "again", cache=cache)
    for path in sorted((work / "slim").iterdir()):
        if path.read_bytes() != (work / "again" / path.name).read_bytes():
            raise BuildError(f"{path.name} differs when baked again")
    if not rebuild:
        return "A second bake with the same kernel was bit-identical."
    return f"A second kernel, built from its source in {seconds:.0f} s, was bit-identical."


def table_rows(found: dict[str, Figures]) -> list[tuple[str, ...]]:
    """The table, one line a kernel, and their ratio."""
    table = [
        (
            f"{name} ({f.version})",
            f"{f.size:.2f}",
            str(f.memory),
            f"{f.direct:.2f}",
            f"{f.packed:.2f}",
            f"{f.bake:.2f}",
        )
        for name, f in found.items()
    ]
    slim, archive = found["slim"], found["archive"]
    pairs = (
        (slim.size, archive.size),
        (slim.memory, archive.memory),
        (slim.direct, archive.direct),
        (slim.packed, archive.packed),
        (slim.bake, archive.bake),
    )
    return [*table, ("slim / archive", *(f"{one / other:.2f}" for one, other in pairs))]


def write(found: dict[str, Figures], rounds: int, load: str, same: str) -> None:
    """Write the result page."""
    write_page(
        "slim_kernel",
        title="The slim kernel beside the archive's",
        how=HOW.format(
            rounds=rounds,
            load=load,
            identical=same,
            size=GOAL_SIZE,
            memory=GOAL_MEMORY,
            bake=GOAL_BAKE,
        ),
        header=(
            "kernel",
            "size (MiB)",
            "least memory (MiB)",
            "to main, direct (s)",
            "to main, packed (s)",
            "bake (s)",
        ),
        rows=table_rows(found),
    )


def main(words: Sequence[str] | None = None) -> int:
    """Measure, write the page; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="boots of each kernel in each way")
    parser.add_argument("--rebuild", action="store_true", help="build the slim kernel twice")
    arguments = parser.parse_args(words)
    with workdir.temporary_tree() as work:
        source = work / "hello.c"
        source.write_text(_SOURCE, encoding="utf-8")
        program = work / "hello"
        command.run([load_target().tool("gcc"), "-O1", "-s", "-o", program, source])
        before = os.getloadavg()[0]
        found = compare(work, program, arguments.rounds)
        load = f"{before:.1f} before, {os.getloadavg()[0]:.1f} after (idle: about 1)."
        same = identical(work, program, rebuild=arguments.rebuild)
    write(found, arguments.rounds, load, same)
    slim, archive = found["slim"], found["archive"]
    met = (
        slim.size <= GOAL_SIZE,
        slim.memory <= GOAL_MEMORY,
        slim.direct <= archive.direct * GOAL_RATIO,
        slim.bake <= GOAL_BAKE,
    )
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())

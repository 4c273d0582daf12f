#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""QEMU in a stub domain against QEMU in dom0: the same guests in one lab.

qemu_stubdom.py VARIANTS: the directory with the variants of qemu and xen. Writes
bench/results/qemu_stubdom.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from result_page import write_page

from hvm.machine import Hvm, Wanted, bake_stub, lab_request, make_disk, put_stub
from rumprun.bake.kernel import DEFAULT_PACKAGE
from rumprun.bake.slim_kernel import SOURCE_PACKAGE
from rumprun.lab.xen import Lab, LabError, start_lab

WORK = Path(__file__).resolve().parents[1] / "build" / "bench-qemu-stubdom"
DATA_BYTES = 32 << 20
LEAST_MEMORY = 48
STUB_MEMORY = 128
ARCHIVE_MEMORY = 160
PORTS = 5000
ATA_REQUESTS = 4
DISK_BLOCKS = 16
LOGIN = r"login: $"

HOW = """\
`bench/qemu_stubdom.py --rounds {rounds}`: HVM guests under Xen {xen} in one lab, QEMU without KVM,
where Xen and all domains share one emulated processor. Create: `xl create` to its end, which is
when the device model runs. Login: from there to that word on the emulated serial line: hvmloader,
SeaBIOS, GRUB from the emulated disk, and the slim kernel. Ports: reads of a port of the emulated
IDE channel by a program. Emulated disk: sectors by programmed input, 32 bits at a time; by Xen's
own driver: blocks of 1 MiB past the cache. Both disks' bytes are compared by their sums. Ports and
the emulated disk with the archive's kernel, the rest with the slim one. Medians of {rounds}; the
stub domain had {memory} MB, and in the row that says so {least}. Load average {load}."""


@dataclass(kw_only=True)
class Figures:
    """What was measured of one kind, a list for each row."""

    found: dict[str, list[float]] = field(default_factory=dict)
    sums: set[str] = field(default_factory=set)

    def add(self, row: str, value: float) -> None:
        """One more round's."""
        self.found.setdefault(row, []).append(value)

    def median(self, row: str) -> float:
        """Of all rounds."""
        return statistics.median(self.found[row])


def end(lab: Lab, name: str) -> None:
    """Destroy the guest, and see that its stub domain goes with it."""
    lab.run(f"xl destroy {name}", timeout=120)
    left = lab.run("xl list").stdout
    assert name not in left, left


def measure_slim(lab: Lab, stub: int, figures: Figures) -> None:
    """Creation, boot, and the disk by Xen's driver."""
    guest = Hvm(lab, Wanted(name="slim", disks=("/dev/vda", "/dev/vdc"), stub=stub))
    figures.add("create", guest.created)
    begin = time.monotonic()
    guest.expect(LOGIN)
    figures.add("login", time.monotonic() - begin)
    guest.say(f"disk /dev/xvdb {DISK_BLOCKS}")
    size, seconds, total = guest.expect(r"disk (\d+) ([0-9.]+) (\w+)").groups()
    figures.add("disk", int(size) / float(seconds))
    figures.sums.add(total)
    end(lab, "slim")


def measure_archive(lab: Lab, stub: int, figures: Figures) -> None:
    """Ports and the emulated disk."""
    guest = Hvm(
        lab,
        Wanted(
            name="archive", disks=("/dev/vdb", "/dev/vdc"), stub=stub, memory=ARCHIVE_MEMORY,
        ),
    )  # fmt: skip
    guest.expect(LOGIN)
    guest.say(f"ports {PORTS}")
    count, seconds = guest.expect(r"ports (\d+) ([0-9.]+)").groups()
    figures.add("ports", int(count) / float(seconds))
    guest.say(f"ata {ATA_REQUESTS}")
    size, seconds, total = guest.expect(r"ata (\d+) ([0-9.]+) (\w+)").groups()
    figures.add("ata", int(size) / float(seconds))
    figures.sums.add(f"ata {total}")
    end(lab, "archive")


def works_in_little(lab: Lab) -> bool:
    """Whether a guest comes up with a stub domain of LEAST_MEMORY."""
    try:
        guest = Hvm(lab, Wanted(name="little", disks=("/dev/vda",), stub=LEAST_MEMORY))
        guest.expect(LOGIN)
    except LabError as error:
        print(error, lab.run("tail -n 20 /var/log/xen/qemu-dm-little.log").stdout, flush=True)
        return False
    end(lab, "little")
    return True


def table(dom0: Figures, stub: Figures) -> list[list[str]]:
    """The rows: what, in dom0, in the stub domain, the ratio."""
    shown: list[tuple[str, str, Callable[[float], str]]] = [
        ("xl create", "create", lambda value: f"{value:.1f} s"),
        ("boot to login", "login", lambda value: f"{value:.1f} s"),
        ("reads of a port", "ports", lambda value: f"{value:.0f} /s"),
        ("emulated disk, read", "ata", lambda value: f"{value / 1024:.0f} KiB/s"),
        ("disk by Xen's driver, read", "disk", lambda value: f"{value / (1 << 20):.1f} MiB/s"),
    ]
    return [
        [what, text(dom0.median(row)), text(stub.median(row)),
         f"{stub.median(row) / dom0.median(row):.2f}"]
        for what, row, text in shown
    ]  # fmt: skip


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variants", type=Path)
    parser.add_argument("--xen", default="4.17")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    work = WORK / f"run-{time.time_ns()}"
    work.mkdir(parents=True)
    image = bake_stub(options.variants, work)
    data = work / "data.raw"
    data.write_bytes(os.urandom(DATA_BYTES))
    disks = (
        make_disk(work, SOURCE_PACKAGE),
        make_disk(work, DEFAULT_PACKAGE, "xen_emul_unplug=never"),
        data,
    )
    load = f"{os.getloadavg()[0]:.1f} before"
    kinds = {0: Figures(), STUB_MEMORY: Figures()}
    with start_lab(lab_request(options.xen, disks, work / "lab")) as lab:
        put_stub(lab, image)
        for _round in range(options.rounds):
            for memory, figures in kinds.items():
                measure_slim(lab, memory, figures)
                measure_archive(lab, memory, figures)
                print(memory, figures, flush=True)
        little = works_in_little(lab)
    dom0, stub = kinds.values()
    assert dom0.sums == stub.sums, (dom0.sums, stub.sums)
    size = sum((image / name).stat().st_size for name in ("kernel", "initramfs"))
    rows = table(dom0, stub)
    rows.append(["kernel and root file system", "", f"{size:,} bytes", ""])
    rows.append([f"a guest comes up with {LEAST_MEMORY} MB", "", "yes" if little else "no", ""])
    write_page(
        "qemu_stubdom",
        title="QEMU in a stub domain",
        how=HOW.format(rounds=options.rounds, xen=options.xen, memory=STUB_MEMORY,
                       least=LEAST_MEMORY, load=load),
        header=["what", "QEMU in dom0", "in a stub domain", "ratio"],
        rows=rows,
    )  # fmt: skip


if __name__ == "__main__":
    main()

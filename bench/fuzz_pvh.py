#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Fuzzes what the pvh board reads of others by libFuzzer: fuzz_pvh.py [SECONDS] (default: 600).

Needs what "scripts/install-deps fuzz" installs, and libxen-dev. The seconds are shared by the
start info, root archives, programs' headers, virtio rings, the xenstore's ring, all that Xen shares
with a guest, the files of Xen's devices, and packed images. An input that makes one fail stays in
build/fuzz-pvh, and the status is that of a failed command.
"""

from __future__ import annotations

import re
import shutil
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import lz4.block
from result_page import write_page

from boards.host_build import DEVICES
from rumprun import command
from rumprun.bake.root import Entry, Link
from rumprun.bake.root_archive import write_root

ROOT = Path(__file__).resolve().parents[1]
BASE = ROOT / "boards" / "pvh"
TESTS = ROOT / "tests" / "boards"
WORK = ROOT / "build" / "fuzz-pvh"

LONGEST_INPUT = 8192

# By the name of tests/boards/NAME_fuzz.c: what it is, and the source that it tries, beside those
# that it includes.
PARTS = {
    "start": ("the start info", "start_parse.c"),
    "root": ("root archives and boot modules", "root_parse.c"),
    "elf": ("programs' headers", "elf_parse.c"),
    "ring": ("virtio rings", "virtio/ring.c"),
    "xenbus": ("the xenstore's ring", "xen/xenbus_ring.c"),
    "guest": ("events, console, grants, the store's client and files", "xen/xenbus_ring.c"),
    "device": ("the files of Xen's devices, and what is mapped of them", "xen/*_file.c"),
    "lz4": ("packed images", "unpack/lz4.c"),
}

# Those that are made of more than one source.
SOURCES = {"device": DEVICES}

PROGRAM = "void _start(void);\nint kept = 1;\nvoid _start(void) { for (;;) kept++; }\n"


def main() -> None:
    """Build and run one after the other, and write the page."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    (WORK / "xen").symlink_to("/usr/include/xen")
    share = seconds // len(PARTS)
    rows = []
    for name, (what, source) in PARTS.items():
        said = fuzz(name, build(name, source), share)
        runs = int(re.findall(r"number_of_executed_units:\s*(\d+)", said)[-1])
        covered = re.findall(r"cov: (\d+) ft: (\d+)", said)[-1]
        rows.append([what, f"`{source}`", str(share), f"{runs:,}", *covered, "0"])
    write_page(
        "fuzz_pvh",
        title="What the pvh board reads of others, under a fuzzer",
        how="`bench/fuzz_pvh.py`, which runs libFuzzer with the address and undefined behaviour "
        "sanitizers on the parsing code of `boards/pvh`, and checks that what it hands out is "
        "sound. A crash, a failed assertion or an input that takes longer than libFuzzer allows "
        "would have ended it.",
        header=["what", "source", "seconds", "inputs", "edges reached", "features", "failures"],
        rows=rows,
    )


def build(name: str, source: str) -> Path:
    """The fuzzer of one part."""
    fuzzer = WORK / name
    command.run(
        ["clang", "-std=gnu11", "-D_GNU_SOURCE", "-DFUZZER", "-g", "-O1",
         "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all", "-I", BASE,
         "-isystem", WORK, "-o", fuzzer, TESTS / f"{name}_fuzz.c",
         *SOURCES.get(name, [BASE / source])],
        timeout=300,
        hint="run scripts/install-deps fuzz",
    )  # fmt: skip
    return fuzzer


def fuzz(name: str, fuzzer: Path, seconds: int) -> str:
    """What libFuzzer says of a run from the seeds on."""
    corpus = WORK / f"{name}-corpus"
    corpus.mkdir()
    sow(name, corpus)
    return command.run(
        [fuzzer, f"-max_total_time={seconds}", f"-max_len={LONGEST_INPUT}", "-print_final_stats=1",
         "-use_value_profile=1", f"-artifact_prefix={WORK}/{name}-", corpus],
        timeout=seconds + 300,
    ).stderr  # fmt: skip


def sow(name: str, corpus: Path) -> None:
    """Good inputs, where a fuzzer would take long to find one."""
    if name == "root":
        program, link = Entry(content=b"x" * 20, executable=True), Link(goal="bin/a")
        (corpus / "good").write_bytes(write_root({"bin/a": program, "b": link}, date=1))
    elif name == "lz4":
        content = Path(__file__).read_bytes()
        packed = lz4.block.compress(content, mode="high_compression", store_size=False)
        (corpus / "good").write_bytes(struct.pack(">H", len(content)) + packed)
    elif name == "elf":
        (corpus / "program.c").write_text(PROGRAM)
        command.run(["clang", "-nostdlib", "-static", "-s", "-o", corpus / "program",
                     corpus / "program.c"], timeout=60)  # fmt: skip


if __name__ == "__main__":
    main()

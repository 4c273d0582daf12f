# SPDX-License-Identifier: BSD-2-Clause
"""examples/own-entrypoint as the first process of a machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot.boot_samples import BOOT_SECONDS, ROOT
from rumprun import command, paths
from rumprun.bake.initramfs import Entry, write_cpio
from rumprun.target.descriptor import load_target

pytestmark = pytest.mark.boot

EXAMPLE = ROOT / "examples" / "own-entrypoint"


def test_it_is_all_that_a_kernel_needs(board_root: Path, image: Path, tmp_path: Path) -> None:
    assert board_root.is_dir()
    program, initramfs = tmp_path / "own-entrypoint", tmp_path / "initramfs"
    common = paths.board_files("common")
    command.run([load_target().tool("gcc"), "-std=c11", "-I", common / "include", "-o", program,
                 EXAMPLE / "main.c", common / "librumprun-config.a"])  # fmt: skip
    files = {
        "init": Entry(content=program, executable=True),
        "etc/config.json": Entry(content=EXAMPLE / "config.json"),
    }
    write_cpio(files, initramfs, date=0)
    done = command.run(
        ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "256", "-nodefaults",
         "-no-reboot", "-display", "none", "-serial", "stdio", "-kernel", image / "kernel",
         "-initrd", initramfs, "-append", "console=ttyS0 quiet panic=-1"],
        timeout=BOOT_SECONDS,
    )  # fmt: skip
    said = [line.rstrip("\r") for line in done.stdout.splitlines()]
    assert said[:2] == ["lo is up", "/scratch is mounted, with 2 entries"], done.stdout
    assert said[2].startswith("/kernel is mounted, with ")
    assert said[3] == "status 0"

# SPDX-License-Identifier: BSD-2-Clause
"""What a program may not do on the pvh board, and what becomes of the others when it tries."""

from __future__ import annotations

import io
import itertools
import json
import signal
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from boot.boot_samples import BOOT_SECONDS, HERE, compile_program
from boot.conformance_samples import bake_programs, run_in_image, run_natively
from rumprun.bake.packed import unpack_image
from rumprun.lab.qemu import RunRequest, run_image

pytestmark = pytest.mark.boot

# What protection.c does, to the signal that ends it.
DEEDS = {
    "write-text": signal.SIGSEGV,
    "write-constant": signal.SIGSEGV,
    "write-base": signal.SIGSEGV,
    "write-base-directly": signal.SIGSEGV,
    "read-null": signal.SIGSEGV,
    "call-null": signal.SIGSEGV,
    "call-data": signal.SIGSEGV,
    "call-constant": signal.SIGSEGV,
    "call-stack": signal.SIGSEGV,
    "call-heap": signal.SIGSEGV,
    "call-mapping": signal.SIGSEGV,
    "recurse": signal.SIGSEGV,
    "recurse-in-thread": signal.SIGSEGV,
    "smash": signal.SIGSEGV,
    "free-twice": signal.SIGSEGV,
    "free-wrongly": signal.SIGSEGV,
    "overrun": signal.SIGSEGV,
    "divide": signal.SIGFPE,
    "abort": signal.SIGABRT,
    "terminate": signal.SIGTERM,
}

READ, WRITE, EXECUTE = 4, 2, 1


@pytest.fixture(scope="module")
def protection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that does what it may not."""
    return compile_program(HERE / "protection.c", tmp_path_factory.mktemp("p") / "protection")


@pytest.fixture(scope="module")
def deed_image(
    board_root: Path, protection: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An image of it."""
    assert board_root.is_dir()
    return bake_programs("pvh", [protection], tmp_path_factory.mktemp("image") / "image")


@pytest.mark.parametrize("deed", DEEDS)
def test_a_deed_ends_the_program(
    deed_image: Path, protection: Path, tmp_path: Path, deed: str
) -> None:
    console = bytearray()
    request = RunRequest(arguments=(deed,), timeout=BOOT_SECONDS, accelerator="tcg")
    ended = run_image(deed_image, request, sink=console.extend)
    lines = console.decode(errors="replace").splitlines()
    assert lines[0] == deed
    assert "nothing happened" not in lines
    number = DEEDS[deed]
    said = f"rumprun: protection: ended by signal {int(number)} ("
    assert [line for line in lines if line.startswith(said)]
    assert ended.status == 128 + number
    assert run_natively(protection, tmp_path, deed) == ([deed], ended.status)


def parts_of(path: Path) -> list[tuple[int, int, int]]:
    """Where each part of an ELF file is in memory when it is unpacked, its end, and its rights."""
    content = unpack_image(path.read_bytes(), where=str(path))
    return [
        (part["p_vaddr"], part["p_vaddr"] + part["p_memsz"], part["p_flags"])
        for part in ELFFile(io.BytesIO(content)).iter_segments("PT_LOAD")
    ]


def elf_files(directory: Path) -> list[Path]:
    return [path for path in sorted(directory.iterdir()) if path.read_bytes()[:4] == b"\x7fELF"]


def test_headers_keep_text_and_data_apart(board_root: Path, deed_image: Path) -> None:
    base = board_root / "usr/lib/rumprun-board-pvh/base"
    found = elf_files(deed_image)
    assert len(found) == 1
    for path in (base, *found):
        parts = parts_of(path)
        rights = [flags for _start, _end, flags in parts]
        assert {READ, READ | EXECUTE, READ | WRITE} == set(rights), path
        pages = [(start & -4096, -(-end // 4096) * 4096) for start, end, _flags in sorted(parts)]
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(pages))


@pytest.fixture(scope="module")
def hungry_image(board_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that takes all there is, and a patient one beside it."""
    assert board_root.is_dir()
    place = tmp_path_factory.mktemp("hungry")
    program = compile_program(HERE / "hungry.c", place / "hungry")
    return bake_programs("pvh", [program], place / "image")


def beside(what: str, **more: Any) -> str:
    """A configuration: the patient one in the background, then what takes, then the sign."""

    def entry(name: str, word: str, **options: Any) -> dict[str, Any]:
        return {"bin": "hungry", "name": name, "argv": ["hungry", word], **options}

    return json.dumps(
        {
            "rc": [
                entry("patient", "patient", runmode="&"),
                entry("greedy", what, **more),
                entry("sign", "over"),
            ]
        }
    )


@pytest.mark.parametrize("what", ["memory", "files", "descriptors", "threads"])
def test_others_go_on_where_one_takes_all_there_is(hungry_image: Path, what: str) -> None:
    limit = {"memory": 16} if what in ("memory", "threads") else {}
    lines, status = run_in_image(hungry_image, config=beside(what, **limit), memory=128)
    assert f"{what}: 0" in lines
    assert "all is well" in lines
    assert (lines[-1], status) == ("over: 0", 0)


@pytest.mark.parametrize("what", ["memory", "threads"])
def test_a_machine_without_memory_says_who_took_it(hungry_image: Path, what: str) -> None:
    config = json.dumps({"rc": [{"bin": "hungry", "argv": ["hungry", what]}]})
    lines, status = run_in_image(hungry_image, config=config, memory=16)
    refused = lines == [f"{what}: 0"] and status == 0
    ended = lines[:1] == ["rumprun: hungry: out of memory"] and status == 128 + signal.SIGKILL
    assert refused or ended, lines

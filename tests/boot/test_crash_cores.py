# SPDX-License-Identifier: BSD-2-Clause
"""The crash reporter on the build machine: real cores, and damaged ones, under sanitizers."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from boot.boot_samples import HERE, ROOT, compile_program
from rumprun import command
from rumprun.bake.symbolize import Symbolizer

pytestmark = pytest.mark.integration

BOARD = ROOT / "boards" / "linux"
COMMON = ROOT / "boards" / "common"
PARTS = ("crash_report.c", "core.c", "unwind.c", "unwind_table.c", "unwind_code.c")

OWN_FAILURE = 125


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """crash_reader.c with the board's code, by the native compiler, under its sanitizers."""
    place = tmp_path_factory.mktemp("reader") / "reader"
    flags = ["-std=gnu11", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    sources = [HERE / "crash_reader.c", *(BOARD / name for name in (*PARTS, "instruction.c"))]
    command.run(["gcc", *flags, f"-I{BOARD}", f"-I{COMMON}", "-o", place, *sources], timeout=300)
    return place


@pytest.fixture(scope="module")
def crasher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_program(
        HERE / "crasher.c", tmp_path_factory.mktemp("program") / "crasher", "-O2", "-g"
    )


def make_core(crasher: Path, how: str, place: Path) -> Path:
    """The core of the program where it crashes, with its code: gdb writes it."""
    # The kernel's default leaves out what is in files (core(5)).
    everything = (
        'python open(f"/proc/{gdb.selected_inferior().pid}/coredump_filter","w").write("0x37")'
    )
    orders = ["run", everything, f"generate-core-file {place}", "kill"]
    words = ["gdb", "-nx", "-batch"]
    for order in orders:
        words += ["-ex", order]
    command.run([*words, "--args", crasher, how], timeout=120)
    assert place.stat().st_size > 0
    return place


@pytest.fixture(scope="module")
def cores(crasher: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    directory = tmp_path_factory.mktemp("cores")
    return {how: make_core(crasher, how, directory / how) for how in ("write", "printf", "thread")}


EXPECTED = {
    "write": ["innermost", "middle", "outermost"],
    "printf": ["strnlen", "printf_core", "vfprintf", "vsnprintf", "snprintf", "formatted", "main"],
    "thread": ["innermost", "middle", "outermost", "thread", "start"],
}


@pytest.mark.parametrize("how", EXPECTED)
def test_a_core_of_gdb_is_understood(
    reader: Path, crasher: Path, cores: dict[str, Path], how: str
) -> None:
    said = command.run([reader, cores[how]], timeout=60).stdout
    symbolizer = Symbolizer({"subject": crasher})
    lines = [symbolizer.line(line.encode()).decode() for line in said.splitlines()]
    assert lines[0].startswith("rumprun: crash: subject, process 42, thread ")
    assert "signal 11 (Segmentation fault)" in lines[0]
    found = [line.split(" at ")[0].split()[-1] for line in lines if "subject+0x" in line]
    rest = iter(found)
    assert all(name in rest for name in EXPECTED[how]), said
    assert lines[-1] == "rumprun: end of the crash report"


def test_functions_without_tables_are_followed_by_their_code(reader: Path, tmp_path: Path) -> None:
    """As musl's are compiled: no unwind tables, and a frame pointer only where one is needed."""
    flags = ("-O2", "-g", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables")
    program = compile_program(HERE / "crasher.c", tmp_path / "crasher", *flags)
    core = make_core(program, "thread", tmp_path / "core")
    said = command.run([reader, core], timeout=60).stdout
    symbolizer = Symbolizer({"subject": program})
    lines = [symbolizer.line(line.encode()).decode() for line in said.splitlines()]
    first = "\n".join(lines).split("rumprun:   thread ")[0]
    sure = [line.split(" at ")[0].split()[-1] for line in first.splitlines() if "guess" not in line]
    assert sure[-4:] == ["innermost", "middle", "outermost", "thread"], first


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("how", EXPECTED)
def test_damaged_cores_do_no_harm(
    reader: Path, cores: dict[str, Path], how: str, seed: int
) -> None:
    command.run([reader, cores[how], str(seed), "1500"], timeout=300)


def test_cut_cores_do_no_harm(reader: Path, cores: dict[str, Path], tmp_path: Path) -> None:
    content = cores["thread"].read_bytes()
    cut = tmp_path / "cut"
    statuses = set()
    # gdb puts the notes at the end. Where p_offset of the first program header is: <elf.h>.
    (notes,) = struct.unpack_from("<Q", content, 64 + 8)
    for size in (*range(0, 1200, 61), *range(notes, len(content), 997)):
        cut.write_bytes(content[:size])
        statuses.add(command.run([reader, cut], timeout=60, check=False).returncode)
    assert statuses == {0, OWN_FAILURE}


@pytest.mark.parametrize(
    "content", [b"", b"\x7fELF", bytes(1 << 16), b"\x7fELF\x02" + b"\xff" * 4096]
)
def test_what_is_no_core_is_said_to_be_none(reader: Path, tmp_path: Path, content: bytes) -> None:
    core = tmp_path / "core"
    core.write_bytes(content)
    ended = command.run([reader, core], timeout=60, check=False)
    assert ended.returncode == OWN_FAILURE
    assert ended.stdout == "rumprun: subject, process 42, crashed, and its core makes no sense\n"

# SPDX-License-Identifier: BSD-2-Clause
"""The pvh board in QEMU: what a program gets, on each machine, and what is said where it fails."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from boot.boot_samples import BOOT_SECONDS, HERE, ROOT, boot, compile_program, make_request
from rumprun import command, paths
from rumprun.bake.board import find_board
from rumprun.bake.calls import calls_in, disassemble, read_table
from rumprun.bake.image import describe_file, image_text, read_image
from rumprun.bake.output import bake_image
from rumprun.bake.packed import pack_image, unpack_image
from rumprun.errors import BootError
from rumprun.lab.devices import MACHINES
from rumprun.lab.qemu import RunRequest, run_image
from rumprun.target.descriptor import load_target

pytestmark = pytest.mark.boot

BAKED = "[3]\n[a b]\n[]\n[it's]\n[q\"x]\n[--]\n[\u00fc\n$(x)]\n"


def run(directory: Path, request: RunRequest) -> tuple[str, int]:
    """The console, and the status."""
    console = bytearray()
    timed = dataclasses.replace(request, timeout=BOOT_SECONDS, accelerator="tcg")
    ended = run_image(directory, timed, sink=console.extend)
    return console.decode(errors="replace"), ended.status


def rumpdeb(*words: str | Path, board_root: Path) -> command.Completed:
    environment = command.base_environment() | {"RUMPRUN_BOARD_ROOT": str(board_root)}
    if "RUMPRUN_TOOLCHAIN_ROOT" in os.environ:
        environment["RUMPRUN_TOOLCHAIN_ROOT"] = os.environ["RUMPRUN_TOOLCHAIN_ROOT"]
    return command.run([ROOT / "rumpdeb", *words], env=environment, timeout=300, check=False)


@pytest.mark.parametrize("machine", MACHINES)
def test_baked_arguments_arrive_on_each_machine(pvh_image: Path, machine: str) -> None:
    assert run(pvh_image, RunRequest(machine=machine)) == (BAKED, 3)


def test_status_and_replaced_arguments(pvh_image: Path) -> None:
    odd = os.fsdecode(b"\xff \x01")
    outcome = boot(pvh_image, "255", "", odd, "x" * 5000)
    assert outcome.console == b"[255]\n[]\n[\xff \x01]\n[%s]\n" % (b"x" * 5000)
    assert outcome.ended.status == 255


def test_the_console_carries_every_byte(pvh_image: Path) -> None:
    assert boot(pvh_image, "bytes").console == bytes(range(256))


def test_a_configuration_given_at_boot_overrides(pvh_image: Path) -> None:
    config = {"env": {"GREETING": "hello board"},
              "mount": {"/srv/data": {"source": "tmpfs"}},
              "rc": [{"bin": "subject", "argv": ["subject", "machine"], "workdir": "/srv/data"}],
              }  # fmt: skip
    console, status = run(pvh_image, RunRequest(config=json.dumps(config)))
    lines = console.splitlines()
    assert "stdin -1, parent 1" in lines
    assert lines[-4:] == ["GREETING=hello board", "HOME=/", "PATH=/bin", "TERM=dumb"]
    assert status == 0


def test_a_trace_has_each_call(pvh_image: Path) -> None:
    console, status = run(pvh_image, RunRequest(arguments=("0",), trace=True))
    called = re.findall(r"(?m)^rumprun: subject\[\d+\] (\w+)\(0x[0-9a-f]+, .*\) = -?\d+$", console)
    assert {"arch_prctl", "writev"} <= set(called)
    assert status == 0


def test_two_megabytes_are_enough(pvh_image: Path) -> None:
    assert run(pvh_image, RunRequest(memory=2)) == (BAKED, 3)


def unpacked(directory: Path) -> bytes:
    """What the image in a directory is in memory."""
    return unpack_image((directory / "kernel").read_bytes(), where="x")


def test_the_image_is_one_elf_file_with_rights_that_exclude_each_other(
    pvh_image: Path, tmp_path: Path
) -> None:
    assert sorted(path.name for path in pvh_image.iterdir()) == [
        "image.json", "kernel", "sbom.spdx.json",
    ]  # fmt: skip
    content = unpacked(pvh_image)
    (tmp_path / "unpacked").write_bytes(content)
    said = command.run(["readelf", "--segments", "--wide", tmp_path / "unpacked"]).stdout
    loads = re.findall(r"^ +LOAD .* ([R ][W ][E ]) 0x1000$", said, re.MULTILINE)
    assert loads == ["R  ", "R E", "RW ", "R  "]
    segments = list(ELFFile(io.BytesIO(content)).iter_segments("PT_LOAD"))
    ends = [segment["p_paddr"] + segment["p_memsz"] for segment in segments]
    starts = [segment["p_paddr"] for segment in segments]
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))


def test_two_bakes_are_identical(pvh_image: Path, subject: Path, tmp_path: Path) -> None:
    baked = read_image(pvh_image).programs[0].argv[1:]
    copy = tmp_path / "subject"
    copy.write_bytes(subject.read_bytes())
    bake_image(find_board("pvh"), make_request(copy, *baked), tmp_path / "again")
    for path in pvh_image.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


def two_of(first: Path, second: Path, directory: Path, arguments: Sequence[str] = ()) -> Path:
    """An image of two programs."""
    request = make_request(first, *arguments)
    other = make_request(second, *arguments).programs
    both = dataclasses.replace(request, programs=(*request.programs, *other))
    bake_image(find_board("pvh"), both, directory)
    return directory


def test_one_program_may_be_linked_to_an_address(
    board_root: Path, subject: Path, tmp_path: Path
) -> None:
    assert board_root.is_dir()
    source = HERE / "subject.c"
    fixed = compile_program(source, tmp_path / "fixed", "-static", "-no-pie")
    with fixed.open("rb") as file:
        assert ELFFile(file)["e_type"] == "ET_EXEC"
    image = two_of(fixed, subject, tmp_path / "image", ["0", "both"])
    assert run(image, RunRequest()) == ("[0]\n[both]\n" * 2, 0)


def test_a_program_runs_twice_at_a_time(pvh_image: Path) -> None:
    """The second one is in a slot where its own start code has to relocate it."""
    once = {"bin": "subject", "argv": ["subject", "sleep"], "runmode": "&"}
    config = {"rc": [{**once, "name": "first"}, {"bin": "subject", "argv": ["subject", "0", "x"]}]}
    output, status = run(pvh_image, RunRequest(config=json.dumps(config)))
    # Where it comes, and whether it comes at all, is chance.
    assert (output.replace("sleeping\n", ""), status) == ("[0]\n[x]\n", 0)


@pytest.fixture(scope="module")
def crasher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that crashes, with debug information; see crasher.c."""
    return compile_program(HERE / "crasher.c", tmp_path_factory.mktemp("c") / "crasher", "-g")


@pytest.fixture(scope="module")
def crashing(
    board_root: Path, crasher: Path, subject: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An image with it in the second slot."""
    assert board_root.is_dir()
    return two_of(subject, crasher, tmp_path_factory.mktemp("image") / "image", ["write"])


def test_debug_information_is_left_out(crashing: Path, crasher: Path) -> None:
    program = read_image(crashing).programs[1]
    assert program.size < crasher.stat().st_size
    assert (crashing / "kernel").stat().st_size < 400_000


def test_a_crash_is_attributed_and_symbolised(
    board_root: Path, crashing: Path, crasher: Path, tmp_path: Path
) -> None:
    config = {"rc": [{"bin": "crasher"}]}
    console, status = run(crashing, RunRequest(config=json.dumps(config)))
    crash, end = console.splitlines()[-2:]
    assert re.fullmatch(
        r"rumprun: crash: crasher: signal 11, code 1, address 0x0, at 0x200[0-9a-f]{8}", crash
    )
    assert end == "rumprun: crasher: ended by signal 11 (Segmentation fault)"
    assert status == 139
    log = tmp_path / "log"
    log.write_text(console)
    said = rumpdeb("symbolize", crashing, log, board_root=board_root).stdout
    assert re.search(r"(?m)^rumprun: +0x200[0-9a-f]+ is innermost$", said), said
    said = rumpdeb("symbolize", "--debug", crasher, crashing, log, board_root=board_root).stdout
    assert re.search(r"(?m)^rumprun: +0x200[0-9a-f]+ is innermost at .*crasher\.c:\d+$", said), said


def spoil(directory: Path, old: bytes, new: bytes) -> None:
    """Replace bytes in what is unpacked, and make image.json agree."""
    content = unpacked(directory)
    assert old in content
    unpacker = (paths.board_files("pvh") / "unpack").read_bytes()
    (directory / "kernel").write_bytes(pack_image(content.replace(old, new), unpacker, where="x"))
    note_changes(directory)


def note_changes(directory: Path) -> None:
    image = read_image(directory)
    files = tuple(describe_file(directory / file.name) for file in image.files)
    (directory / "image.json").write_text(image_text(dataclasses.replace(image, files=files)))


def test_a_panic_is_told_and_symbolised(board_root: Path, pvh_image: Path, tmp_path: Path) -> None:
    image = Path(shutil.copytree(pvh_image, tmp_path / "image"))
    kernel = unpacked(image)
    # The one in the base's own text is the one that it compares with.
    place = kernel.rindex(b"rumprun-root 1\0\0")
    spoil(image, kernel[place : place + 64], bytes(64))
    console = bytearray()
    request = RunRequest(timeout=BOOT_SECONDS, accelerator="tcg")
    with pytest.raises(BootError, match=r"panic of the base: .*no root archive"):
        run_image(image, request, sink=console.extend)
    log = tmp_path / "log"
    log.write_bytes(console)
    said = rumpdeb("symbolize", pvh_image, log, board_root=board_root).stdout
    assert re.search(r"(?m)^rumprun: +0xffffffff8[0-9a-f]+ is start_begin at .*start\.c:\d+$", said)


def test_a_damaged_image_says_so(pvh_image: Path, tmp_path: Path) -> None:
    """Where nothing is unpacked yet, there is nothing to repeat."""
    image = Path(shutil.copytree(pvh_image, tmp_path / "image"))
    content = bytearray((image / "kernel").read_bytes())
    packed = list(ELFFile(io.BytesIO(content)).iter_segments("PT_LOAD"))[1]
    content[packed["p_offset"]] = 0
    (image / "kernel").write_bytes(content)
    note_changes(image)
    request = RunRequest(timeout=BOOT_SECONDS, accelerator="tcg")
    with pytest.raises(BootError, match=r"panic of the base: the image is damaged"):
        run_image(image, request, sink=bytearray().extend)


def test_a_break_in_a_program_and_in_the_base(
    board_root: Path, crashing: Path, tmp_path: Path
) -> None:
    # A page that comes in lets an instruction begin anew, and the break there stops once more.
    orders = ("rumprun-break crasher main", "continue", "info symbol $pc", "delete",
              "break machine_end", "continue", "bt 1")  # fmt: skip
    words = [word for order in orders for word in ("-ex", order)]
    console = tmp_path / "console"
    ended = rumpdeb(
        "gdb", crashing, "--console", console, "--", "-nx", "-batch", *words, board_root=board_root
    )
    said = ended.stdout + ended.stderr
    assert re.search(r"main.* in section \.text of .*crasher", ended.stdout), said
    assert re.search(r"#0 +machine_end \(status=139\) at .*say\.c", ended.stdout), said


def test_the_calls_of_programs_are_known_to_the_base(board_root: Path, subject: Path) -> None:
    table = read_table(board_root / "usr/lib/rumprun-board-pvh/base.calls")
    assert len(table.names) > 300
    calls = calls_in(disassemble(subject, load_target()))
    # It has orphan().
    assert table.absent(calls) == ("fork",)
    names = {table.names[number] for number in calls.numbers}
    assert {"open", "close", "read", "writev", "stat", "exit_group", "getppid", "pause"} <= names

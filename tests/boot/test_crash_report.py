# SPDX-License-Identifier: BSD-2-Clause
"""What a machine says when a program in it crashes, and what rumpdeb makes of it."""

from __future__ import annotations

import functools
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from boot.boot_samples import HERE, Outcome, boot, compile_program, make_request
from rumprun import command
from rumprun.bake.board import find_board
from rumprun.bake.output import bake_image
from rumprun.bake.symbolize import Symbolizer
from rumprun.cli.main import main
from rumprun.lab.qemu import RunRequest, run_image

pytestmark = pytest.mark.boot

# The part of its console that is a crash report.
REPORT = re.compile(r"(?ms)^rumprun: crash: .*?^rumprun: end of the crash report$")
FRAME = re.compile(r"(?m)^rumprun:   #(\d+) (\S+)(?: \(a guess\))?(?: (\S+))?(?: at (\S+))?$")


@pytest.fixture(scope="module")
def crasher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that crashes, optimised as packages are; see crasher.c."""
    place = tmp_path_factory.mktemp("program") / "crasher"
    return compile_program(HERE / "crasher.c", place, "-O2", "-g")


@pytest.fixture(scope="module")
def crashing(board_root: Path, crasher: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image of it."""
    assert board_root.is_dir()
    directory = tmp_path_factory.mktemp("image") / "image"
    bake_image(find_board("linux"), make_request(crasher, "write"), directory)
    return directory


Boots = Callable[[str], Outcome]


@pytest.fixture(scope="module")
def crash(crashing: Path) -> Boots:
    """Boots the image with one argument; the same one is booted once."""
    return functools.cache(lambda how: boot(crashing, how))


def report_of(outcome: Outcome, crasher: Path) -> str:
    """The crash report on the console, symbolised."""
    symbolizer = Symbolizer({"crasher": crasher})
    lines = outcome.console.splitlines(keepends=True)
    text = b"".join(symbolizer.line(line) for line in lines).decode()
    found = REPORT.search(text)
    assert found, text
    return found[0]


def functions(report: str) -> list[str]:
    """The functions of the report's frames, those of the first thread first."""
    return [function for _number, _where, function, _location in FRAME.findall(report)]


# musl's functions have no unwind tables; their names and number may change with its version.
CASES = {
    "write": ["innermost", "middle", "outermost"],
    "strlen": ["strlen", "length_of_nothing", "main"],
    "abort": ["raise", "abort", "give_up", "main"],
    "sort": ["compare", "sorted"],
    "printf": ["printf_core", "vfprintf", "vsnprintf", "snprintf", "formatted", "main"],
    "handler": ["innermost", "middle", "outermost", "__restore_rt", "raise", "interrupted", "main"],
    "thread": ["innermost", "middle", "outermost", "thread", "start"],
    "other user": ["innermost", "middle", "outermost"],
    "overflow": ["overflow", "overflow"],
}


# Where musl has more functions of its own between those.
OTHERS_BETWEEN = ("abort", "sort", "printf", "handler")


@pytest.mark.parametrize("how", CASES)
def test_the_backtrace_is_that_of_the_source(crash: Boots, crasher: Path, how: str) -> None:
    outcome = crash(how)
    number = signal.SIGABRT if how == "abort" else signal.SIGSEGV
    report = report_of(outcome, crasher)
    first = report.split("rumprun:   thread ")[0]
    found = functions(first)
    # In this order, and from the innermost on; a function of musl may be between two of them.
    rest = iter(found)
    assert all(name in rest for name in CASES[how]), report
    if how not in OTHERS_BETWEEN:
        assert found[: len(CASES[how])] == CASES[how], report
    assert re.search(rf"crash: crasher, process \d+, thread \d+, signal {int(number)} \(", report)
    assert re.search(r"rip [0-9a-f]{16}  rsp [0-9a-f]{16}  rbp [0-9a-f]{16}", report)
    assert outcome.ended.status == 128 + number


def test_cause_and_lines(crash: Boots, crasher: Path) -> None:
    report = report_of(crash("write"), crasher)
    assert "rumprun:   nothing is mapped at 0x0\n" in report
    source = (HERE / "crasher.c").read_text().splitlines()
    line = source.index("    *where = value;") + 1
    assert re.search(rf"#0 crasher\+0x[0-9a-f]+ innermost at \S*crasher\.c:{line}\n", report)


def test_an_endless_recursion_is_short(crash: Boots, crasher: Path) -> None:
    report = report_of(crash("overflow"), crasher)
    assert re.search(r"that frame \d{3,} times more", report)
    assert len(report.splitlines()) < 30


def test_other_threads_are_there(crash: Boots, crasher: Path) -> None:
    report = report_of(crash("thread"), crasher)
    others = report.split("rumprun:   thread ")[1:]
    assert len(others) == 2
    assert any("in_thread" in functions(other) for other in others)
    assert any("idle" in functions(other) for other in others)


def test_a_pointer_to_no_function_leads_to_its_caller(crash: Boots, crasher: Path) -> None:
    report = report_of(crash("nowhere"), crasher)
    assert re.search(r"#0 0x0\nrumprun:   #1 crasher\+0x[0-9a-f]+ nowhere at ", report)


def test_a_child_that_crashes_is_reported_whole_before_its_parent_goes_on(
    crash: Boots, crasher: Path
) -> None:
    outcome = crash("child")
    assert "in_child" in functions(report_of(outcome, crasher))
    assert outcome.console.endswith(b"end of the crash report\nthe child: 11\n")
    assert outcome.ended.status == 5


@pytest.mark.parametrize(
    ("how", "status", "said"),
    [
        ("hungry", 128 + signal.SIGKILL, b"rumprun: the machine ran out of memory: give it more"),
        ("hungry child", 6, b"rumprun: a process was killed, because the machine ran out of"),
    ],
)
def test_running_out_of_memory_is_said(crashing: Path, how: str, status: int, said: bytes) -> None:
    console = bytearray()
    request = RunRequest(arguments=(how,), timeout=120, accelerator="tcg", memory=160)
    assert run_image(crashing, request, sink=console.extend).status == status
    assert console.startswith(said)
    assert console.count(b"out of memory") == 1


def test_reports_of_several_processes_come_one_after_the_other(crash: Boots) -> None:
    outcome = crash("crowd")
    reports = REPORT.findall(outcome.console.decode())
    assert len(reports) == 4
    assert [report.count("rumprun: crash: ") for report in reports] == [1] * 4
    assert outcome.console.decode() == "".join(f"{report}\n" for report in reports)
    assert outcome.ended.status == 7


def test_a_program_that_is_killed_otherwise_is_not_said_to_have_used_the_memory(
    image: Path,
) -> None:
    outcome = boot(image, "stubborn")
    assert outcome.ended.status == 128 + signal.SIGKILL
    assert b"memory" not in outcome.console


def test_the_command_names_functions_of_a_stripped_program(
    crashing: Path, crasher: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """What a package ships is stripped; its symbols are in a package of their own."""
    stripped, symbols = tmp_path / "crasher", tmp_path / "symbols"
    symbols.mkdir()
    command.run(["strip", "-o", stripped, crasher])
    directory = tmp_path / "image"
    bake_image(find_board("linux"), make_request(stripped, "write"), directory)
    log = tmp_path / "log"
    log.write_bytes(boot(directory, baked=True).console)
    assert main(["symbolize", str(directory), str(log)]) == 0
    said = capfdbinary.readouterr()
    assert said.out == log.read_bytes()
    assert b"crasher has no symbols" in said.err
    (symbols / "crasher").write_bytes(crasher.read_bytes())
    assert main(["symbolize", str(directory), str(log), "--debug", str(symbols)]) == 0
    text = capfdbinary.readouterr().out.decode()
    assert functions(text)[:3] == ["innermost", "middle", "outermost"]
    assert main(["symbolize", str(crashing), str(log)]) == 0
    assert functions(capfdbinary.readouterr().out.decode())[:3] == CASES["write"]

# SPDX-License-Identifier: BSD-2-Clause
"""Which calls a program has code for, as read from objdump's listing of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rumprun.bake.calls import Calls, CallTable, calls_in, read_table
from rumprun.errors import InputError, MissingError
from unit.pvh_samples import CALLS


def listing(*lines: str) -> str:
    """Lines of objdump: ``NAME:`` begins a function, else an address and an instruction."""
    text = ["", "x:     file format elf64-x86-64", "", "Disassembly of section .text:", ""]
    for line in lines:
        address, _, rest = line.partition(" ")
        text.append(f"{int(address, 16):016x} <{rest[:-1]}>:" if rest.endswith(":")
                    else f"{address:>8}:\t{rest}")  # fmt: skip
    return "\n".join(text) + "\n"


def found(*lines: str) -> tuple[set[int], bool]:
    calls = calls_in(listing(*lines))
    return set(calls.numbers), calls.unknown


def test_numbers_come_in_many_ways() -> None:
    assert found(
        "10 _Exit:",
        "10 mov    $0xe7,%eax",
        "15 movslq %edi,%rdi",
        "18 syscall",
        "1a mov    $0x3c,%edx",
        "1f mov    %rdx,%rax",
        "22 syscall",
        "24 jmp    22 <_Exit+0x12>",
        "30 read:",
        "30 xor    %eax,%eax",
        "32 syscall",
        "34 ret",
        "40 small:",
        "40 push   $0x27",
        "42 pop    %rax",
        "43 syscall",
        "45 ret",
    ) == ({0xE7, 0x3C, 0, 0x27}, False)


def test_all_ways_to_a_call_count() -> None:
    assert found(
        "10 either:",
        "10 mov    $0x1,%eax",
        "15 test   %edi,%edi",
        "17 je     30 <either+0x20>",
        "19 mov    $0x2,%r8d",
        "1f call   100 <other>",
        "24 mov    $0x3,%r12d",
        "2a mov    %r12,%rax",
        "2d jmp    30 <either+0x20>",
        "2f nop",
        "30 syscall",
        "32 ret",
        "100 other:",
        "100 ret",
    ) == ({1, 3}, False)


def test_a_tested_register_is_zero_where_it_says_so() -> None:
    assert found(
        "10 f:",
        "10 mov    0x8(%rdi),%rax",
        "14 test   %rax,%rax",
        "17 je     20 <f+0x10>",
        "19 ret",
        "1a nopw   0x0(%rax,%rax,1)",
        "20 syscall",
        "22 ret",
    ) == ({0}, False)


def test_arguments_are_followed_to_the_callers() -> None:
    cancellable = (
        "10 cp:",
        "10 mov    %rdi,%rbx",
        "13 call   40 <inner>",
        "18 ret",
        # The number is the second argument there.
        "40 mov    %rsi,%rax",
        "43 syscall",
        "45 ret",
        "50 mov    %rdi,%rsi",
        "53 jmp    40 <inner>",
        "60 mov    $0x14,%edi",
        "65 call   50 <middle>",
        "70 ret",
        "80 xor    %edi,%edi",
        "82 jmp    50 <middle>",
    )
    numbers, unknown = found(*cancellable)
    assert numbers == {0x14, 0}
    # "cp" is called by nobody that is known, and passes on what it was given in rsi.
    assert unknown


def test_jump_tables_are_looked_through() -> None:
    assert found(
        "10 f:",
        "10 mov    $0x21,%r14d",
        "16 notrack jmp *%rax",
        "20 nop",
        "21 mov    %r14,%rax",
        "24 syscall",
        "26 ret",
    ) == ({0x21}, False)


@pytest.mark.parametrize(
    "lines",
    [
        ("10 f:", "10 mov    0x8(%rdi),%rax", "14 syscall"),
        ("10 f:", "10 syscall"),
        ("10 f:", "10 mov    $0x12345,%eax", "15 syscall"),
        ("10 f:", "10 mov    %rdi,%rax", "13 syscall"),
        ("10 f:", "10 ret", "11 syscall"),
        ("10 f:", "10 pop    %rax", "11 syscall"),
    ],
)
def test_what_cannot_be_known_is_said(lines: tuple[str, ...]) -> None:
    assert found(*lines) == (set(), True)


def test_a_program_without_calls_has_none() -> None:
    assert found("10 f:", "10 ret") == (set(), False)
    assert calls_in("") == Calls(numbers=frozenset(), unknown=False)


def test_the_table_of_a_base(tmp_path: Path) -> None:
    path = tmp_path / "base.calls"
    with pytest.raises(MissingError, match="not there"):
        read_table(path)
    path.write_text(CALLS)
    table = read_table(path)
    calls = Calls(numbers=frozenset({1, 57, 231, 999}), unknown=False)
    assert table.absent(calls) == ("fork", "call 999")
    assert table.has_any(calls, ["fork", "vfork"])
    assert not table.has_any(calls, ["read"])
    path.write_text(f"{CALLS}= 3 close\n")
    with pytest.raises(InputError, match="no table"):
        read_table(path)
    assert isinstance(table, CallTable)

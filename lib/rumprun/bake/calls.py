# SPDX-License-Identifier: BSD-2-Clause
"""Which system calls a program has code for, and which of them a board does not have.

A program is linked with those functions of its libc that it can come to, so a call whose code is
there can be reached. The number of a call is in ``rax`` when ``syscall`` is met (the ABI's
supplement for x86-64, A.2.1). It is followed back along all ways that lead there, through moves
between registers, and to a function's callers where it is an argument, as in those of musl's
functions that can be cancelled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rumprun import command
from rumprun.errors import InputError, MissingError
from rumprun.target.descriptor import Target

# No Linux on x86-64 has as many calls.
_MOST_NUMBERS: Final = 1024

_SECONDS = 600.0

# A line of objdump: an address, a tab, the instruction, its operands, and what it says of them.
_LINE = re.compile(r" *([0-9a-f]+):\t(?:(?:rep|repz|lock|cs|ds|data16|notrack) )*(\S+) *([^#<\n]*)")
_SYSCALL = re.compile(r"^ *[0-9a-f]+:\tsyscall", re.MULTILINE)
_TRANSFER = re.compile(
    r"^ *[0-9a-f]+:\t(?:notrack |bnd )?(call|j[a-z]+) +(?:0x)?([0-9a-f]+)\b", re.MULTILINE
)
_FUNCTION = re.compile(r"^([0-9a-f]+) <|\tlea .*# ([0-9a-f]+)\b", re.MULTILINE)

_REGISTER = re.compile(r"(?:^|,)%(\w+)$")
_IMMEDIATE = re.compile(r"^\$0x([0-9a-f]+),%\w+$")
_BETWEEN = re.compile(r"^%(\w+),%(\w+)$")

# Instructions that write no register that they name last.
_ONLY_READ = ("cmp", "test", "bt", "push", "ucomi", "comi", "nop", "j")

# What comes behind these comes from elsewhere.
_LEAVES = frozenset({"ret", "jmp", "ud2", "hlt"})

# Between functions, and before loops.
_FILLS = ("nop", "xchg", "int3", "cs", "data16")

# The parameters of the ABI's functions, and the registers that a function leaves as they were.
_PARAMETERS: Final = frozenset({"di", "si", "dx", "cx", "8", "9"})
_KEPT: Final = frozenset({"bx", "bp", "sp", "12", "13", "14", "15"})


@dataclass(frozen=True, kw_only=True)
class Calls:
    """The ``numbers`` of calls; ``unknown`` is whether there may be others."""

    numbers: frozenset[int]
    unknown: bool


@dataclass(frozen=True, kw_only=True)
class CallTable:
    """Linux's calls by number, and the numbers of those that a base has."""

    names: Mapping[int, str]
    present: frozenset[int]

    def absent(self, calls: Calls) -> tuple[str, ...]:
        """The names of ``calls`` that the base does not have, in the order of their numbers."""
        return tuple(
            self.names.get(number, f"call {number}")
            for number in sorted(calls.numbers - self.present)
        )

    def has_any(self, calls: Calls, names: Iterable[str]) -> bool:
        """Whether any of ``names`` is among ``calls``."""
        wanted = set(names)
        return any(self.names.get(number) in wanted for number in calls.numbers)


def read_table(path: Path) -> CallTable:
    """The table that a base was built with: lines of ``+`` or ``-``, a number, and a name.

    Raises :class:`MissingError` where there is none, :class:`InputError` for another file.
    """
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except FileNotFoundError as error:
        raise MissingError(f"{path}: not there", hint="build or install the board again") from error
    names, present = {}, set()
    for line in lines:
        match = re.fullmatch(r"([+-]) ([0-9]{1,4}) ([a-z0-9_]+)", line)
        if not match:
            raise InputError(f"{path}: no table of calls", hint="build or install the board again")
        names[int(match[2])] = match[3]
        if match[1] == "+":
            present.add(int(match[2]))
    return CallTable(names=names, present=frozenset(present))


def disassemble(program: Path, target: Target) -> str:
    """The code of ``program``, as objdump lists it, without raw bytes."""
    words = ["--disassemble", "--no-show-raw-insn"]
    return command.run([target.tool("objdump"), *words, program], timeout=_SECONDS).stdout


def calls_in(listing: str) -> Calls:
    """The system calls in the code of a program, whether it has symbols or not."""
    return _Listing(listing).calls()


class _Listing:
    """Code in objdump's words.

    A place is where a line begins in the text; what is asked is what a register has before the
    instruction there.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._functions: set[int] = set()
        # By the addresses where they lead, the places of calls and of jumps.
        self._calls: dict[int, list[int]] = {}
        self._jumps: dict[int, list[int]] = {}
        for match in _TRANSFER.finditer(text):
            found = self._calls if match[1] == "call" else self._jumps
            found.setdefault(int(match[2], 16), []).append(match.start())
        self._functions = set(self._calls)
        for match in _FUNCTION.finditer(text):
            self._functions.add(int(match[1] or match[2], 16))
        self._asked: set[tuple[int, str]] = set()
        self._numbers: set[int] = set()
        self._unknown = False

    def calls(self) -> Calls:
        """Follow each ``syscall`` back."""
        waiting = [(match.start(), "ax") for match in _SYSCALL.finditer(self._text)]
        while waiting:
            question = waiting.pop()
            if question not in self._asked:
                self._asked.add(question)
                waiting += self._before(*question)
        return Calls(numbers=frozenset(self._numbers), unknown=self._unknown)

    def _before(self, place: int, register: str) -> Iterator[tuple[int, str]]:
        """What has to be asked to know what ``register`` has at ``place``; notes what is known."""
        match = _LINE.match(self._text, place)
        address = int(match[1], 16) if match else -1
        sources = list(self._jumps.get(address, ()))
        if address in self._functions and register in _PARAMETERS:
            sources += self._calls.get(address, ())
        for source in sources:
            if self._is_zero(source, register):
                self._note(0)
            else:
                yield (source, register)
        if address in self._functions:
            self._unknown |= not sources
            return
        previous, before = self._instruction_before(place)
        if before and before[2] not in _LEAVES:
            yield from self._through(previous, before, register)
        elif not sources:
            yield from self._from_table(previous, register)

    def _instruction_before(self, place: int) -> tuple[int, re.Match[str] | None]:
        """The place and line of the instruction before; None at a function's name."""
        while place:
            place = self._text.rfind("\n", 0, place - 1) + 1
            line = _LINE.match(self._text, place)
            if line is None or not line[2].startswith(_FILLS):
                return place, line
        return 0, None

    def _from_table(self, place: int, register: str) -> Iterator[tuple[int, str]]:
        """The same where nothing is known to lead: from the last jump through a table before."""
        line = _LINE.match(self._text, place)
        while line and int(line[1], 16) not in self._functions:
            if line[2] == "jmp" and line[3].startswith("*"):
                yield (place, register)
                return
            place, line = self._instruction_before(place)
        self._unknown = True

    def _through(self, place: int, line: re.Match[str], register: str) -> Iterator[tuple[int, str]]:
        """The same for the end of the instruction at ``place``, which ``line`` is."""
        name, operands = line[2], line[3].rstrip()
        if name == "call":
            # Nothing that is needed is in the others: what was called does not come back.
            if register in _KEPT:
                yield (place, register)
            return
        written = _REGISTER.search(operands)
        if not written or _canonical(written[1]) != register or name.startswith(_ONLY_READ):
            yield (place, register)
            return
        immediate, between = _IMMEDIATE.match(operands), _BETWEEN.match(operands)
        if immediate and name.startswith("mov"):
            self._note(int(immediate[1], 16))
        elif between and name.startswith("mov"):
            yield (place, _canonical(between[1]))
        elif between and name == "xor" and between[1] == between[2]:
            self._note(0)
        else:
            self._note(self._pushed(place) if name == "pop" else None)

    def _is_zero(self, place: int, register: str) -> bool:
        """Whether the jump at ``place`` is taken when ``register`` is zero only."""
        jump = _LINE.match(self._text, place)
        _previous, before = self._instruction_before(place)
        if not jump or not before or jump[2] != "je" or before[2] != "test":
            return False
        tested = _BETWEEN.match(before[3].rstrip())
        return bool(tested and tested[1] == tested[2] and _canonical(tested[1]) == register)

    def _pushed(self, place: int) -> int | None:
        """The number that the instruction before ``place`` pushes."""
        _previous, line = self._instruction_before(place)
        pushed = re.match(r"\$0x([0-9a-f]+)", line[3]) if line and line[2] == "push" else None
        return int(pushed[1], 16) if pushed else None

    def _note(self, number: int | None) -> None:
        if number is None or number >= _MOST_NUMBERS:
            self._unknown = True
        else:
            self._numbers.add(number)


def _canonical(register: str) -> str:
    """The name that all parts of a register have: ``ax`` for ``rax``, ``8`` for ``r8d``."""
    if register[-1:] == "l" and len(register) == 2:
        return register[0] + "x"
    if register[:1] == "r" and register[1:2].isdigit():
        return register[1:].rstrip("dwb")
    return register[1:] if register[:1] in ("r", "e") else register

# SPDX-License-Identifier: BSD-2-Clause
"""Programs that end themselves with ``hlt``, on a board where that waits for an interrupt.

musl has ``hlt`` where it finds that a program has done wrong, as in ``free``: Linux forbids it, and
sends SIGSEGV. On the board ``pvh`` nothing is forbidden by privilege, so the baker puts in its
place a byte that no processor has as an instruction in 64-bit mode, which the base takes for it.
"""

from __future__ import annotations

import io
import re
from typing import Final

from elftools.elf.elffile import ELFFile

HALT: Final = b"\xf4"
# What was "push %es"; FAULT_HALT in boards/pvh/trap.c.
IN_ITS_PLACE: Final = b"\x06"

# How many instructions on either side are looked at, and what compilers and libc have.
_AROUND = 8
_CONDITIONAL = re.compile(r"j(?!mp)\w+")
_USUAL = re.compile(
    r"(mov|cmp|test|add|sub|adc|sbb|and|or|xor|not|neg|inc|dec|lea|push|pop|shl|shr|sar|ror|rol|set"
    r"|cmov|j|nop|bs|bt|imul|mul|div|idiv|xchg|cmpxchg|cvt|p?xor|stos|scas)\w*"
    r"|call|ret|leave|hlt|ud2|syscall|cltq|cqto|cltd|cs|data16|rep|repz|repnz|lock|endbr64"
)

# A line of objdump without raw bytes: an address, a tab, the instruction, and where it leads.
_LINE = re.compile(r"^ *([0-9a-f]+):\t(\S+)(?: +([0-9a-f]+)\b)?", re.MULTILINE)


def without_halts(content: bytes, listing: str) -> bytes:
    """The ELF program ``content``, whose code objdump lists, without ``hlt``.

    Data between code may look like it, so one counts only where a conditional jump is before it, or
    a jump or call leads to it, and what is around it is what code is made of.
    """
    changed = bytearray(content)
    segments = [
        dict(segment.header) for segment in ELFFile(io.BytesIO(content)).iter_segments("PT_LOAD")
    ]
    for address in _halts(listing):
        for segment in segments:
            place = address - segment["p_vaddr"]
            if 0 <= place < segment["p_filesz"]:
                offset = segment["p_offset"] + place
                if changed[offset : offset + 1] == HALT:
                    changed[offset : offset + 1] = IN_ITS_PLACE
    return bytes(changed)


def _halts(listing: str) -> list[int]:
    lines = [
        (int(line[1], 16), line[2], int(line[3], 16) if line[3] else None)
        for line in _LINE.finditer(listing)
    ]
    goals = {goal for _address, name, goal in lines if name == "call" or name.startswith("j")}
    found = []
    for place, (address, name, _goal) in enumerate(lines):
        if name == "hlt" and (address in goals or _CONDITIONAL.fullmatch(lines[place - 1][1])):
            around = lines[max(place - _AROUND, 0) : place + _AROUND + 1]
            if all(_USUAL.fullmatch(other) for _place, other, _leads in around):
                found.append(address)
    return found

# SPDX-License-Identifier: BSD-2-Clause
"""What the rules need to know of an ELF file's headers, read from files that nobody vouches for."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import IO

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import NoteSegment

from rumprun.elf import PARSER_ERRORS

_MAX_TAGS = 4096
_DF_TEXTREL = 0x4
_DF_1_PIE = 0x08000000
_PF_X = 1
_PF_W = 2


class ElfDamaged(Exception):
    """The file begins like ELF and is none; the message says why in a few words."""


@dataclass(frozen=True, kw_only=True)
class ElfFacts:
    """The headers of one ELF file.

    ``kind`` is the ELF type (``ET_REL`` …), ``bits`` 32 or 64, ``machine`` as in ``EM_X86_64``.
    ``stack`` holds the flags of PT_GNU_STACK, None where there is no such header. ``abi_tag``:
    there is an NT_GNU_ABI_TAG note, which glibc's start files leave in every program.
    """

    kind: str
    bits: int
    machine: str
    little_endian: bool = True
    interpreter: str = ""
    needed: tuple[str, ...] = ()
    pie: bool = False
    text_relocations: bool = False
    stack: int | None = None
    writable_code: bool = False
    abi_tag: bool = False

    @property
    def dynamic(self) -> str:
        """Why the dynamic loader would be needed for this file; empty where it is not."""
        if self.interpreter:
            return f"asks for the interpreter {self.interpreter}"
        if self.needed:
            return f"needs {', '.join(self.needed)}"
        if self.kind == "ET_DYN" and not self.pie:
            return "is a shared object"
        return ""

    @property
    def program(self) -> bool:
        """Whether it is a finished program, static or not."""
        return self.kind == "ET_EXEC" or (self.kind == "ET_DYN" and self.pie)

    @property
    def executable_stack(self) -> bool:
        """Whether the kernel would give the program a stack that can hold code."""
        return self.stack is None or bool(self.stack & _PF_X)


def read_elf(stream: IO[bytes], size: int) -> ElfFacts:
    """The facts of the ELF file of ``size`` bytes in ``stream``.

    Raises :class:`ElfDamaged`, and nothing else, for whatever is not a sound ELF file.
    """
    try:
        elf = ELFFile(stream)
        _check_tables(elf, size)
        facts = ElfFacts(
            kind=str(elf["e_type"]),
            bits=int(elf.elfclass),
            machine=str(elf["e_machine"]),
            little_endian=bool(elf.little_endian),
        )
        return facts if facts.kind == "ET_REL" else _with_segments(elf, facts)
    except PARSER_ERRORS as error:
        reason = str(error) if isinstance(error, ELFError) else type(error).__name__
        raise ElfDamaged(reason or "unexpected end") from error
    except RecursionError as error:
        raise ElfDamaged("headers that refer to themselves") from error


def _check_tables(elf: ELFFile, size: int) -> None:
    """Refuse header tables that do not lie within the file: their counts drive loops."""
    expected = {32: (32, 40), 64: (56, 64)}[elf.elfclass]
    tables = (
        ("program", elf["e_phoff"], elf["e_phentsize"], expected[0], elf.num_segments()),
        ("section", elf["e_shoff"], elf["e_shentsize"], expected[1], elf.num_sections()),
    )
    for name, offset, entry_size, wanted, count in tables:
        if count and (entry_size != wanted or offset + count * entry_size > size):
            raise ELFError(f"its {name} headers do not lie within the file")


def _with_segments(elf: ELFFile, facts: ElfFacts) -> ElfFacts:
    for segment in elf.iter_segments():
        match segment["p_type"]:
            case "PT_INTERP":
                facts = replace(facts, interpreter=segment.get_interp_name() or "without a name")
            case "PT_DYNAMIC":
                facts = _with_tags(segment, facts)
            case "PT_GNU_STACK":
                facts = replace(facts, stack=segment["p_flags"])
            case "PT_LOAD" if segment["p_flags"] & _PF_W and segment["p_flags"] & _PF_X:
                facts = replace(facts, writable_code=True)
            case "PT_NOTE" if _has_abi_tag(segment):
                facts = replace(facts, abi_tag=True)
    return facts


def _with_tags(segment: DynamicSegment, facts: ElfFacts) -> ElfFacts:
    for tag in itertools.islice(segment.iter_tags(), _MAX_TAGS):
        value = tag.entry.d_val
        match tag.entry.d_tag:
            case "DT_NEEDED":
                facts = replace(facts, needed=(*facts.needed, tag.needed))
            case "DT_TEXTREL":
                facts = replace(facts, text_relocations=True)
            case "DT_FLAGS" if value & _DF_TEXTREL:
                facts = replace(facts, text_relocations=True)
            case "DT_FLAGS_1" if value & _DF_1_PIE:
                facts = replace(facts, pie=True)
    return facts


def _has_abi_tag(segment: NoteSegment) -> bool:
    notes = itertools.islice(segment.iter_notes(), _MAX_TAGS)
    return any(note["n_name"] == "GNU" and note["n_type"] == "NT_GNU_ABI_TAG" for note in notes)

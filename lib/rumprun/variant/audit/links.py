# SPDX-License-Identifier: BSD-2-Clause
"""Which references of a package a static link could never satisfy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rumprun.target.descriptor import Target
from rumprun.variant.audit.closure import Closure
from rumprun.variant.audit.elf import ElfFacts
from rumprun.variant.audit.symbols import FileSymbols, native_definers
from rumprun.variant.audit.tree import Entry

# What ld itself defines while it links (ld's manual, "Source Code Reference", and its default
# linker script), and main, which is the program's to define.
_LINKER_MADE = frozenset(
    {
        "_DYNAMIC",
        "_GLOBAL_OFFSET_TABLE_",
        "_PROCEDURE_LINKAGE_TABLE_",
        "_TLS_MODULE_BASE_",
        "__GNU_EH_FRAME_HDR",
        "__bss_start",
        "__data_start",
        "__ehdr_start",
        "__executable_start",
        "__fini_array_end",
        "__fini_array_start",
        "__init_array_end",
        "__init_array_start",
        "__preinit_array_end",
        "__preinit_array_start",
        "__rela_iplt_end",
        "__rela_iplt_start",
        "_edata",
        "_end",
        "_etext",
        "data_start",
        "edata",
        "end",
        "etext",
        "main",
    }
)
_SECTION_BOUND = re.compile(r"(?:__start_|__stop_)[A-Za-z_]\w*|\.(?:startof|sizeof)\..+")

# What glibc's headers, not a programmer, put into objects: proof that they were used. A host
# without glibc, or with an older one, cannot be asked, so the families are named here too.
_GLIBC_FAMILIES = re.compile(r"__\w+_chk|__isoc\d+_\w+|_IO_\w+|__libc_single_threaded")
_GLIBC_LIBRARIES = ("libc.so.6", "libm.so.6")


@dataclass(frozen=True, kw_only=True)
class Unresolved:
    """``symbol``, which ``members`` of the file ``path`` need and nothing defines.

    ``native`` is the build host's shared library that has it, if any.
    """

    path: str
    symbol: str
    members: tuple[str, ...]
    native: str = ""

    @property
    def glibc_only(self) -> bool:
        """Whether glibc's headers were used to compile the members."""
        reserved = self.symbol.startswith(("__", "_IO_"))
        known = reserved and self.native in _GLIBC_LIBRARIES
        return known or _GLIBC_FAMILIES.fullmatch(self.symbol) is not None


def linkable(facts: ElfFacts, target: Target) -> bool:
    """Whether ld could take the object into a program for ``target``."""
    machine = (facts.machine, facts.bits) == (target.elf_machine, target.elf_class)
    return machine and facts.little_endian and facts.kind == "ET_REL"


def judged(entry: Entry, target: Target) -> Iterator[str]:
    """The members of ``entry`` ("" for a lone object) whose references count."""
    return (name for name, facts in entry.objects() if linkable(facts, target))


def nm_name(member: str) -> str:
    """A member's name as it comes back from nm's output, where broken UTF-8 is replaced."""
    return member.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def find_unresolved(
    entries: Sequence[Entry], symbols: Mapping[str, FileSymbols], closure: Closure
) -> tuple[Unresolved, ...]:
    """Every undefined symbol of the judged members that no archive of the closure defines."""
    own = {name for found in symbols.values() for name in found.defined()}
    missing: dict[tuple[str, str], dict[str, None]] = {}
    for entry in entries:
        if entry.path not in symbols:
            continue
        members = {nm_name(name) for name in judged(entry, closure.target)}
        for part in symbols[entry.path].objects:
            for name in part.undefined if part.member in members else ():
                if name not in own and name not in closure.definers and not _made_by_ld(name):
                    missing.setdefault((entry.path, name), {})[part.member] = None
    natives = native_definers({name for _, name in missing}, closure.target) if missing else {}
    return tuple(
        Unresolved(path=path, symbol=name, members=tuple(found), native=natives.get(name, ""))
        for (path, name), found in sorted(missing.items())
    )


def _made_by_ld(name: str) -> bool:
    return name in _LINKER_MADE or _SECTION_BOUND.fullmatch(name) is not None


def listed(names: Sequence[str], most: int = 3) -> str:
    """``a, b, c and 7 more``."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown

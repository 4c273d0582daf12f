# SPDX-License-Identifier: BSD-2-Clause
"""Programs to bake: static ELF executables for the target, and nothing else."""

from __future__ import annotations

import io
import re
from pathlib import Path

from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

from rumprun.elf import PARSER_ERRORS
from rumprun.elf_magic import ELF_MAGIC
from rumprun.errors import InputError, MissingError
from rumprun.target.descriptor import Target

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]{0,127}")


def program_name(path: Path) -> str:
    """The name that a program file has in an image: the file's own.

    Raises :class:`InputError` where that cannot be a name.
    """
    if not _NAME.fullmatch(path.name):
        raise InputError(
            f"{path}: {path.name!r} is no name for a baked program",
            hint="rename it to letters, digits and + . _ -",
        )
    return path.name


def check_program(path: Path, target: Target) -> None:
    """See that ``path`` is a static executable for ``target``.

    Raises :class:`MissingError` where there is no such file, and :class:`InputError` that says
    what it is instead.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise MissingError(f"{path}: no such program", hint="give the path of its file") from error
    except IsADirectoryError as error:
        raise InputError(f"{path}: a directory, not a program") from error
    if not content.startswith(ELF_MAGIC):
        raise InputError(f"{path}: {_kind(content)}, not a static ELF program", hint=_hint())
    try:
        # From memory: offsets in a damaged header are no positions that a file can have.
        _check_elf(path, ELFFile(io.BytesIO(content)), target)
    except PARSER_ERRORS as error:
        raise InputError(f"{path}: a damaged ELF file ({error})", hint=_hint()) from error


def _hint() -> str:
    return "bake a program of a -rumprun package, or one linked by the target's gcc"


def _kind(content: bytes) -> str:
    start = content[:256]
    if not start:
        return "an empty file"
    if start.startswith(b"#!"):
        interpreter = start[2:].split(b"\n", 1)[0].decode("utf-8", errors="replace").strip()
        return f"a script for {interpreter}"
    return "not an ELF file"


def _check_elf(path: Path, elf: ELFFile, target: Target) -> None:
    machine = elf["e_machine"]
    if elf.elfclass != target.elf_class or machine != target.elf_machine:
        raise InputError(
            f"{path}: a {elf.elfclass}-bit program for {machine}, and target {target.name} is "
            f"{target.elf_class}-bit {target.elf_machine}",
            hint=_hint(),
        )
    if elf["e_type"] not in target.elf_programs:
        wanted = " or ".join(target.elf_programs)
        raise InputError(
            f"{path}: {elf['e_type']}, and programs of target {target.name} are {wanted}",
            hint=_hint(),
        )
    if elf["e_type"] == "ET_REL":
        _check_main(path, elf)
        return
    for segment in elf.iter_segments():
        if segment["p_type"] == "PT_INTERP":
            loader = segment.get_interp_name()
            raise InputError(f"{path}: dynamically linked, wants {loader}", hint=_hint())
        if isinstance(segment, DynamicSegment):
            needed = [tag.needed for tag in segment.iter_tags("DT_NEEDED")]
            if needed:
                raise InputError(f"{path}: needs {', '.join(needed)}, not static", hint=_hint())
    if not elf["e_entry"]:
        raise InputError(f"{path}: a library without an entry point", hint=_hint())


def _check_main(path: Path, elf: ELFFile) -> None:
    """A relocatable file is a program by its function main, which a strip may have taken."""
    table = elf.get_section_by_name(".symtab")
    found = table.get_symbol_by_name("main") if table else None
    if not found or all(symbol["st_shndx"] == "SHN_UNDEF" for symbol in found):
        raise InputError(f"{path}: a relocatable file without a function main", hint=_hint())

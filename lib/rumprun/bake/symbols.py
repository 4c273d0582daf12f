# SPDX-License-Identifier: BSD-2-Clause
"""Where the symbols of a baked program are: in itself, or in a file that was made along with it.

What belongs together has the same build ID (ld's ``--build-id``, which the target's compiler
always gives). Debian's ``-dbgsym`` packages install such files below ``/usr/lib/debug``.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection

from rumprun.bake.image import Program
from rumprun.elf import PARSER_ERRORS
from rumprun.errors import InputError, MissingError

SYSTEM_DIRECTORY = Path("/usr/lib/debug")

# No program is larger; the files of a directory that the user names can be anything.
_LIMIT = 1 << 30


def build_id_of(content: bytes) -> str | None:
    """The build ID of an ELF file in hexadecimal; None where it has none or is damaged."""
    try:
        for section in ELFFile(io.BytesIO(content)).iter_sections():
            if isinstance(section, NoteSection):
                for note in section.iter_notes():
                    if note["n_type"] == "NT_GNU_BUILD_ID":
                        return str(note["n_desc"])
    except PARSER_ERRORS:
        return None
    return None


def build_id_file(build_id: str) -> str:
    """Where below a directory of symbols those with ``build_id`` are."""
    return f".build-id/{build_id[:2]}/{build_id[2:]}.debug"


def has_symbols(content: bytes) -> bool:
    """Whether an ELF file has a symbol table or lines of source."""
    try:
        elf = ELFFile(io.BytesIO(content))
        return any(elf.get_section_by_name(name) for name in (".symtab", ".debug_info"))
    except PARSER_ERRORS:
        return False


def symbol_file(
    program: Program, content: bytes, places: Sequence[Path], scratch: Path
) -> Path | None:
    """A file with the symbols of ``program``, whose file has ``content``; None for none.

    ``places`` are files, and directories as of ``-dbgsym`` packages or with unstripped programs,
    all better than what the program itself has. Raises :class:`MissingError` for a place that
    is not there, and :class:`InputError` where a file that was named is for no build of this
    program, and there is no other place.
    """
    build_id = build_id_of(content)
    for place in places:
        if not place.exists():
            raise MissingError(f"{place}: not there", hint="give a file or directory of symbols")
    # The system's own is looked at last: it has no more than the program where that has symbols.
    for place in (*places, SYSTEM_DIRECTORY):
        for path in _candidates(place, build_id, program.path.rpartition("/")[2]):
            if build_id and _read_build_id(path) == build_id:
                return path
    if len(places) == 1 and places[0].is_file() and not has_symbols(content):
        raise InputError(
            f"{places[0]}: not from the build of {program.name}, whose build ID is {build_id}",
            hint="give the unstripped file that the program was made from",
        )
    if not has_symbols(content):
        return None
    own = scratch / f"{program.name}.elf"
    own.write_bytes(content)
    return own


def _candidates(place: Path, build_id: str | None, name: str) -> Iterator[Path]:
    if place.is_file():
        yield place
    elif build_id:
        number = build_id_file(build_id)
        for path in (place / number, place / "usr/lib/debug" / number, place / name):
            if path.is_file():
                yield path


def _read_build_id(path: Path) -> str | None:
    return build_id_of(path.read_bytes()) if path.stat().st_size <= _LIMIT else None

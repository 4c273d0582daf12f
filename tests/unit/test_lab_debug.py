# SPDX-License-Identifier: BSD-2-Clause
"""How programs are placed for gdb, where their symbols are found, and how gdb is called."""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path

import pytest

from rumprun.bake.symbols import build_id_of, symbol_file
from rumprun.errors import InputError, MissingError
from rumprun.lab.debug import gdb_command, place_programs
from unit.test_bake_image import IMAGE
from unit.test_bake_program import ET_DYN, ET_EXEC, elf

HELLO = dataclasses.replace(IMAGE.programs[0], name="hello", path="/bin/hello")
OTHER = dataclasses.replace(HELLO, name="other", path="/bin/other")
ID = bytes(range(20))


def with_sections(*, build_id: bytes = b"", symbols: bool = False) -> bytes:
    """An ELF file with sections: a build ID, a symbol table of no symbols."""
    names = b"\0.shstrtab\0.note.gnu.build-id\0.symtab\0.strtab\0"
    note = struct.pack("<III", 4, len(build_id), 3) + b"GNU\0" + build_id
    start = elf(kind=ET_DYN)
    names_at, note_at = len(start), len(start) + len(names)
    sections = [(0, 0, 0, 0, 0, 0), (1, 3, names_at, len(names), 0, 0)]
    if build_id:
        sections.append((names.index(b".note"), 7, note_at, len(note), 0, 0))
    if symbols:
        sections.append((names.index(b".symtab"), 2, note_at, 0, 1, 24))
    table = b"".join(
        struct.pack("<IIQQQQIIQQ", name, kind, 0, 0, at, size, link, 0, 4, entry)
        for name, kind, at, size, link, entry in sections
    )
    content = bytearray(start + names + note + table)
    struct.pack_into("<Q", content, 40, len(start + names + note))
    struct.pack_into("<HHH", content, 58, 64, len(sections), 1)
    return bytes(content)


WHOLE = with_sections(build_id=ID, symbols=True)
STRIPPED = with_sections(build_id=ID)


def test_build_ids() -> None:
    assert build_id_of(WHOLE) == ID.hex()
    assert build_id_of(with_sections()) is None
    assert build_id_of(b"") is None
    assert build_id_of(WHOLE[:-100]) is None


def test_a_program_has_its_own_symbols(tmp_path: Path) -> None:
    path = symbol_file(HELLO, WHOLE, (), tmp_path)
    assert path is not None
    assert path.read_bytes() == WHOLE
    assert symbol_file(HELLO, STRIPPED, (), tmp_path) is None


@pytest.mark.parametrize(
    "name", ["hello", f".build-id/{ID.hex()[:2]}/{ID.hex()[2:]}.debug",
             f"usr/lib/debug/.build-id/{ID.hex()[:2]}/{ID.hex()[2:]}.debug"]
)  # fmt: skip
def test_symbols_are_found_by_the_build(tmp_path: Path, name: str) -> None:
    path = tmp_path / "symbols" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(WHOLE)
    assert symbol_file(HELLO, STRIPPED, (tmp_path / "symbols",), tmp_path) == path
    assert symbol_file(HELLO, STRIPPED, (path,), tmp_path) == path
    path.write_bytes(with_sections(build_id=ID[::-1], symbols=True))
    assert symbol_file(HELLO, STRIPPED, (tmp_path / "symbols",), tmp_path) is None
    with pytest.raises(InputError, match=f"not from the build of hello.*{ID.hex()}"):
        symbol_file(HELLO, STRIPPED, (path,), tmp_path)
    with pytest.raises(MissingError, match="nowhere"):
        symbol_file(HELLO, STRIPPED, (tmp_path / "nowhere",), tmp_path)


def test_each_program_has_an_address_of_its_own(tmp_path: Path) -> None:
    fixed = dataclasses.replace(HELLO, name="fixed", path="/bin/fixed")
    programs = {HELLO: elf(kind=ET_DYN), OTHER: elf(kind=ET_DYN), fixed: elf(kind=ET_EXEC)}
    first, second, third = place_programs(programs, (), tmp_path)
    assert first.end <= second.base
    assert first.offset == first.base > 0
    assert second.content is not None
    assert struct.unpack_from("<Q", second.content, 24) == (0x401000 + second.base,)
    assert (third.base, third.offset, third.content) == (0, 0, None)


def test_gdb_is_connected_before_the_users_orders() -> None:
    words = gdb_command(Path("/t/session.json"), ("-batch", "-ex", "continue"))
    assert words[0] == "gdb"
    assert words[-3:] == ["-batch", "-ex", "continue"]
    assert words.index("rumprun-connect /t/session.json") < words.index("-batch")

# SPDX-License-Identifier: BSD-2-Clause
"""Root archives in the ELF file of a base: where they are loaded, and how they are found again."""

from __future__ import annotations

import contextlib
import functools
import io
import struct

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given
from hypothesis import strategies as st

from rumprun.bake.base import MEMORY_BASE, append_root, has_base, loaded_part, memory_of, root_of
from rumprun.bake.root import Entry
from rumprun.bake.root_archive import write_root
from rumprun.errors import InputError
from unit.pvh_samples import BSS, DATA, PAGE, RW, RX, START, TEXT, R, base

ARCHIVE = write_root({"bin/x": Entry(content=b"program", executable=True)}, date=0)
PART = loaded_part(base(), where="x")
IMAGE = append_root(PART, ARCHIVE, where="x")


def test_symbols_stay_behind() -> None:
    assert len(base()) > len(PART)
    elf = ELFFile(io.BytesIO(PART))
    assert elf.num_sections() == 0
    _headers, text, data = elf.iter_segments("PT_LOAD")
    assert (text.data(), data.data()) == (TEXT, DATA)


def test_the_archive_is_loaded_behind_everything() -> None:
    headers, text, data, root = ELFFile(io.BytesIO(IMAGE)).iter_segments("PT_LOAD")
    assert [segment["p_flags"] for segment in (headers, text, data, root)] == [R, RX, RW, R]
    assert root["p_paddr"] == START + 2 * PAGE + BSS
    assert root["p_offset"] == root["p_paddr"] - START
    assert root["p_vaddr"] == MEMORY_BASE + root["p_paddr"]
    assert root["p_filesz"] == root["p_memsz"] == len(ARCHIVE)
    assert root.data() == ARCHIVE
    assert (text.data(), data.data()) == (TEXT, DATA)
    assert memory_of(IMAGE, where="x") == 2 * PAGE + BSS + len(ARCHIVE)


def test_the_archive_is_found_again() -> None:
    assert root_of(IMAGE, where="x") == ARCHIVE
    with pytest.raises(InputError, match="x: no root archive"):
        root_of(PART, where="x")


def test_symbols_are_of_this_base_only() -> None:
    assert has_base(IMAGE, base(), where="x")
    other = bytearray(base())
    other[PAGE + 5] ^= 1
    assert not has_base(IMAGE, bytes(other), where="x")
    # A header that the linker writes does not count, and what is no code or data neither.
    other = bytearray(base())
    other[-1] ^= 1
    assert has_base(IMAGE, bytes(other), where="x")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a 64-bit ELF file"),
        (b"\x7fELF\x01\x01".ljust(100, b"\0"), "not a 64-bit ELF file"),
        (base()[:100], "program headers are damaged"),
        (base()[: PAGE + 5], "it ends early"),
        (
            functools.reduce(
                lambda content, flags: content.replace(
                    struct.pack("<II", 1, flags), struct.pack("<II", 2, flags)
                ),
                (R, RX, RW),
                base(),
            ),
            "nothing in it is loaded",
        ),
        (base(free=0), "0 free program headers"),
        (base(free=2), "2 free program headers"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_no_base_is_told(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=f"x: no base: .*{message}"):
        append_root(loaded_part(content, where="x"), ARCHIVE, where="x")


@given(st.data())
def test_any_damage_is_an_error_of_ours(data: st.DataObject) -> None:
    content = bytearray(IMAGE)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, 64 + 56 * 6))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputError):
        root_of(bytes(content), where="x")
    with contextlib.suppress(InputError):
        memory_of(bytes(content), where="x")

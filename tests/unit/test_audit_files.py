# SPDX-License-Identifier: BSD-2-Clause
"""What the audit reads out of ELF files and archives, sound and damaged."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumprun.variant.audit import archive as ar
from rumprun.variant.audit import elf as reader
from rumprun.variant.audit.tree import Kind, scan_path, scan_tree
from unit import audit_samples as make


def read(content: bytes) -> reader.ElfFacts:
    return reader.read_elf(io.BytesIO(content), len(content))


def test_static_pie_is_a_program_and_not_dynamic() -> None:
    facts = read(make.STATIC_PIE)
    assert facts.program
    assert not facts.dynamic
    assert not facts.executable_stack
    assert not facts.writable_code
    assert not facts.text_relocations


def test_shared_object_without_needed_is_dynamic() -> None:
    facts = read(make.elf(make.ET_DYN, [make.LOAD, make.dynamic()]))
    assert facts.dynamic == "is a shared object"
    assert not facts.program


def test_interpreter_and_needed_are_named() -> None:
    interpreter = (make.PT_INTERP, make.R, b"/lib/ld-musl-x86_64.so.1\0")
    facts = read(make.elf(make.ET_DYN, [make.LOAD, interpreter]))
    assert facts.dynamic == "asks for the interpreter /lib/ld-musl-x86_64.so.1"
    needed = make.dynamic((make.DT_NEEDED, 0), (make.DT_FLAGS_1, make.DF_1_PIE))
    assert read(make.elf(make.ET_DYN, [make.LOAD, needed])).dynamic.startswith("needs ELF")


@pytest.mark.parametrize(
    "tag", [(make.DT_TEXTREL, 0), (make.DT_FLAGS, make.DF_TEXTREL)], ids=["tag", "flag"]
)
def test_text_relocations_have_two_marks(tag: tuple[int, int]) -> None:
    assert read(make.elf(make.ET_DYN, [make.LOAD, make.dynamic(tag)])).text_relocations


def test_no_stack_header_counts_as_executable() -> None:
    assert read(make.elf(make.ET_EXEC, [make.LOAD])).executable_stack
    bad = (make.PT_GNU_STACK, make.RWX, b"")
    assert read(make.elf(make.ET_EXEC, [make.LOAD, bad])).executable_stack


def test_writable_code_is_seen() -> None:
    assert read(make.elf(make.ET_EXEC, [(make.PT_LOAD, make.RWX, b"")])).writable_code


def test_glibc_note_is_seen() -> None:
    note = (make.PT_NOTE, make.R, make.ABI_NOTE)
    assert read(make.elf(make.ET_EXEC, [make.LOAD, note])).abi_tag
    assert not read(make.STATIC_PIE).abi_tag


def test_header_tables_beyond_the_end_are_refused() -> None:
    huge = bytearray(make.elf(make.ET_EXEC, [make.LOAD]))
    huge[56:58] = (0xFFFE).to_bytes(2, "little")
    with pytest.raises(reader.ElfDamaged, match="program headers"):
        read(bytes(huge))
    flat = bytearray(make.elf(make.ET_EXEC, [make.LOAD]))
    flat[54:56] = bytes(2)  # entries of no size would never reach the end of the file
    with pytest.raises(reader.ElfDamaged, match="program headers"):
        read(bytes(flat))


@given(
    st.sampled_from([make.STATIC_PIE, make.elf(make.ET_REL)]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8),
    st.integers(0, 400),
)
@settings(deadline=2000)
def test_mutated_elf_is_read_or_refused(
    content: bytes, changes: list[tuple[int, int]], end: int
) -> None:
    mutated = bytearray(content)
    for offset, value in changes:
        mutated[offset % len(mutated)] = value
    with contextlib.suppress(reader.ElfDamaged):
        read(bytes(mutated[: max(end, 4)]))


def test_members_in_order_with_their_facts() -> None:
    names = b"a-name-that-is-too-long-for-the-header.o/\n"
    content = b"!<arch>\n" + b"".join(
        [
            make.member(b"/", b"\0\0\0\0"),
            make.member(b"//", names),
            make.member(b"/0", make.elf(make.ET_REL)),
            make.member(b"#1/4", b"bsd\0" + make.elf(make.ET_REL)),
            make.member(b"odd.txt/", b"odd"),
            make.member(b"__.LIBDEP/", b"-L/x -lz\0"),
        ]
    )
    found = list(ar.read_members(content))
    names_found = [part.name for part in found]
    assert names_found == [names.decode().strip("/\n"), "bsd", "odd.txt", "__.LIBDEP"]
    assert [part.facts is not None for part in found] == [True, True, False, False]
    assert found[3].libraries == ("-L/x", "-lz")
    start = found[2].start
    assert content[start : start + found[2].size] == b"odd"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"!<thin>\n", "thin"),
        (b"!<arch>\nshort", "no member header"),
        (b"!<arch>\n" + make.member(b"x.o/", b"abcd")[:-2], "cut off"),
        (b"!<arch>\n" + make.member(b"x.o/", b"")[:48] + b"-1        `\n", "without a size"),
        (b"!<arch>\n" + make.member(b"/9", b""), "beyond its table"),
        (b"!<arch>\n" + make.member(b"#1/9", b"abc"), "shorter than its name"),
        (b"no archive", "not an archive"),
    ],
)
def test_damaged_archives_are_refused(content: bytes, reason: str) -> None:
    with pytest.raises(ar.ArchiveDamaged, match=reason):
        list(ar.read_members(content))


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=8))
@settings(deadline=2000)
def test_mutated_archive_is_read_or_refused(changes: list[tuple[int, int]]) -> None:
    mutated = bytearray(make.archive(("a.o", make.STATIC_PIE), ("b.o", make.elf(make.ET_REL))))
    for offset, value in changes:
        mutated[8 + offset % (len(mutated) - 8)] = value
    with contextlib.suppress(ar.ArchiveDamaged):
        list(ar.read_members(bytes(mutated)))


def test_content_decides_and_specials_stay_closed(tmp_path: Path) -> None:
    make.installed(tmp_path, "/lib.so", make.archive(("a.o", make.elf(make.ET_REL))))
    make.installed(tmp_path, "/tool", make.STATIC_PIE)
    make.installed(tmp_path, "/cut", b"\x7fELF")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    kinds = {entry.path: entry.kind for entry in scan_tree(tmp_path)}
    assert kinds == {
        "/lib.so": Kind.ARCHIVE,
        "/tool": Kind.ELF,
        "/cut": Kind.ELF,
        "/pipe": Kind.SPECIAL,
        "/loop": Kind.LINK,
    }
    assert scan_path(tmp_path / "cut", "/cut").damage
    assert scan_path(tmp_path / "gone", "/gone").damage == "No such file or directory"

# SPDX-License-Identifier: BSD-2-Clause
"""Archives, read byte by byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_link_ar import MAGIC, ArchiveError, Member, is_archive, read_archive, recorded_libraries


def pack(members: list[Member]) -> bytes:
    """An archive as GNU ar writes it: long names in a member of their own."""
    long_names = b""
    body = b""
    for member in members:
        name = member.name.encode() + b"/"
        if len(name) > 16:
            field = f"/{len(long_names)}".encode()
            long_names += name + b"\n"
        else:
            field = name
        body += header(field, len(member.data)) + member.data + b"\n" * (len(member.data) % 2)
    table = header(b"//", len(long_names)) + long_names + b"\n" * (len(long_names) % 2)
    return MAGIC + (table if long_names else b"") + body


def header(name: bytes, size: int) -> bytes:
    return (
        name.ljust(16)
        + b"0".ljust(12)
        + b"0".ljust(12)
        + b"644".ljust(8)
        + (str(size).encode().ljust(10) + b"`\n")
    )


_MEMBERS = st.lists(
    st.builds(
        Member,
        name=st.from_regex(r"[a-z][a-z0-9.]{0,30}", fullmatch=True),
        data=st.binary(max_size=40),
    ),
    max_size=6,
)


@given(members=_MEMBERS)
def test_members_come_back_in_order_also_with_equal_names(
    members: list[Member], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("ar") / "x.a"
    path.write_bytes(pack(members))
    assert is_archive(path)
    assert read_archive(path) == members


def test_recorded_libraries_are_words(tmp_path: Path) -> None:
    path = tmp_path / "libx.so"
    record = Member(name="__.LIBDEP", data=b"-L/a -lb -lc\0")
    path.write_bytes(pack([Member(name="x.o", data=b"12"), record]))
    assert recorded_libraries(path) == ("-L/a", "-lb", "-lc")


def test_an_archive_without_record_has_none(tmp_path: Path) -> None:
    path = tmp_path / "libx.a"
    path.write_bytes(pack([]))
    assert recorded_libraries(path) == ()


@pytest.mark.parametrize("cut", [1, 30, 61])
def test_a_file_that_is_cut_short_is_an_error(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "x.a"
    whole = pack([Member(name="a.o", data=b"1" * 30), Member(name="b.o", data=b"2" * 30)])
    path.write_bytes(whole[:-cut])
    with pytest.raises(ArchiveError, match="cut short"):
        read_archive(path)


def test_a_damaged_header_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.a"
    path.write_bytes(MAGIC + b"x" * 60)
    with pytest.raises(ArchiveError, match="damaged"):
        read_archive(path)


def test_another_file_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\x7fELF")
    assert not is_archive(path)
    with pytest.raises(ArchiveError):
        read_archive(path)

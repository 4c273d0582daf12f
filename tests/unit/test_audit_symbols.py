# SPDX-License-Identifier: BSD-2-Clause
"""How nm's output is understood, and which undefined symbols count."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rumprun.variant.audit.links import Unresolved, listed, nm_name
from rumprun.variant.audit.symbols import parse_nm

OUTPUT = """\
0[a.o]:
foo T 0 b
bar U
maybe w
hook V 0 8
0[b.o]:
1:
crc32@@V_1 T 0 4
pool C 8 8
"""


def test_headings_tell_members_and_files_apart() -> None:
    archive, lone = parse_nm(OUTPUT, "", 2)
    assert [part.member for part in archive.objects] == ["a.o", "b.o"]
    assert archive.objects[0].defined == ["foo", "hook"]
    assert archive.objects[0].undefined == ["bar"]
    assert lone.objects[0].member == ""
    assert lone.defined() == {"crc32@@V_1", "crc32", "crc32@V_1", "pool"}


def test_lone_object_has_no_heading() -> None:
    (found,) = parse_nm("foo T 0 b\n", "", 1)
    assert found.defined() == {"foo"}


def test_complaints_go_to_their_file() -> None:
    first, second = parse_nm("", "nm: 1: file truncated\nnm: x.o: no symbols\nnm: 7: what\n", 2)
    assert not first.damage
    assert second.damage == "file truncated"


@given(st.text(), st.text(), st.integers(1, 3))
def test_any_output_is_taken(output: str, errors: str, count: int) -> None:
    assert len(parse_nm(output, errors, count)) == count


def unresolved(symbol: str, native: str = "") -> Unresolved:
    return Unresolved(path="/x.a", symbol=symbol, members=("x.o",), native=native)


def test_only_what_glibc_headers_make_shows_glibc() -> None:
    assert unresolved("__printf_chk").glibc_only
    assert unresolved("__isoc23_strtol").glibc_only
    assert unresolved("__sysv_signal", "libc.so.6").glibc_only
    assert not unresolved("qsort_r", "libc.so.6").glibc_only
    assert not unresolved("__my_helper").glibc_only
    assert not unresolved("crc32", "libz.so").glibc_only


def test_long_lists_end_in_a_count() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def test_member_names_that_are_not_utf8_match_nm() -> None:
    assert nm_name("caf\udce9.o") == b"caf\xe9.o".decode("utf-8", "replace")

# SPDX-License-Identifier: BSD-2-Clause
"""Linker maps: which archives went into a program."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumprun.variant.linked import read_link_log, read_map, static_built_using
from rumprun.variant.sysroot import Sysroot, Variant

MAP = """\
Archive member included to satisfy reference by file (symbol)

/s/lib/libz.a(inflate.o)      main.o (inflate)
/usr/x86_64-rumprun-linux-musl/lib/libpng16.a(pngread.o)
                              /s/lib/libz.a(inflate.o) (png_read)
/b/a dir (x)/libq.a(q.o)      /s/lib/libz.a(inflate.o) (q)
/s/lib/libw.a(w.o)            (--whole-archive)

Discarded input sections

 .text          0x0000000000000000        0x0 /s/lib/libnever.a(n.o)

Linker script and memory map

LOAD /s/lib/crt1.o
LOAD main.o
LOAD /s/lib/libunused.a
LOAD /s/lib/libz.a
 .text          0x0000000000401000        0x5 /s/lib/libother.a(n.o)
OUTPUT(out dir/prog elf64-x86-64)
"""


def test_members_and_objects_are_named_and_unused_archives_are_not() -> None:
    record = read_map(MAP)
    assert record
    assert record.output == "out dir/prog"
    assert record.inputs == {
        "/s/lib/libz.a",
        "/usr/x86_64-rumprun-linux-musl/lib/libpng16.a",
        "/b/a dir (x)/libq.a",
        "/s/lib/libw.a",
        "/s/lib/crt1.o",
        "main.o",
    }


@settings(deadline=None)
@given(st.integers(0, len(MAP) - len("OUTPUT(out dir/prog elf64-x86-64)\n")))
def test_a_truncated_map_is_no_record(length: int) -> None:
    assert read_map(MAP[:length]) is None


@settings(deadline=None)
@given(st.text())
def test_any_text_is_read(text: str) -> None:
    read_map(text)


def test_records_of_one_name_are_joined_and_libtool_s_prefix_goes(tmp_path: Path) -> None:
    for number, (output, library) in enumerate(
        [("a/prog", "libz"), (".libs/lt-prog", "libq"), ("other", "libx")]
    ):
        text = MAP.replace("out dir/prog", output).replace("libz", library)
        (tmp_path / f"{number}.map").write_text(text, encoding="utf-8")
    (tmp_path / "cut.map").write_bytes(b"LOAD /s/lib/libcut.a\n\xff")
    log = read_link_log(tmp_path)
    assert set(log) == {"prog", "other"}
    assert {"/s/lib/libz.a", "/s/lib/libq.a"} <= log["prog"]
    assert "/s/lib/libx.a" not in log["prog"]


@pytest.mark.parametrize(
    ("own", "expected"),
    [("other", ("libz (= 1:1.2-3)",)), ("libz", ())],
)
def test_sources_are_those_of_the_variants_that_own_the_inputs(
    own: str, expected: tuple[str, ...]
) -> None:
    variant = Variant(
        name="zlib1g-rumprun-dev",
        version="1:1.2-3+b1",
        source="libz",
        source_version="1:1.2-3",
        depends="",
        deb=None,
    )
    sysroot = Sysroot(
        path=Path("/s"),
        variants={variant.name: variant},
        owners={Path("/s/lib/libz.a"): variant.name, Path("/s/lib/libunused.a"): variant.name},
    )
    log = {"prog": frozenset({"/s/lib/libz.a", "main.o"})}
    assert static_built_using(["prog", "unknown"], log, sysroot, own=own) == expected
    # A renamed program may embed whatever any program of the build does.
    assert static_built_using(["renamed"], log, sysroot, own=own) == expected

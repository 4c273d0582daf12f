# SPDX-License-Identifier: BSD-2-Clause
"""Programs that need another language's headers: told from a log, taken out of a stage."""

from __future__ import annotations

from pathlib import Path

import pytest

from rumprun.errors import BuildError
from rumprun.variant.left_out import header_to_leave_out, remove_left_out
from unit.variant_samples import source

LOG = """\
$ debian/rules build-arch
x86_64-rumprun-linux-musl-gcc -o shell shell.c
shell.c:1:10: fatal error: {header}: No such file or directory
compilation terminated.
make[1]: *** [Makefile:3: shell] Error 1
make: *** [debian/rules:5: build] Error 2
"""


@pytest.mark.parametrize(
    ("header", "expected"),
    [("tcl.h", "tcl.h"), ("Python.h", "Python.h"), ("zlib.h", None), ("fts.h", None)],
)
def test_only_headers_of_another_language_are_done_without(
    header: str, expected: str | None
) -> None:
    assert header_to_leave_out(LOG.format(header=header)) == expected


def test_other_failures_of_a_binding_are_no_header() -> None:
    assert header_to_leave_out("configure: error: Could not find Ruby headers\n") is None
    assert header_to_leave_out("") is None


def stage(tree: Path, name: str, content: bytes) -> Path:
    path = tree / "debian" / "tmp" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_stand_ins_are_taken_out_of_the_stage(tmp_path: Path) -> None:
    stand_in = stage(tmp_path, "usr/bin/shell", b"\x7fELF\0rumprun-left-out: tcl.h\n\0more")
    program = stage(tmp_path, "usr/bin/other", b"\x7fELF\0")
    link = program.with_name("link")
    link.symlink_to("shell")
    (found,) = remove_left_out(tmp_path, source("foo"))
    assert str(found) == "without /usr/bin/shell, which needs tcl.h"
    assert not stand_in.exists()
    assert program.exists()


@pytest.mark.parametrize("name", ["usr/lib/libx.a", "usr/lib/libx.so.1.2"])
def test_a_library_with_a_stand_in_is_refused(tmp_path: Path, name: str) -> None:
    stage(tmp_path, name, b"!<arch>\nrumprun-left-out: tcl.h\n")
    with pytest.raises(BuildError, match=f"a part of /{name} needs tcl.h"):
        remove_left_out(tmp_path, source("foo"))

# SPDX-License-Identifier: BSD-2-Clause
"""Which variant gets which staged file, and what becomes of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from rumprun.errors import InputError
from rumprun.source.naming import Candidate
from rumprun.variant.harvest import assign, harvest, select, staged_files
from unit.variant_samples import ARCHIVE, ELF, PREFIX, TARGET, TREE, T, candidate, source, stage

DEV = f"libfoo-dev/usr/lib/{T}"
RUN = f"libfoo1/usr/lib/{T}"
TMP = f"tmp/usr/lib/{T}"


def plan(tree: Path, *names: str) -> dict[str, dict[str, str]]:
    """Variant to place to the staged file (relative to debian/) that goes there."""
    binaries = {path.name for path in (tree / "debian").iterdir()} - {"tmp"}
    chosen = [candidate(name) for name in names]
    found = assign(staged_files(tree, source(*sorted(binaries | {*names}))), chosen, TARGET)
    return {
        variant: {
            str(place): str(file.path.relative_to(tree / "debian"))
            for place, file in sorted(files.items())
        }
        for variant, files in found.items()
    }


def gathered(tree: Path, output: Path, *candidates: Candidate) -> dict[str, Path]:
    """The prefixes of the variants that a harvest of ``tree`` makes, by package."""
    binaries = [path.name for path in (tree / "debian").iterdir() if path.name != "tmp"]
    done = harvest(
        tree,
        source(*binaries),
        candidates,
        TARGET,
        output=output,
        replacements={},
        listed={},
        strip=False,
    )
    return {item.candidate.original.name: item.root / TREE for item in done}


def test_an_archive_under_a_shared_name_becomes_the_library(tmp_path: Path) -> None:
    stage(
        tmp_path,
        {
            f"{RUN}/libfoo.so.1.2": ARCHIVE,
            f"{RUN}/libfoo.so.1": "libfoo.so.1.2",
            f"{DEV}/libfoo.so": "libfoo.so.1",
            "libfoo-dev/usr/include/foo.h": b"",
        },
    )
    assert plan(tmp_path, "libfoo-dev") == {
        "libfoo-rumprun-dev": {
            "include/foo.h": "libfoo-dev/usr/include/foo.h",
            "lib/libfoo.a": f"{RUN}/libfoo.so.1.2",
        }
    }


@pytest.mark.parametrize(
    ("files", "winner"),
    [
        ((f"{DEV}/libfoo.a", f"{TMP}/libfoo.a"), f"{DEV}/libfoo.a"),
        ((f"{RUN}/libfoo.so.1", f"{TMP}/libfoo.a"), f"{TMP}/libfoo.a"),
        ((f"{RUN}/libfoo.so.1", f"{DEV}/libfoo.a"), f"{DEV}/libfoo.a"),
        ((f"{RUN}/libfoo.so.1", f"{TMP}/libfoo.so.1"), f"{RUN}/libfoo.so.1"),
        ((f"{TMP}/libfoo.so.1",), f"{TMP}/libfoo.so.1"),
        (("libfoo1/lib/libfoo.so.1",), "libfoo1/lib/libfoo.so.1"),
    ],
)
def test_of_several_libraries_the_real_archive_then_the_packaged_one(
    tmp_path: Path, files: tuple[str, ...], winner: str
) -> None:
    stage(tmp_path, dict.fromkeys(files, ARCHIVE))
    assert plan(tmp_path, "libfoo-dev") == {"libfoo-rumprun-dev": {"lib/libfoo.a": winner}}


def test_a_library_goes_to_the_dev_package_whose_pc_file_names_it(tmp_path: Path) -> None:
    stage(
        tmp_path,
        {
            f"{TMP}/libfoo.a": ARCHIVE,
            f"{TMP}/libbar.a": ARCHIVE,
            f"{DEV}/pkgconfig/foo.pc": b"Libs: -lfoo\n",
            f"libbar-dev/usr/lib/{T}/pkgconfig/bar.pc": b"Libs: -lbar\n",
            # A dangling link, and one to nowhere in the package, must not be read.
            f"{DEV}/pkgconfig/old.pc": "absent.pc",
        },
    )
    found = plan(tmp_path, "libfoo-dev", "libbar-dev")
    assert "lib/libfoo.a" in found["libfoo-rumprun-dev"]
    assert "lib/libbar.a" in found["libbar-rumprun-dev"]
    assert "lib/libbar.a" not in found["libfoo-rumprun-dev"]


def test_a_real_shared_object_is_kept_for_the_audit(tmp_path: Path) -> None:
    stage(tmp_path, {"libfoo1/usr/lib/libelf.so.1": ELF, f"{DEV}/ossl-modules/legacy.so": ELF})
    assert list(plan(tmp_path, "libfoo-dev")["libfoo-rumprun-dev"]) == [
        "lib/libelf.so.1",
        "lib/ossl-modules/legacy.so",
    ]


def test_shared_objects_and_plugins_are_left_out(tmp_path: Path) -> None:
    stage(
        tmp_path,
        {
            f"{DEV}/libncurses.so": b"INPUT(libncurses.so.6 -ltinfo)\n",
            f"{DEV}/engines-3/afalg.so": ARCHIVE,
            f"{DEV}/foo/libplugin.so": ARCHIVE,
            "libfoo-dev/usr/libexec/foo/plugin.so.2": ARCHIVE,
            f"{DEV}/foo/libprivate.a": ARCHIVE,
            f"{DEV}/libcurses.a": "libncurses.a",
            f"{DEV}/libncurses.a": ARCHIVE,
        },
    )
    assert list(plan(tmp_path, "libfoo-dev")["libfoo-rumprun-dev"]) == [
        "lib/foo/libprivate.a",
        "lib/libcurses.a",
        "lib/libncurses.a",
    ]


def test_a_program_s_private_library_goes_to_dev_or_nowhere(tmp_path: Path) -> None:
    stage(tmp_path, {"foo/usr/bin/foo": ELF, f"foo/usr/lib/{T}/libpriv.so.0": ARCHIVE})
    assert plan(tmp_path, "foo") == {"foo-rumprun": {"bin/foo": "foo/usr/bin/foo"}}
    both = plan(tmp_path, "foo", "libfoo-dev")
    assert list(both["foo-rumprun"]) == ["bin/foo"]
    assert list(both["libfoo-rumprun-dev"]) == ["lib/libpriv.a"]


def test_a_header_wins_over_the_link_to_it(tmp_path: Path) -> None:
    header = f"libfoo-dev/usr/include/{T}/expat.h"
    stage(tmp_path, {header: b"", "libfoo-dev/usr/include/expat.h": f"{T}/expat.h"})
    assert plan(tmp_path, "libfoo-dev")["libfoo-rumprun-dev"] == {"include/expat.h": header}


def test_files_of_packages_without_a_variant_are_passed_over(tmp_path: Path) -> None:
    stage(tmp_path, {"foo-doc/usr/include/doc.h": b"", "tmp/usr/include/tmp.h": b""})
    assert plan(tmp_path, "libfoo-dev") == {"libfoo-rumprun-dev": {}}


def test_links_are_kept_pointed_at_where_their_goal_went(tmp_path: Path) -> None:
    links = {
        f"usr/lib/{T}/libcurses.a": ("libncurses.a", "libncurses.a"),
        f"usr/lib/{T}/foo/a.h": ("../../../share/foo/a.h", "../../share/foo/a.h"),
        "usr/lib/libtinfo.a": (f"{T}/libncurses.a", "libncurses.a"),
        "usr/include/cursesw": (".", "."),
        "usr/include/sub": ("/usr/include/real", "real"),
        "usr/include/abs.h": (f"/usr/include/{T}/real.h", "real.h"),
        "usr/include/gone.h": ("/etc/foo.h", None),
        "usr/include/out.h": ("../../../../../../etc/passwd", None),
        "usr/include/doc": ("../share/doc/foo", None),
        "usr/include/self.h": (f"{T}/self.h", None),
    }  # fmt: skip
    files: dict[str, bytes | str] = {
        f"libfoo-dev/{name}": goal for name, (goal, _new) in links.items()
    }
    stage(tmp_path, {**files, "libfoo-dev/usr/include/real/x.h": b""})
    prefix = gathered(tmp_path, tmp_path / "out", candidate("libfoo-dev"))["libfoo-dev"]
    for name, (_goal, new) in links.items():
        place = prefix / name.removeprefix("usr/").replace(f"{T}/", "")
        assert (str(place.readlink()) if place.is_symlink() else None) == new, name


def test_a_program_that_a_variant_links_to_comes_along(tmp_path: Path) -> None:
    tool = f"libfoo1/usr/lib/{T}/foo-2/foo-query"
    stage(
        tmp_path,
        {
            tool: b"#!/bin/sh\n",
            f"libfoo1/usr/lib/{T}/foo-2/unused": b"#!/bin/sh\n",
            "foo-bin/usr/bin/foo": b"#!/bin/sh\n",
            "foo-bin/usr/bin/foo-query": f"../lib/{T}/foo-2/foo-query",
            "foo-bin/usr/bin/foo-too": f"/usr/lib/{T}/foo-2/foo-query",
            "foo-bin/usr/bin/out": "../../../../etc/passwd",
        },
    )
    found = plan(tmp_path, "foo-bin")["foo-bin-rumprun"]
    assert found["lib/foo-2/foo-query"] == tool
    assert "lib/foo-2/unused" not in found


def test_special_files_and_odd_names(tmp_path: Path) -> None:
    odd = os.fsdecode(b"libfoo-dev/usr/include/caf\xe9 x\n.h")
    stage(tmp_path, {odd: b"1", "libfoo-dev/usr/bin/plain": b"x"})
    fifo = tmp_path / "debian/libfoo-dev/usr/bin/pipe"
    os.mkfifo(fifo)
    os.mkfifo(tmp_path / "debian/libfoo-dev/usr/include/x.pc")
    prefix = gathered(tmp_path, tmp_path / "out", candidate("libfoo-dev"))["libfoo-dev"]
    assert sorted(path.name for path in prefix.rglob("*") if path.is_file()) == [
        os.fsdecode(b"caf\xe9 x\n.h"),
        "plain",
    ]


def test_placed_files_are_relocated_and_have_plain_modes(tmp_path: Path) -> None:
    script = b"#!/bin/sh\r\nprefix=/usr\n\xff\x00"
    stage(tmp_path, {"libfoo-dev/usr/bin/foo-config": script, "libfoo-dev/usr/include/a.h": b""})
    (tmp_path / "debian/libfoo-dev/usr/bin/foo-config").chmod(0o4775)
    (tmp_path / "debian/libfoo-dev/usr/include/a.h").chmod(0o600)
    prefix = gathered(tmp_path, tmp_path / "out", candidate("libfoo-dev"))["libfoo-dev"]
    placed = prefix / "bin/foo-config"
    assert placed.read_bytes() == f"#!/bin/sh\r\nprefix={PREFIX}\n".encode() + b"\xff\x00"
    assert stat.S_IMODE(placed.stat().st_mode) == 0o755
    assert stat.S_IMODE((prefix / "include/a.h").stat().st_mode) == 0o644


def test_variants_without_their_kind_of_content_are_not_made(tmp_path: Path) -> None:
    stage(
        tmp_path,
        {
            "foo/usr/share/foo/data": b"",
            "libfoo-dev/usr/share/aclocal/foo.m4": b"",
            "libbar-dev/usr/include/bar.h": b"",
        },
    )
    names = ("foo", "libfoo-dev", "libbar-dev")
    assert set(gathered(tmp_path, tmp_path / "out", *map(candidate, names))) == {"libbar-dev"}


def test_listed_files_are_chosen_and_an_idle_pattern_is_an_error(tmp_path: Path) -> None:
    stage(tmp_path, {f"{TMP}/libfoo.so.1": ARCHIVE, "tmp/usr/include/foo.h": b""})
    files = staged_files(tmp_path, source("libfoo-dev"))
    chosen = select(files, "libfoo-rumprun-dev", ["usr/lib/*/libfoo.so.*"], TARGET)
    assert [str(place) for place in chosen] == ["lib/libfoo.a"]
    with pytest.raises(InputError, match=r"libfoo-rumprun-dev\.rumprun.*usr/lib/\*\.a"):
        select(files, "libfoo-rumprun-dev", ["usr/include", "usr/lib/*.a"], TARGET)

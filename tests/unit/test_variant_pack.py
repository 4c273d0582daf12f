# SPDX-License-Identifier: BSD-2-Clause
"""What a variant's package says about itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from debian.deb822 import Deb822
from hypothesis import given, settings
from hypothesis import strategies as st

from rumprun.errors import InputError
from rumprun.variant.harvest import Harvested
from rumprun.variant.pack import _control, _installed_size, _md5sums, describe, pack
from rumprun.variant.relations import VariantRelations
from unit.variant_samples import TARGET, candidate, harvested, source

NONE = VariantRelations(depends=(), static_built_using=())


def synopsis(text: str) -> str:
    one = Harvested(candidate=candidate("libfoo-dev", synopsis=text), root=Path())
    return describe(one, source("libfoo-dev"), TARGET).synopsis


@settings(deadline=None)
@given(st.text(st.characters(blacklist_categories=["Cc", "Cs", "Z"]) | st.just(" "), max_size=120))
def test_synopsis_fits_and_says_what_it_is(text: str) -> None:
    text = text.strip()
    short = synopsis(text)
    assert len(short) < 80
    assert short.endswith(" (rumprun variant)")
    assert short == short.lstrip()
    words = short.removesuffix(" (rumprun variant)")
    assert words == "libfoo-dev" if not text else words and text.startswith(words)


def test_control_is_read_back_as_it_was_meant() -> None:
    one = Harvested(candidate=candidate("libfoo-dev", section="libdevel"), root=Path())
    relations = VariantRelations(
        depends=("a-rumprun-dev (= 1)", "b-rumprun-dev"), static_built_using=("musl (= 1.2.3-1)",)
    )
    control = Deb822(_control(one, source("libfoo-dev"), TARGET, relations, 42))
    assert control["Package"] == "libfoo-rumprun-dev"
    assert control["Source"] == "foo"
    assert control["Version"] == "1:2.0-3"
    assert (control["Architecture"], control["Multi-Arch"]) == ("all", "foreign")
    assert control["Depends"] == "a-rumprun-dev (= 1), b-rumprun-dev"
    assert control["Static-Built-Using"] == "musl (= 1.2.3-1)"
    assert control["Installed-Size"] == "42"
    assert control["Homepage"] == "https://example.org/"
    first, *rest = control["Description"].splitlines()
    assert first == "the libfoo-dev package (rumprun variant)"
    assert rest
    assert all(line.startswith(" ") and line.strip() for line in rest)
    bare = Deb822(_control(one, source("libfoo-dev"), TARGET, NONE, 42))
    assert not {"Depends", "Static-Built-Using"} & set(bare)


def test_installed_size_counts_as_dpkg_gencontrol_does(tmp_path: Path) -> None:
    (tmp_path / "usr").mkdir()
    (tmp_path / "DEBIAN").mkdir()
    for name, size in (("empty", 0), ("one", 1), ("full", 1024), ("two", 1025)):
        (tmp_path / "usr" / name).write_bytes(bytes(size))
    (tmp_path / "usr/link").symlink_to("two")
    # The top and usr 1 each; the files 0, 1, 1 and 2; a link as a file of its length.
    assert _installed_size(tmp_path) == 2 + 4 + 1


def test_md5sums_has_files_only_under_any_name(tmp_path: Path) -> None:
    odd = os.fsdecode(b"caf\xe9")
    (tmp_path / odd).write_bytes(b"")
    (tmp_path / "link").symlink_to(odd)
    (tmp_path / "DEBIAN").mkdir()
    (tmp_path / "DEBIAN/control").touch()
    assert _md5sums(tmp_path) == f"d41d8cd98f00b204e9800998ecf8427e  {odd}\n"


def test_no_package_without_a_copyright_file(tmp_path: Path) -> None:
    one = harvested(tmp_path / "v", "libfoo-dev", {"include/foo.h": b""})
    (tmp_path / "tree/debian").mkdir(parents=True)
    with pytest.raises(InputError, match="no debian/copyright"):
        pack(one, tmp_path / "tree", source("libfoo-dev"), TARGET, NONE, output=tmp_path)
    assert not list(tmp_path.glob("*.deb"))

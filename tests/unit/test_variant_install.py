# SPDX-License-Identifier: BSD-2-Clause
"""Variants put into debhelper's trees, and the copy of the source that they are built from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rumprun.errors import BuildError
from rumprun.variant.build import BuiltVariant
from rumprun.variant.copy import DEBHELPER_DIRECTORY, clean_copy, keep_copy
from rumprun.variant.install import install
from rumprun.variant.relations import VariantRelations
from unit.variant_samples import TREE, harvested, stage


def built(root: Path, **relations: tuple[str, ...]) -> BuiltVariant:
    files: dict[str, bytes | str] = {
        "lib/libfoo.a": b"new",
        "lib/libbar.a": "libfoo.a",
        "include/foo.h": b"new",
    }
    return BuiltVariant(
        harvested=harvested(root, "libfoo-dev", files),
        relations=VariantRelations(
            depends=relations.get("depends", ()),
            static_built_using=relations.get("static_built_using", ()),
        ),
    )


def test_files_are_merged_and_it_can_be_done_again(tmp_path: Path) -> None:
    one = built(tmp_path / "v", depends=("a (= 1)", "b"), static_built_using=("musl (= 1)",))
    tree = stage(
        tmp_path / "tree",
        {
            "libfoo-rumprun-dev/usr/share/extra": b"maintainer's",
            f"libfoo-rumprun-dev/{TREE}/include/foo.h": "/etc/hostname",
            f"libfoo-rumprun-dev/{TREE}/lib/libbar.a": b"old",
            "libfoo-rumprun-dev.substvars": b"misc:Depends=x\nrumprun:Depends=old\n",
        },
    )
    before = Path("/etc/hostname").read_bytes()
    for _ in range(2):
        install(one, tree)
    package = tree / "debian/libfoo-rumprun-dev"
    assert Path("/etc/hostname").read_bytes() == before
    assert (package / TREE / "include/foo.h").read_bytes() == b"new"
    assert not (package / TREE / "include/foo.h").is_symlink()
    assert (package / TREE / "lib/libbar.a").readlink() == Path("libfoo.a")
    assert (package / "usr/share/extra").read_bytes() == b"maintainer's"
    assert (tree / "debian/libfoo-rumprun-dev.substvars").read_text(encoding="utf-8") == (
        "misc:Depends=x\nrumprun:Depends=a (= 1), b\nrumprun:Static-Built-Using=musl (= 1)\n"
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree with what a copy keeps and what it leaves out."""
    tree = stage(
        tmp_path / "src",
        {
            "rules": b"#!/bin/sh\nset -eu\nrm -f built; env >debian/env\n",
            ".debhelper/rumprun/other": b"",
            ".debhelper/generated/x": b"",
            "../configure": b"old",
            "../.git/HEAD": b"",
            "../sub/debian/keep": b"",
            "../link": "nowhere",
        },
    )
    (tree / "debian/rules").chmod(0o755)
    os.utime(tree / "configure", (1000, 1000))
    return tree


def test_the_copy_is_of_the_time_before_the_build(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tree)
    keep_copy(Path())
    (tree / "configure").write_bytes(b"built")
    keep_copy(Path())
    copy = clean_copy(tree.absolute(), tmp_path / "copy")
    assert (copy / "configure").read_bytes() == b"old"
    # make and autotools go by the dates.
    assert (copy / "configure").stat().st_mtime == 1000
    assert (copy / "link").readlink() == Path("nowhere")
    assert (copy / "sub/debian/keep").exists()
    assert not (copy / ".git").exists()
    assert not (copy / "debian/.debhelper").exists()


def test_an_interrupted_copy_is_made_anew(tree: Path, tmp_path: Path) -> None:
    partial = tree / DEBHELPER_DIRECTORY / "pristine.partial"
    partial.mkdir()
    (partial / "half").touch()
    keep_copy(tree)
    assert not (clean_copy(tree, tmp_path / "copy") / "half").exists()


def test_without_a_kept_copy_the_tree_s_own_rules_clean_one(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "built").touch()
    monkeypatch.setenv("DH_INTERNAL_OPTIONS", "-plibfoo-rumprun-dev")
    destination = tree / DEBHELPER_DIRECTORY / "work/source"
    destination.parent.mkdir()
    copy = clean_copy(tree, destination)
    assert (tree / "built").exists()
    assert not (copy / "built").exists()
    environment = (copy / "debian/env").read_text(encoding="utf-8")
    assert "DH_RUMPRUN_PASS=clean\n" in environment
    assert "DH_INTERNAL" not in environment


def test_rules_that_cannot_clean_are_reported(tree: Path, tmp_path: Path) -> None:
    (tree / "debian/rules").write_text("#!/bin/sh\necho no way >&2; exit 2\n", encoding="ascii")
    with pytest.raises(BuildError, match=r"(?s)clean failed.*no way"):
        clean_copy(tree, tmp_path / "copy")

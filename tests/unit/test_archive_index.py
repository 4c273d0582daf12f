# SPDX-License-Identifier: BSD-2-Clause
"""The index of a suite: read from apt's files, kept, and read anew when they change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rumprun.archive.index import Index, IndexFile, open_index, parse_package_list
from rumprun.archive.local_source import read_local_source
from rumprun.archive.suite import Catalogue
from rumprun.errors import MissingError

SOURCES = """\
Package: foo
Version: 1.9-1
Section: libs
Build-Depends: debhelper, libbar-dev
Package-List:
 foo-bin deb utils optional arch=any
 libfoo-dev deb libdevel optional arch=amd64,arm64 profile=!nodev+!stage1,!cross

Package: foo
Version: 1.10-1
Section: contrib/libs
Build-Depends: debhelper
Checksums-Sha256:
 aaaa 10 foo_1.10.orig.tar.gz
 bbbb 20 foo_1.10-1.dsc

Package: old
Version: 1
Extra-Source-Only: yes
"""

PACKAGES = """\
Package: libfoo-dev
Version: 1.10-1
Source: foo
Section: libdevel
Multi-Arch: same
Pre-Depends: a
Depends: b (>= 2), c
Provides: libfoo1-dev (= 1.10), virtual, other-dev

Package: another-dev
Version: 1
Provides: other-dev
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[IndexFile, ...]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "s").write_text(SOURCES, encoding="utf-8")
    (tmp_path / "p").write_text(PACKAGES, encoding="utf-8")
    return (
        IndexFile(path=tmp_path / "s", kind="Sources"),
        IndexFile(path=tmp_path / "p", kind="Packages"),
        IndexFile(path=tmp_path / "absent", kind="Packages"),
    )


def test_the_newest_version_counts(files: tuple[IndexFile, ...]) -> None:
    foo = open_index(files, doing="sid").source("foo")
    assert foo is not None
    assert (foo.version, foo.section, foo.build_depends) == ("1.10-1", "libs", "debhelper")
    assert foo.digest == "bbbb"
    assert open_index(files, doing="sid").source("old") is None


def test_packages_also_by_what_they_provide(files: tuple[IndexFile, ...]) -> None:
    index = open_index(files, doing="sid")
    package = index.package("libfoo-dev")
    assert package is not None
    assert (package.source, package.multi_arch, package.depends) == (
        "foo",
        "same",
        "a, b (>= 2), c",
    )
    assert index.package("libfoo1-dev") == package
    other = index.package("other-dev")
    assert other is not None
    assert (other.name, other.source) == ("another-dev", "another-dev")
    assert index.package("nosuch-dev") is None


def test_a_wrong_name_is_helped(files: tuple[IndexFile, ...]) -> None:
    index = open_index(files, doing="sid")
    assert index.suggestion("libfoo-dev") == "libfoo-dev is a binary package of the source foo"
    assert index.suggestion("fooo") == "did you mean foo?"
    assert index.suggestion("zzzzz") == "check the name"


def test_a_change_is_noticed_and_no_change_costs_nothing(
    files: tuple[IndexFile, ...], tmp_path: Path
) -> None:
    open_index(files, doing="sid")
    kept = tmp_path / "cache" / "dh-rumprun" / "index"
    (first,) = kept.iterdir()
    before = first.stat().st_mtime_ns
    open_index(files, doing="sid")
    assert first.stat().st_mtime_ns == before
    files[0].path.write_text(SOURCES.replace("1.10-1", "1.11-1"), encoding="utf-8")
    os.utime(files[0].path, (1, 1))
    foo = open_index(files, doing="sid").source("foo")
    assert foo is not None
    assert foo.version == "1.11-1"


@pytest.mark.parametrize("kind", ["Sources", "Packages"])
def test_half_an_index_is_none(files: tuple[IndexFile, ...], kind: str) -> None:
    with pytest.raises(MissingError, match=f"no index of {kind} of sid"):
        open_index([file for file in files if file.kind != kind], doing="sid")


def test_package_lists() -> None:
    text = "\n foo-bin deb utils optional\n short line\n" + SOURCES.split("optional arch=any\n")[1]
    binary, dev = parse_package_list(text.partition("\n\n")[0])
    assert (binary.name, binary.architecture, binary.build_profiles) == ("foo-bin", ("any",), "")
    assert dev.architecture == ("amd64", "arm64")
    assert dev.build_profiles == "<!nodev !stage1> <!cross>"


def test_without_an_index_a_dsc_may_do(capsys: pytest.CaptureFixture[str]) -> None:
    def opener() -> Index:
        raise MissingError("apt has no deb-src entry")

    catalogue = Catalogue(opener, local_will_do=True)
    assert catalogue.source("foo") is None
    assert catalogue.package("libfoo-dev") is None
    assert capsys.readouterr().err.count("apt has no deb-src entry") == 1
    with pytest.raises(MissingError):
        Catalogue(opener).source("foo")


def test_a_dsc_comes_before_the_index(files: tuple[IndexFile, ...], tmp_path: Path) -> None:
    dsc = tmp_path / "foo.dsc"
    dsc.write_text(
        "Format: 1.0\nSource: foo\nVersion: 2-1\nBuild-Depends: x\nFiles:\n"
        " d41d8cd98f00b204e9800998ecf8427e 0 foo.tar.gz\n",
        encoding="utf-8",
    )
    (tmp_path / "foo.tar.gz").touch()
    local = read_local_source(dsc)
    assert (local.name, local.version, local.build_depends) == ("foo", "2-1", "x")
    opened: list[None] = []

    def opener() -> Index:
        opened.append(None)
        return open_index(files, doing="sid")

    catalogue = Catalogue(opener, {"foo": local})
    assert catalogue.source("foo") == local
    assert not opened
    assert catalogue.package("libfoo-dev") is not None
    assert catalogue.package("other-dev") is not None
    assert len(opened) == 1

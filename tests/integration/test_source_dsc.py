# SPDX-License-Identifier: BSD-2-Clause
"""Unpacking source packages, whole ones and damaged ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from archive_samples import Fetch, make_source
from hypothesis import given, settings
from hypothesis import strategies as st

from rumprun.command import base_environment, run
from rumprun.errors import InputError, MissingError, RumprunError, UsageError
from rumprun.source.dsc import read_dsc, unpack
from rumprun.source.naming import architecture_is
from rumprun.source.package import RulesStyle, read_source_tree
from rumprun.target.descriptor import load_target
from rumprun.target.dpkg_tables import write_dpkg_tables

pytestmark = pytest.mark.integration


@pytest.fixture
def dsc(tmp_path: Path) -> Path:
    """A small source package, alone in its directory."""
    work = tmp_path / "source"
    work.mkdir()
    path = make_source(work)
    run(["rm", "-r", work / "sample-1.0"])
    return path


def assert_refused(dsc: Path, error: type[RumprunError], reason: str) -> None:
    """It fails for this reason, on one line, and leaves nothing behind."""
    destination = dsc.parent.parent / "out" / "tree"
    with pytest.raises(error, match=reason) as caught:
        unpack(dsc, destination)
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    assert not destination.exists()
    assert not destination.parent.exists() or not list(destination.parent.iterdir())


def test_a_tree_is_unpacked(dsc: Path, tmp_path: Path) -> None:
    before = sorted(path.name for path in dsc.parent.iterdir())
    tree = unpack(dsc, tmp_path / "out" / "tree")
    assert (tree / "README").read_text() == "An upstream file.\n"
    assert read_source_tree(tree).name == "sample"
    assert [path.name for path in tree.parent.iterdir()] == ["tree"]
    assert sorted(path.name for path in dsc.parent.iterdir()) == before


def test_an_unsigned_source_is_taken_with_a_note(
    dsc: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unpack(dsc, tmp_path / "tree")
    assert "sample_1.0-1.dsc is not signed" in capsys.readouterr().err


def test_an_existing_destination_is_left_alone(dsc: Path, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    with pytest.raises(UsageError, match="exists already"):
        unpack(dsc, tmp_path / "tree")


@pytest.mark.parametrize("name", ["sample_1.0.orig.tar.gz", "sample_1.0-1.debian.tar.xz"])
def test_a_changed_file_is_refused(dsc: Path, name: str) -> None:
    path = dsc.parent / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert_refused(dsc, InputError, "checksum")


def test_a_cut_file_is_refused(dsc: Path) -> None:
    path = dsc.parent / "sample_1.0.orig.tar.gz"
    path.write_bytes(path.read_bytes()[:-10])
    assert_refused(dsc, InputError, r"orig.tar.gz: \d+ bytes, but sample_1.0-1.dsc says \d+")


def test_a_missing_file_is_named(dsc: Path) -> None:
    (dsc.parent / "sample_1.0.orig.tar.gz").unlink()
    assert_refused(dsc, MissingError, "sample_1.0.orig.tar.gz, which is not beside it")


def test_a_missing_dsc_is_named(dsc: Path) -> None:
    dsc.unlink()
    assert_refused(dsc, MissingError, "no such file")


@pytest.mark.parametrize("name", ["../sample_1.0.orig.tar.gz", "/etc/passwd", "..", "-x"])
def test_a_name_that_leads_elsewhere_is_refused(dsc: Path, name: str) -> None:
    dsc.write_text(dsc.read_text().replace("sample_1.0.orig.tar.gz", name))
    assert_refused(dsc, InputError, "no plain file name")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "no Format field"),
        ("Hello\nworld\n", "no Format field"),
        ("Format: 3.0 (quilt)\nSource: x\nVersion: 1\n", "no Files field"),
        (
            "Format: 3.0 (git)\nSource: x\nVersion: 1\nFiles:\n 0 0 x\n",
            "'3.0 \\(git\\)' is not supported",
        ),
    ],
)
def test_what_is_no_dsc_is_refused(dsc: Path, content: str, reason: str) -> None:
    dsc.write_text(content)
    assert_refused(dsc, InputError, reason)


def test_binary_content_is_refused(dsc: Path) -> None:
    dsc.write_bytes(b"\x7fELF\xff\xfe")
    assert_refused(dsc, InputError, "not UTF-8")


def test_a_tarball_that_is_none_is_refused(tmp_path: Path) -> None:
    work = tmp_path / "source"
    work.mkdir()
    path = make_source(work)
    text, tarball = path.read_text(), work / "sample_1.0.orig.tar.gz"
    whole = tarball.read_bytes()
    tarball.write_bytes(b"x" * len(whole))
    for tool in ("md5sum", "sha1sum", "sha256sum"):
        new = run([tool, tarball]).stdout.split()[0]
        tarball.write_bytes(whole)
        old = run([tool, tarball]).stdout.split()[0]
        tarball.write_bytes(b"x" * len(whole))
        text = text.replace(old, new)
    path.write_text(text)
    run(["rm", "-r", work / "sample-1.0"])
    assert_refused(path, InputError, "tar|gzip|gunzip")


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("zlib", RulesStyle.CLASSIC),
        ("libffi", RulesStyle.CLASSIC),
        ("expat", RulesStyle.CLASSIC),
        ("pcre2", RulesStyle.DH),
        ("libpng1.6", RulesStyle.DH),
    ],
)
def test_archive_sources_are_read(
    archive: Fetch, tmp_path: Path, name: str, style: RulesStyle
) -> None:
    dsc = archive(name)
    assert read_dsc(dsc).signed
    source = read_source_tree(unpack(dsc, tmp_path / "tree"))
    assert source.name == name
    assert source.version == read_dsc(dsc).version
    assert source.rules_style is style


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("dpkg") / "tables"
    write_dpkg_tables(load_target(), directory)
    return directory


_part = st.sampled_from(["any", "base", "gnu", "musl", "linux", "kfreebsd", "amd64"])
_wildcards = st.lists(_part, min_size=1, max_size=4).map("-".join) | st.sampled_from(
    ["amd64", "arm64", "musl-linux-amd64", "linux-any", "any-i386", "hurd-any"]
)


@settings(max_examples=40, deadline=None)
@given(wildcard=_wildcards)
def test_wildcards_match_as_dpkg_matches_them(tables: Path, wildcard: str) -> None:
    answer = run(
        ["dpkg-architecture", "-a", "amd64", "-f", "--is", wildcard],
        env={**base_environment(), "DPKG_DATADIR": str(tables)},
        check=False,
    )
    assert (answer.returncode == 0) is architecture_is("amd64", wildcard)

# SPDX-License-Identifier: BSD-2-Clause
"""Converting sources: the archive's own, and small ones of every format."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from archive_samples import Fetch, make_source
from debian.changelog import Changelog
from debian.deb822 import Dsc
from debian.debfile import DebFile
from debian.debian_support import Version

from rumprun.cli.main import main
from rumprun.command import base_environment, run
from rumprun.errors import InputError
from rumprun.source.convert import VERSION_SUFFIX, convert
from rumprun.source.dsc import unpack
from rumprun.source.package import read_source_tree

pytestmark = pytest.mark.integration

VARIANTS = {
    "zlib": {"zlib1g-rumprun-dev"},
    "libffi": {"libffi-rumprun-dev"},
    "expat": {"libexpat1-rumprun-dev", "expat-rumprun"},
    "pcre2": {"libpcre2-rumprun-dev", "pcre2-utils-rumprun"},
    "libpng1.6": {"libpng-rumprun-dev", "libpng-tools-rumprun"},
    "hello": {"hello-rumprun"},
}
CHANGED = {"debian/changelog", "debian/control", "debian/rules"}


def tree_digest(tree: Path) -> dict[str, str]:
    """Each file's name to what it holds or links to, and whether it can be executed."""
    found = {}
    for path in sorted(tree.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(tree))] = f"link {path.readlink()}"
        elif path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path.relative_to(tree))] = f"{digest} {os.access(path, os.X_OK)}"
    return found


def sums(dsc: Path) -> dict[str, str]:
    return {entry["name"]: entry["sha256"] for entry in Dsc(dsc.read_text())["Checksums-Sha256"]}


def content(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_archive_sources_convert(archive: Fetch, tmp_path: Path, name: str) -> None:
    original = archive(name)
    converted = convert(original, output=tmp_path / "out", environment={})
    assert set(converted.variants) == VARIANTS[name]

    before, after = sums(original), sums(converted.dsc)
    upstream = {file for file in before if ".orig" in file}
    assert upstream == {file for file in after if ".orig" in file}
    assert {file: before[file] for file in upstream} == {file: after[file] for file in upstream}

    old = tree_digest(unpack(original, tmp_path / "old"))
    new = tree_digest(unpack(converted.dsc, tmp_path / "new"))
    differing = {file for file in old.keys() | new.keys() if old.get(file) != new.get(file)}
    assert differing <= CHANGED
    assert {"debian/changelog", "debian/control"} <= differing

    source = read_source_tree(tmp_path / "new")
    assert {binary.name for binary in source.binaries} >= VARIANTS[name]
    assert f"<!pkg.{name}.norumprun>" in source.build_depends
    for file in ("control", "changelog"):
        ours = (tmp_path / "new" / "debian" / file).read_text()
        theirs = (tmp_path / "old" / "debian" / file).read_text()
        assert set(theirs.splitlines()) - set(ours.splitlines()) <= {
            line for line in theirs.splitlines() if line.startswith(("Build-Depends:", " "))
        }


@pytest.mark.parametrize("name", ["hello", "pcre2"])
def test_converting_twice_gives_the_same_bytes(archive: Fetch, tmp_path: Path, name: str) -> None:
    original = archive(name)
    convert(original, output=tmp_path / "a", environment={})
    before = os.umask(0o077)
    try:
        convert(original, output=tmp_path / "b", environment={})
    finally:
        os.umask(before)
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_lintian_finds_nothing_new(archive: Fetch, tmp_path: Path) -> None:
    original = archive("hello")
    converted = convert(original, output=tmp_path / "out", environment={})
    old, new = (_lintian(dsc) for dsc in (original, converted.dsc))
    assert new <= old


def _lintian(dsc: Path) -> set[str]:
    options = ["--fail-on", "none", "--allow-root", "--display-info"]
    said = run(["lintian", *options, dsc], hint="install lintian").stdout
    return {line.partition("[")[0].partition(" (in section")[0] for line in said.splitlines()}


@pytest.mark.parametrize(
    ("source_format", "version"),
    [
        ("3.0 (quilt)", "1.0-1"),
        ("3.0 (native)", "1.0"),
        ("1.0", "1.0-1"),
        ("1.0", "1.0"),
    ],
)
def test_every_format_converts(tmp_path: Path, source_format: str, version: str) -> None:
    work = tmp_path / "source"
    work.mkdir()
    original = make_source(work, version=version, source_format=source_format)
    converted = convert(original, output=tmp_path / "out", environment={})
    assert converted.version == f"{version}{VERSION_SUFFIX}"
    assert Dsc(converted.dsc.read_text())["Format"] == source_format
    old = tree_digest(unpack(original, tmp_path / "old"))
    new = tree_digest(unpack(converted.dsc, tmp_path / "new"))
    assert {file for file in old.keys() | new.keys() if old.get(file) != new.get(file)} == CHANGED
    assert {path.name for path in converted.files} == set(content(tmp_path / "out"))


def test_the_version_sorts_between_the_original_and_its_updates() -> None:
    ours = Version(f"1.0-3{VERSION_SUFFIX}")
    assert Version("1.0-3") < ours
    for update in ("1.0-3+b1", "1.0-3+deb12u1", "1.0-3+nmu1", "1.0-3.1", "1.0-4", "1.0-10"):
        assert ours < Version(update)
        assert Version("1.0-3~deb12u1") < ours


def test_who_and_when_come_from_the_environment(tmp_path: Path) -> None:
    work = tmp_path / "source"
    work.mkdir()
    environment = {
        "DEBFULLNAME": "Zoë Example",
        "DEBEMAIL": "zoe@example.org",
        "SOURCE_DATE_EPOCH": "1700000000",
    }
    converted = convert(make_source(work), output=tmp_path / "out", environment=environment)
    tree = unpack(converted.dsc, tmp_path / "new")
    block = Changelog((tree / "debian" / "changelog").read_text())[0]
    assert block.author == "Zoë Example <zoe@example.org>"
    assert block.date == "Tue, 14 Nov 2023 22:13:20 +0000"
    assert block.distributions == "unstable"


def test_a_converted_source_is_not_converted_again(tmp_path: Path) -> None:
    work = tmp_path / "source"
    work.mkdir()
    converted = convert(make_source(work), output=tmp_path / "out", environment={})
    with pytest.raises(InputError, match="has sample-tool-rumprun already"):
        convert(converted.dsc, output=tmp_path / "again", environment={})
    assert not (tmp_path / "again").exists()


def test_a_recipe_of_the_users_goes_with_the_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dsc = make_source(tmp_path)
    recipe = tmp_path / "sample.toml"
    recipe.write_text(
        '[[add]]\nbuild-depends = ["libz-dev"]\nreason = "for its archives"\n'
        '[[keep]]\nbuild-depends = ["debhelper-compat"]\nreason = "all it wants"\n'
        '[[variant]]\nname = "sampled-rumprun"\nof = "sample-tool"\nfiles = ["usr/sbin/sampled"]\n'
        'reason = "the server alone"\n',
        encoding="utf-8",
    )
    words = ["convert", str(dsc), "--output", str(tmp_path / "out"), "--recipe", str(recipe)]
    assert main(words) == 0
    tree = unpack(Path(capsys.readouterr().out.strip()), tmp_path / "tree")
    assert (tree / "debian" / "rumprun.toml").read_bytes() == recipe.read_bytes()
    source = read_source_tree(tree)
    names = {binary.name for binary in source.binaries}
    assert {"sample-tool-rumprun", "sampled-rumprun"} <= names
    assert "libz-rumprun-dev <!pkg.sample.norumprun>" in source.build_depends


def test_a_source_without_candidates_is_refused(tmp_path: Path) -> None:
    work = tmp_path / "source"
    work.mkdir()
    control = (
        "Source: {name}\nSection: doc\nMaintainer: A <a@example.org>\n\n"
        "Package: {name}-doc\nArchitecture: all\nDescription: x\n y\n"
    )
    with pytest.raises(InputError, match="has no library or program to vary"):
        convert(make_source(work, control=control), output=tmp_path / "out", environment={})


def test_a_file_that_leads_out_of_the_source_is_not_written(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("sample (1.0) unstable; urgency=low\n\n  * x\n\n -- A <a@b>  "
                      "Mon, 26 Dec 2022 15:30:00 +0000\n")  # fmt: skip
    before = victim.read_text()
    work = tmp_path / "source"
    work.mkdir()
    original = make_source(work, version="1.0", source_format="3.0 (native)")
    tree = work / "sample-1.0"
    (tree / "debian" / "changelog").unlink()
    (tree / "debian" / "changelog").symlink_to(victim)
    run(["dpkg-source", "--build", tree.name], cwd=work, env=base_environment())
    with pytest.raises(InputError):
        convert(original, output=tmp_path / "out", environment={})
    assert victim.read_text() == before


def test_another_upstream_of_that_name_is_not_replaced(tmp_path: Path) -> None:
    work = tmp_path / "source"
    work.mkdir()
    original = make_source(work)
    out = tmp_path / "out"
    out.mkdir()
    (out / "sample_1.0.orig.tar.gz").write_text("something else")
    with pytest.raises(InputError, match="with another content"):
        convert(original, output=out, environment={})
    assert list(content(out)) == ["sample_1.0.orig.tar.gz"]


def test_generated_control_files_are_mentioned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "source"
    work.mkdir()
    original = make_source(work, extra={"control.in": "Source: @x@\n"})
    convert(original, output=tmp_path / "out", environment={})
    assert "has debian/control.in" in capsys.readouterr().err


def test_the_command_reports_what_it_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "source"
    work.mkdir()
    original = make_source(work)
    assert main(["convert", str(original), "--output", str(tmp_path / "out"), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["source"] == "sample"
    assert row["version"] == f"1.0-1{VERSION_SUFFIX}"
    assert row["variants"] == ["sample-tool-rumprun"]
    assert sorted(Path(name).name for name in row["files"]) == sorted(content(tmp_path / "out"))
    assert main(["convert", str(tmp_path / "none.dsc")]) == 4


def test_a_single_package_is_built_as_before(archive: Fetch, tmp_path: Path) -> None:
    """hello, whose only package debhelper fills in another way once there are two."""
    original = archive("hello")
    converted = convert(original, output=tmp_path / "out", environment={})
    built = [_native_build(dsc, tmp_path / "build") for dsc in (original, converted.dsc)]
    assert "usr/bin/hello" in built[0]
    assert built[0] == built[1]


def _native_build(dsc: Path, directory: Path) -> dict[str, str]:
    """The files of the package hello, built in the same place each time."""
    shutil.rmtree(directory, ignore_errors=True)
    tree = unpack(dsc, directory / "tree")
    environment = {
        **base_environment(),
        "DEB_BUILD_OPTIONS": "nocheck noautodbgsym",
        "DEB_BUILD_PROFILES": "nocheck pkg.hello.norumprun",
    }
    run(["dpkg-buildpackage", "-us", "-uc", "-b", "-d"], cwd=tree, env=environment, timeout=900)
    assert not list(directory.glob("*rumprun_*.deb"))
    (package,) = directory.glob("hello_*.deb")
    data = DebFile(package).data.tgz()
    return {
        member.name.removeprefix("./"): hashlib.sha256(data.extractfile(member).read()).hexdigest()
        for member in data
        if member.isfile() and not member.name.endswith("changelog.Debian.gz")
    }

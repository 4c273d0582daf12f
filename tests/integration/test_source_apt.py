# SPDX-License-Identifier: BSD-2-Clause
"""Fetching sources: from the real archive, and from archives that fail in one way each."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from pathlib import Path

import pytest
from archive_samples import Fetch, LocalArchive, System, make_source

from rumprun.cli.main import main
from rumprun.errors import InputError, MissingError, UsageError
from rumprun.source.apt import fetch
from rumprun.source.apt_errors import NotOnMirror
from rumprun.source.apt_root import deb_src_entries
from rumprun.source.dsc import read_dsc, unpack

pytestmark = pytest.mark.integration


@pytest.fixture
def local(tmp_path: Path) -> LocalArchive:
    """An archive with ``sample`` in the versions 1.0-1 and 1.1-1."""
    archive = LocalArchive(tmp_path / "archive")
    for version in ("1.0-1", "1.1-1"):
        work = tmp_path / version
        work.mkdir()
        make_source(work, version=version)
        for path in work.iterdir():
            if path.is_file():
                shutil.copy(path, archive.pool)
    archive.publish()
    return archive


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    return System(tmp_path / "system", monkeypatch)


@pytest.fixture
def with_sources(local: LocalArchive, system: System) -> System:
    """A system whose entries have sources."""
    system.deb822("debian", f"file:{local.root}", types="deb deb-src")
    system.update()
    return system


def test_a_source_of_the_real_archive(archive: Fetch) -> None:
    control = read_dsc(archive("zlib"))
    assert control.name == "zlib"
    assert control.signed
    assert any(".orig.tar." in path.name for path in control.files)


def test_the_systems_entries_are_used(with_sources: System, tmp_path: Path) -> None:
    dsc = fetch("sample", destination=tmp_path / "out")
    assert dsc == tmp_path / "out" / "sample_1.1-1.dsc"
    assert sorted(path.name for path in dsc.parent.iterdir()) == sorted(
        [dsc.name, *(path.name for path in read_dsc(dsc).files)]
    )
    assert not (with_sources.cache / "dh-rumprun" / "apt").exists()


@pytest.mark.parametrize("choice", ["sample=1.0-1", "sample"])
def test_a_version_can_be_chosen(with_sources: System, tmp_path: Path, choice: str) -> None:
    version = None if "=" in choice else "1.0-1"
    dsc = fetch(choice, destination=tmp_path / "out", version=version)
    assert dsc.name == "sample_1.0-1.dsc"
    assert with_sources.cache.exists()


def test_a_suite_can_be_chosen(local: LocalArchive, system: System, tmp_path: Path) -> None:
    (old,) = local.pool.glob("*_1.1-1.dsc")
    kept = old.read_bytes()
    old.unlink()
    local.publish(suite="stable")
    old.write_bytes(kept)
    for suite in ("testing", "stable"):
        system.deb822("debian", f"file:{local.root}", types="deb deb-src", suite=suite)
    system.update()
    assert fetch("sample", destination=tmp_path / "a").name == "sample_1.1-1.dsc"
    assert fetch("sample/stable", destination=tmp_path / "b").name == "sample_1.0-1.dsc"
    with pytest.raises(MissingError, match=r"unknown suite 'sid'; apt knows stable, testing"):
        fetch("sample/sid", destination=tmp_path / "c")
    with pytest.raises(MissingError, match=r"no source sample 1.1-1 in stable; there is 1.1-1"):
        fetch("sample", destination=tmp_path / "c", version="1.1-1", suite="stable")


def test_a_suite_that_apt_does_not_have_is_taken_from_the_same_mirror(
    with_sources: System, local: LocalArchive, tmp_path: Path
) -> None:
    local.publish(suite="other")
    for _again in range(2):
        dsc = fetch("sample/other", destination=tmp_path / "out")
        assert dsc.name == "sample_1.1-1.dsc"
    assert (with_sources.cache / "dh-rumprun" / "apt-other").is_dir()


def test_a_plan_is_made_of_the_version_that_was_chosen(
    with_sources: System, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "sample=1.0-1"]) == 0
    assert "sample 1.0-1: asked for" in capsys.readouterr().out
    assert with_sources.parts.exists()


@pytest.mark.parametrize("name", ["sample=", "/testing", "sample/a/b", "=1"])
def test_a_choice_that_is_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        fetch(name, destination=tmp_path, suite="x" if name.count("/") > 1 else None)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("sampel", "did you mean sample"),
        ("sample-tool", "sample-tool is a binary package of the source sample"),
        ("qqqqqqqq", "check the name"),
    ],
)
def test_an_unknown_source(with_sources: System, tmp_path: Path, name: str, hint: str) -> None:
    with pytest.raises(MissingError, match=f"no source package '{name}' in testing; {hint}"):
        fetch(name, destination=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert with_sources.parts.exists()


def test_without_deb_src_the_file_to_change_is_named(
    local: LocalArchive, system: System, tmp_path: Path
) -> None:
    path = system.deb822("debian", f"file:{local.root}")
    system.update()
    with pytest.raises(MissingError, match=f"add deb-src beside deb in {path} .*--enable-deb-src"):
        fetch("sample", destination=tmp_path / "out")


def test_enable_deb_src_leaves_the_system_alone(
    local: LocalArchive, system: System, tmp_path: Path
) -> None:
    path = system.one_line("debian", f"file:{local.root}")
    system.update()
    before = path.read_bytes()
    dsc = fetch("sample", destination=tmp_path / "out", enable_deb_src=True)
    assert dsc.name == "sample_1.1-1.dsc"
    assert path.read_bytes() == before
    assert not list((tmp_path / "system" / "lists").glob("*Sources*"))


def test_only_the_distributions_own_entries_become_deb_src(
    local: LocalArchive, system: System, tmp_path: Path
) -> None:
    other = LocalArchive(tmp_path / "other", origin="Somebody")
    other.publish(package="other")
    system.one_line("other", f"file:{other.root}")
    disabled = system.deb822("debian", "file:/nowhere")
    disabled.write_text(f"Enabled: no\n{disabled.read_text()}")
    system.deb822("debian", f"file:{local.root}")
    updates = LocalArchive(tmp_path / "updates")
    updates.publish(package="other")
    system.one_line("updates", f"file:{updates.root}")
    system.update()
    entries = deb_src_entries()
    assert entries["system.list"] == f"deb-src [trusted=yes] file:{updates.root} testing main\n"
    assert entries["system.sources"].splitlines() == [
        "Types: deb-src",
        f"URIs: file:{local.root}",
        "Suites: testing",
        "Components: main",
        "Trusted: yes",
    ]


def test_a_new_source_is_found_by_a_refresh(
    local: LocalArchive, system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rumprun.source.apt._JUST_UPDATED", 0.0)
    system.deb822("debian", f"file:{local.root}")
    system.update()
    fetch("sample", destination=tmp_path / "out", enable_deb_src=True)
    work = tmp_path / "new"
    work.mkdir()
    make_source(work, name="novelty")
    for path in work.iterdir():
        if path.is_file():
            shutil.copy(path, local.pool)
    local.publish()
    with pytest.raises(MissingError, match="no source package 'novelty'"):
        fetch("novelty", destination=tmp_path / "out", enable_deb_src=True, offline=True)
    dsc = fetch("novelty", destination=tmp_path / "out", enable_deb_src=True)
    assert dsc.name == "novelty_1.0-1.dsc"


@pytest.mark.parametrize("damage", ["change", "cut"])
def test_a_damaged_download_is_refused(
    with_sources: System, local: LocalArchive, tmp_path: Path, damage: str
) -> None:
    path = local.pool / "sample_1.1-1.debian.tar.xz"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"!" if damage == "change" else content[: len(content) // 2])
    with pytest.raises(InputError, match="not what the archive signed"):
        fetch("sample", destination=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert with_sources.parts.exists()


def test_a_version_that_the_mirror_lacks_gives_way_to_the_next(
    with_sources: System, local: LocalArchive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (local.pool / "sample_1.1-1.debian.tar.xz").unlink()
    dsc = fetch("sample", destination=tmp_path / "out")
    assert dsc.name == "sample_1.0-1.dsc"
    assert "taking sample 1.0-1 instead" in capsys.readouterr().err
    with pytest.raises(NotOnMirror):
        fetch("sample", destination=tmp_path / "out", version="1.1-1")
    assert with_sources.parts.exists()


def test_the_index_stands_for_a_dsc_that_the_mirror_lacks(
    with_sources: System, local: LocalArchive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path,) = local.pool.glob("*_1.1-1.dsc")
    original = read_dsc(path)
    path.unlink()
    dsc = fetch("sample", destination=tmp_path / "out")
    assert "has all of sample 1.1-1 but sample_1.1-1.dsc" in capsys.readouterr().err
    written = read_dsc(dsc)
    assert (written.name, written.version, written.format) == ("sample", "1.1-1", original.format)
    assert written.sha256 == original.sha256
    tree = unpack(dsc, tmp_path / "tree")
    assert (tree / "README").is_file()
    assert with_sources.parts.exists()
    (local.pool / "sample_1.1-1.debian.tar.xz").unlink()
    shutil.rmtree(with_sources.cache / "dh-rumprun" / "sources")
    assert fetch("sample", destination=tmp_path / "old").name == "sample_1.0-1.dsc"


def test_downloads_are_kept_for_a_time_without_network(
    local: LocalArchive, system: System, tmp_path: Path
) -> None:
    handler = functools.partial(_Quiet, directory=str(local.root))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        system.deb822("debian", f"http://127.0.0.1:{server.server_port}/")
        system.update()
        fetch("sample", destination=tmp_path / "a", enable_deb_src=True)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    dsc = fetch("sample", destination=tmp_path / "b", enable_deb_src=True, offline=True)
    assert read_dsc(dsc).version == "1.1-1"
    with pytest.raises(MissingError, match="cannot be reached"):
        fetch("sample=1.0-1", destination=tmp_path / "c", enable_deb_src=True)
    shutil.rmtree(system.cache / "dh-rumprun" / "apt")
    with pytest.raises(MissingError, match="cannot read the index of sources: the mirror cannot"):
        fetch("sample", destination=tmp_path / "c", enable_deb_src=True)
    with pytest.raises(MissingError, match="no index of sources yet"):
        fetch("sample", destination=tmp_path / "c", enable_deb_src=True, offline=True)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""

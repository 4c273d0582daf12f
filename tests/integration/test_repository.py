# SPDX-License-Identifier: BSD-2-Clause
"""The repository that builds go to: apt takes it, a kill does not hurt it, what is old is told."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_build_again import AUTOCONF, make_source

from rumprun import paths
from rumprun.archive.record import Record
from rumprun.archive.repository import Repository
from rumprun.archive.stale import find_stale
from rumprun.command import Completed, base_environment, run
from unit.plan_samples import Samples

pytestmark = pytest.mark.integration

CONTROL = """\
Package: {name}
Version: {version}
Architecture: all
Maintainer: Jane Roe <jane@example.org>
Static-Built-Using: {linked}
Description: a package
"""


def make_deb(directory: Path, name: str, version: str = "1-1", linked: str = "lib (= 1-1)") -> Path:
    tree = directory / f"{name}_{version}"
    (tree / "DEBIAN").mkdir(parents=True)
    text = CONTROL.format(name=name, version=version, linked=linked)
    (tree / "DEBIAN" / "control").write_text(text, encoding="utf-8")
    deb = directory / f"{name}_{version}_all.deb"
    run(["dpkg-deb", "--build", tree, deb])
    return deb


def record(source: str, mark: str = "a", **fields: object) -> Record:
    found = Record(
        source=source, version="1-1", identity=mark * 64, packages=(), seconds=1.0, finished=1.0
    )
    return dataclasses.replace(found, **fields)  # type: ignore[arg-type]


def apt(root: Path, entry: str, *words: str) -> Completed:
    """Run apt-get with no other entry than ``entry``, below ``root``."""
    for name in (
        "etc/apt/preferences.d",
        "etc/apt/apt.conf.d",
        "lists/partial",
        "cache/archives/partial",
    ):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "sources.list").write_text(f"{entry}\n", encoding="utf-8")
    (root / "status").touch()
    options = {
        "Dir::Etc::SourceList": root / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": root / "lists",
        "Dir::State::Status": root / "status",
        "Dir::Cache": root / "cache",
        "APT::Sandbox::User": "root",
        "APT::Architecture": "amd64",
    }
    flags = [f"-o{name}={value}" for name, value in options.items()]
    return run(["apt-get", *flags, *words], check=False, cwd=root)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    found = Repository(path=tmp_path / "repo")
    debs = [make_deb(tmp_path, "lib-rumprun-dev"), make_deb(tmp_path, "tool-rumprun")]
    found.add(record("lib"), debs[:1])
    found.add(record("tool", used={"lib": "a" * 64}), debs[1:])
    found.publish()
    return found


def test_apt_installs_from_it(repository: Repository, tmp_path: Path) -> None:
    root = tmp_path / "apt"
    root.mkdir()
    answer = apt(root, repository.source_entry, "update")
    assert answer.returncode == 0, answer.stderr
    answer = apt(root, repository.source_entry, "download", "tool-rumprun", "lib-rumprun-dev")
    assert answer.returncode == 0, answer.stderr
    assert {deb.name for deb in root.glob("*.deb")} == {
        "lib-rumprun-dev_1-1_all.deb", "tool-rumprun_1-1_all.deb",
    }  # fmt: skip


def test_a_signed_repository_needs_no_trust(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gnupg").symlink_to(home)
    key = ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", ""]
    run([*key, "--quick-generate-key", "Jane Roe <jane@example.org>", "default", "default"])
    repository = Repository(path=tmp_path / "repo", key="jane@example.org")
    repository.add(record("lib"), [make_deb(tmp_path, "lib-rumprun-dev")])
    repository.publish()
    root = tmp_path / "apt"
    root.mkdir()
    assert apt(root, repository.source_entry, "update").returncode != 0
    run(["gpg", "--batch", "--export", "--output", tmp_path / "key.gpg"])
    signed = repository.source_entry.replace("deb ", f"deb [signed-by={tmp_path}/key.gpg] ")
    answer = apt(root, signed, "update")
    assert answer.returncode == 0, answer.stderr


def test_packages_of_an_earlier_build_go_when_the_index_has_the_new(
    repository: Repository, tmp_path: Path
) -> None:
    (old,) = repository.packages(repository.records()["lib"])
    (tmp_path / "new").mkdir()
    deb = make_deb(tmp_path / "new", "lib-rumprun-dev", "2-1")
    repository.add(record("lib", "b"), [deb])
    assert old.is_file()
    index = repository.path / "dists" / "rumprun" / "main" / "binary-amd64" / "Packages"
    assert "Version: 2-1" not in index.read_text(encoding="utf-8")
    repository.publish()
    assert not old.exists()
    text = index.read_text(encoding="utf-8")
    assert text.count("Package: lib-rumprun-dev") == 1
    assert "Version: 2-1" in text


def test_what_the_archive_has_newer_is_stale_with_all_above_it(repository: Repository) -> None:
    archive = Samples({"lib": "", "tool": "", "other": ""})
    assert find_stale(repository, archive) == ()
    archive.version = {"lib": "1-2"}
    lib, tool = find_stale(repository, archive)
    assert (lib.source, tool.source) == ("lib", "tool")
    assert lib.outdated[0].current == "1-2"
    assert tool.packages == ("tool-rumprun",)
    assert tool.below == ("lib",)
    assert [item.source for item in tool.outdated] == ["lib"]


def test_an_image_comes_after_what_is_in_it(repository: Repository, tmp_path: Path) -> None:
    image = make_deb(tmp_path, "an-image", linked="lib (= 1-1), musl (= 1.2.3-1)")
    repository.add(record("an-image"), [image])
    archive = Samples({"lib": ""})
    archive.version = {"lib": "1-2"}
    found = {item.source: item for item in find_stale(repository, archive)}
    assert list(found).index("lib") < list(found).index("an-image")
    assert found["an-image"].below == ("lib",)
    assert [item.source for item in found["an-image"].outdated] == ["lib"]


def rumpdeb(*words: str | Path) -> list[str | Path]:
    return [paths.DATA / "rumpdeb", "build", *words]


def test_a_build_that_is_killed_goes_on_where_it_stopped(tmp_path: Path) -> None:
    slow = AUTOCONF["debian/rules"] + "override_dh_auto_build:\n\tsleep 60\n\tdh_auto_build\n"
    first = make_source(tmp_path / "one", AUTOCONF)
    second = make_source(tmp_path / "two", {**AUTOCONF, "debian/rules": slow}, name="libslow")
    repo = tmp_path / "repo"
    words = [*rumpdeb(first, second), "--repo", repo, "--jobs", "1", "--offline"]
    with subprocess.Popen(
        list(map(str, words)), env=base_environment(), start_new_session=True, stderr=sys.stderr
    ) as process:
        deadline = time.monotonic() + 120
        while not (repo / "builds" / "libfoo.json").exists() and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(1)
        os.killpg(process.pid, signal.SIGKILL)
    quick = make_source(tmp_path / "three", AUTOCONF, name="libslow")
    answer = run(
        [*rumpdeb(first, quick), "--repo", repo, "--offline", "--json"], check=False, timeout=300
    )
    assert answer.returncode == 0, answer.stderr
    states = {row["source"]: row["state"] for row in json.loads(answer.stdout)}
    assert states == {"libfoo": "unchanged", "libslow": "built"}
    assert "libslow" in (repo / "report.html").read_text(encoding="utf-8")

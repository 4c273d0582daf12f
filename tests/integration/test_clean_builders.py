# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb build`` in clean chroots: under sbuild as a user, under pbuilder as root."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from archive_samples import Fetch
from debian.debfile import DebFile
from packaging_machine import copy_checkout

from rumprun import paths
from rumprun.command import base_environment, run
from rumprun.source.apt_root import base_suite
from rumprun.source.convert import convert
from rumprun.target.descriptor import load_target
from rumprun.version import VERSION
from rumprun.workdir import temporary_tree

pytestmark = pytest.mark.integration

USER = "rumprun-sbuild"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
RUMPDEB = paths.DATA / "rumpdeb"


@pytest.fixture(scope="module")
def ours() -> Iterator[Path]:
    """A directory with our own packages, which no suite has yet."""
    with temporary_tree() as work:
        tree = copy_checkout(work / f"dh-rumprun-{VERSION}")
        run(
            ["dpkg-buildpackage", "-b", "-us", "-uc", "-Pnocheck,pkg.dh-rumprun.nocxx"],
            cwd=tree,
            env={**base_environment(), "DEB_BUILD_OPTIONS": "nocheck"},
        )
        directory = work / "ours"
        directory.mkdir()
        for deb in work.glob("*.deb"):
            shutil.copyfile(deb, directory / deb.name)
        yield directory


@contextlib.contextmanager
def sbuild_user() -> Iterator[str]:
    """A user with subordinate ids, as sbuild's unshare mode wants; made and removed by root."""
    if os.geteuid() != 0:
        pytest.skip("making a user with subordinate ids needs root")
    environment = {**base_environment(), "PATH": PATH}
    # One that a killed run left behind.
    run(["userdel", "--remove", USER], env=environment, check=False)
    run(["useradd", "--create-home", "--shell", "/bin/sh", USER], env=environment)
    try:
        yield USER
    finally:
        run(["pkill", "-KILL", "-u", USER], check=False)
        run(["userdel", "--remove", USER], env=environment, check=False)


def as_user(*words: str | Path) -> None:
    home = Path(f"/home/{USER}")
    run(
        ["runuser", "-u", USER, "--", *words],
        env={"PATH": PATH, "HOME": str(home), "LC_ALL": "C.UTF-8"},
        cwd=home,
        timeout=3000,
    )


@pytest.fixture(scope="module")
def home(ours: Path) -> Iterator[Path]:
    """The home of a user who has built zlib's variant under sbuild, for ``repo`` in there."""
    load_target().tool("gcc")
    with sbuild_user() as user:
        place = Path(f"/home/{user}")
        as_user(RUMPDEB, "publish", "--repo", place / "repo", ours)
        as_user(*sbuild_words(place / "repo"))
        yield place


def sbuild_words(repo: Path) -> list[str | Path]:
    words: list[str | Path] = [RUMPDEB, "build", "zlib", "--enable-deb-src", "--jobs", "2"]
    return [*words, "--repo", repo, "--builder", "sbuild", "--check"]


def files_of(deb: Path) -> set[str]:
    with DebFile(filename=str(deb)) as package:
        return {name.removeprefix("./") for name in package.data.tgz().getnames()}


def check_repository(repo: Path) -> None:
    """It has zlib's variant, and nothing of zlib's own."""
    record = json.loads((repo / "builds" / "zlib.json").read_text(encoding="utf-8"))
    (package,) = record["packages"]
    assert Path(package["file"]).name.startswith("zlib1g-rumprun-dev_")
    target = load_target()
    assert f"{target.prefix.relative_to('/')}/lib/libz.a" in files_of(repo / package["file"])
    assert "zlib" in (repo / "report.html").read_text(encoding="utf-8")
    # It is the report of the build inside, whose options are those of the command outside.
    tests = record["report"]["own_tests"]
    assert tests["succeeded"]
    (log,) = (repo / "logs").glob("zlib*")
    assert "zlib-rumprun-variants" in log.read_text(encoding="utf-8", errors="replace")


def test_sbuild(home: Path) -> None:
    check_repository(home / "repo")
    record = home / "repo" / "builds" / "zlib.json"
    before = record.read_bytes()
    as_user(*sbuild_words(home / "repo"))
    assert record.read_bytes() == before


def test_plain_sbuild_of_a_converted_source(archive: Fetch, home: Path) -> None:
    converted = convert(archive("zlib"), output=home / "converted")
    (chroot,) = home.glob(".cache/dh-rumprun/chroots/*.tar")
    snippet = (paths.DATA / "share" / "sbuildrc").read_text(encoding="utf-8")
    (home / ".sbuildrc").write_text(
        re.sub("/srv/rumprun", str(home / "repo"), snippet), encoding="utf-8"
    )
    words = ["sbuild", "--chroot-mode=unshare", f"--chroot={chroot}", "--dist=bookworm"]
    words += ["--arch-all", "--no-run-lintian", "--no-run-piuparts", "--no-run-autopkgtest"]
    as_user(*words, converted.dsc)
    built = {deb.name.partition("_")[0] for deb in home.glob("*.deb")}
    assert {"zlib1g", "zlib1g-dev", "lib32z1", "lib32z1-dev", "zlib1g-rumprun-dev"} <= built


@pytest.fixture(scope="module")
def pbuilt(ours: Path) -> Iterator[Path]:
    """A directory with ``repo``, where zlib's variant was built under pbuilder, and ``cache``."""
    if os.geteuid() != 0:
        pytest.skip("pbuilder needs root")
    with temporary_tree() as work:
        environment = {**base_environment(), "XDG_CACHE_HOME": str(work / "cache")}
        run((RUMPDEB, "publish", "--repo", work / "repo", ours), env=environment)
        words = (RUMPDEB, "build", "zlib", "--enable-deb-src", "--jobs", "2", "--check")
        place = ("--repo", work / "repo", "--builder", "pbuilder")
        run((*words, *place), env=environment, timeout=3000)
        yield work


def test_pbuilder(pbuilt: Path) -> None:
    check_repository(pbuilt / "repo")


def test_plain_pbuilder_of_a_converted_source(archive: Fetch, pbuilt: Path, tmp_path: Path) -> None:
    converted = convert(archive("zlib"), output=tmp_path / "converted")
    (chroot,) = (pbuilt / "cache").glob("dh-rumprun/chroots/*.tar")
    result = tmp_path / "result"
    result.mkdir()
    settings = tmp_path / "pbuilderrc"
    settings.write_text(
        f"HOOKDIR={paths.DATA}/share/pbuilder\n"
        f'BINDMOUNTS="$BINDMOUNTS {pbuilt}/repo"\n'
        # Our chroot has no aptitude, which is pbuilder's first choice.
        "PBUILDERSATISFYDEPENDSCMD=/usr/lib/pbuilder/pbuilder-satisfydepends-apt\n",
        encoding="utf-8",
    )
    words: list[str | Path] = ["pbuilder", "build", "--basetgz", chroot, "--binary-indep"]
    words += ["--configfile", settings, "--distribution", "bookworm", "--buildresult", result]
    run([*words, converted.dsc], env={**base_environment(), "PATH": PATH}, timeout=3000)
    built = {deb.name.partition("_")[0] for deb in result.glob("*.deb")}
    assert built == {"zlib1g-rumprun-dev"}


def test_sbuild_with_schroot(ours: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("sbuild-createchroot needs root")
    words = (
        *(RUMPDEB, "build", "zlib", "--enable-deb-src", "--jobs", "2", "--repo", tmp_path / "repo"),
        *("--builder", "sbuild", "--chroot-mode", "schroot", "--extra-package", ours, "--check"),
    )
    run(words, timeout=3000)
    check_repository(tmp_path / "repo")
    run(["schroot", "--info", "--chroot", f"chroot:{base_suite()}-amd64-sbuild"])


def test_without_root_a_chroot_of_schroots_is_asked_for() -> None:
    with sbuild_user():
        answer = run(
            [
                *("runuser", "-u", USER, "--", RUMPDEB, "build", "zlib", "--enable-deb-src"),
                *("--suite", "trixie", "--repo", f"/home/{USER}/repo"),
                *("--builder", "sbuild", "--chroot-mode", "schroot"),
            ],
            env={"PATH": PATH, "HOME": f"/home/{USER}", "LC_ALL": "C.UTF-8"},
            check=False,
            timeout=600,
        )
    assert answer.returncode == 4
    assert "schroot has no trixie-amd64-sbuild; have root run 'sbuild-createchroot" in answer.stderr


def test_sbuild_is_not_for_root_nor_pbuilder_for_others(tmp_path: Path) -> None:
    builder = "sbuild" if os.geteuid() == 0 else "pbuilder"
    answer = run(
        [
            *(RUMPDEB, "build", "zlib", "--enable-deb-src"),
            *("--repo", tmp_path / "repo", "--builder", builder),
        ],
        check=False,
    )
    assert (answer.returncode, answer.stderr.count("error:")) == (2, 1)
    assert not (tmp_path / "repo").exists()

# SPDX-License-Identifier: BSD-2-Clause
"""Our own packages: built, judged by lintian, installed, and used by their autopkgtests."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging_machine import ROOT, apt_get, copy_checkout, left_as_it_was, may_install

from rumprun.command import Completed, base_environment, run
from rumprun.target.descriptor import load_target
from rumprun.version import VERSION
from rumprun.workdir import temporary_tree

pytestmark = pytest.mark.integration


def build(tree: Path, *options: str, **environment: str) -> Path:
    """Build the packages of ``tree``; the directory that they are in."""
    run(
        ["dpkg-buildpackage", "-us", "-uc", *options],
        cwd=tree,
        env={**base_environment(), **environment},
        log=tree.parent / "build.log",
        timeout=1800,
    )
    return tree.parent


@pytest.fixture(name="first", scope="module")
def build_once() -> Iterator[Path]:
    """Binary packages and source package, built with the unit tests."""
    with temporary_tree() as work:
        yield build(copy_checkout(work / f"dh-rumprun-{VERSION}"))


@pytest.fixture(name="root", scope="module")
def unpack(first: Path) -> Iterator[Path]:
    """Both packages, unpacked into one tree."""
    with temporary_tree() as work:
        for deb in first.glob("*.deb"):
            run(["dpkg-deb", "--extract", deb, work])
        yield work


def names_of(deb: Path) -> list[str]:
    return [line.split()[5] for line in run(["dpkg-deb", "-c", deb]).stdout.splitlines()]


def test_there_are_six_packages(first: Path) -> None:
    built = sorted(path.name for path in first.glob("*.deb"))
    assert built == [
        f"dh-rumprun_{VERSION}_all.deb",
        f"rumprun-board-pvh_{VERSION}_amd64.deb",
        f"rumprun-check-xen_{VERSION}_amd64.deb",
        f"rumprun-lab_{VERSION}_amd64.deb",
        f"rumprun-toolchain-c++_{VERSION}_amd64.deb",
        f"rumprun-toolchain_{VERSION}_amd64.deb",
    ]


def test_the_library_of_cplusplus_has_a_package_and_names_its_source(first: Path) -> None:
    (deb,) = first.glob("rumprun-toolchain-c++_*.deb")
    prefix = f"./usr/{load_target().triple}"
    names = names_of(deb)
    assert {f"{prefix}/lib/libstdc++.a", f"{prefix}/include/c++/12/vector"} <= set(names)
    assert [name for name in names if name.endswith((".la", ".py"))] == []
    field = run(["dpkg-deb", "-f", deb, "Built-Using"]).stdout
    assert re.fullmatch(r"gcc-12 \(= 12\.[0-9]\S*\)\n", field)


def test_the_licences_of_the_library_are_in_its_package(root: Path) -> None:
    text = (root / "usr/share/doc/rumprun-toolchain-c++/copyright").read_text(encoding="utf-8")
    assert "GCC Runtime Library Exception" in text
    assert "Hewlett-Packard" in text


def test_two_builds_are_bit_identical(first: Path, tmp_path: Path) -> None:
    """Also at another place, in another time zone and language, and by another umask.

    Without the C++ library, whose own test builds it twice.
    """
    tree = tmp_path / "elsewhere" / "deeper" / "tree"
    tree.parent.mkdir(parents=True)
    run(["dpkg-source", "-x", *first.glob("*.dsc"), tree], cwd=first)
    for path in tree.rglob("*"):
        if not path.is_symlink() and path.is_file():
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o022 | 0o020)
    second = build(
        tree,
        *("-b", "-Pnocheck,pkg.dh-rumprun.nocxx"),
        TZ="Pacific/Auckland",
        LC_ALL="C",
        DEB_BUILD_OPTIONS="parallel=2",
    )
    assert sorted(path.name for path in second.glob("*.deb")) == [
        f"dh-rumprun_{VERSION}_all.deb",
        f"rumprun-board-pvh_{VERSION}_amd64.deb",
        f"rumprun-check-xen_{VERSION}_amd64.deb",
        f"rumprun-lab_{VERSION}_amd64.deb",
        f"rumprun-toolchain_{VERSION}_amd64.deb",
    ]
    for twin in sorted(second.glob("*.deb")):
        path = first / twin.name
        assert names_of(twin) == names_of(path)
        assert hashlib.sha256(twin.read_bytes()).digest() == (
            hashlib.sha256(path.read_bytes()).digest()
        ), path.name


def test_lintian_finds_nothing(first: Path) -> None:
    answer = run(
        ["lintian", "--allow-root", "--fail-on", "error,warning", *first.glob("*.changes")],
        check=False,
        timeout=900,
    )
    assert (answer.returncode, answer.stdout) == (0, "")


def test_the_source_package_has_sources_only(first: Path) -> None:
    listing = run(["tar", "-tf", *first.glob("*.tar.*")]).stdout.splitlines()
    names = {name.partition("/")[2] for name in listing}
    assert {"debian/rules", "lib/rumprun/command.py", "LICENSE", "toolchain/driver.c"} <= names
    unwanted = ("build/", ".git/", "debian/dh-rumprun/", "debian/.debhelper/")
    assert [name for name in names if name.startswith(unwanted) or "__pycache__" in name] == []


def test_the_library_is_installed_whole(first: Path, root: Path) -> None:
    tree = first / f"dh-rumprun-{VERSION}"
    share = root / "usr" / "share" / "dh-rumprun"
    for name in ("lib", "templates", "debhelper/pass"):
        wanted = {
            path.relative_to(tree)
            for path in (tree / name).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert {
            path.relative_to(share) for path in (share / name).rglob("*") if path.is_file()
        } == wanted
    assert (share / "rumprun.mk").is_file()
    assert not (share / "Makefile").exists()
    sequences = root / "usr/share/perl5/Debian/Debhelper/Sequence"
    assert sorted(path.name for path in sequences.iterdir()) == ["rumprun.pm", "rumprun_pass.pm"]


def installed_rumpdeb(root: Path, *words: str) -> Completed:
    environment = {
        **base_environment(),
        "RUMPRUN_TOOLCHAIN_ROOT": str(root),
        "RUMPRUN_BOARD_ROOT": str(root),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return run([root / "usr" / "bin" / "rumpdeb", *words], env=environment)


def test_the_command_works_where_it_is_installed(root: Path) -> None:
    assert installed_rumpdeb(root, "--version").stdout == f"rumpdeb {VERSION}\n"
    targets = json.loads(installed_rumpdeb(root, "targets", "--json").stdout)
    (target,) = [row for row in targets if row["name"] == load_target().name]
    assert target["compiler"] == str(root / "usr/bin" / f"{load_target().triple}-gcc")


def test_every_command_has_a_page_that_man_can_show(root: Path) -> None:
    pages = root / "usr" / "share" / "man" / "man1"
    for command in (root / "usr" / "bin").iterdir():
        assert (pages / f"{command.name}.1.gz").exists(), command.name
    for path in pages.glob("*.gz"):
        if not path.is_symlink():
            shown = run(
                ["man", "--warnings", "-l", path], env={**base_environment(), "COLUMNS": "80"}
            )
            assert "SEE ALSO" in shown.stdout
            assert shown.stderr == ""


def test_the_board_is_part_of_the_toolchain_package(root: Path) -> None:
    entrypoint = root / "usr" / "lib" / "rumprun-board-linux" / "entrypoint"
    assert os.access(entrypoint, os.X_OK)
    headers = run(["readelf", "-l", entrypoint]).stdout
    assert "LOAD" in headers
    assert "INTERP" not in headers


@pytest.mark.skipif(not may_install(), reason="needs root, or sudo without a password")
def test_autopkgtest_passes_with_the_installed_packages(first: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "debian", tmp_path / "tree" / "debian")
    shutil.copytree(ROOT / "examples", tmp_path / "tree" / "examples")
    with left_as_it_was():
        apt_get("install", "--no-install-recommends", "--reinstall", *sorted(first.glob("*.deb")))
        answer = run(
            ["autopkgtest", "--no-built-binaries", tmp_path / "tree", "--", "null"],
            check=False,
            timeout=900,
        )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    summary = answer.stderr.rpartition("@@@@ summary")[2] or answer.stdout.rpartition("summary")[2]
    assert sorted(line.split()[:2] for line in summary.splitlines() if "PASS" in line) == [
        ["addon", "PASS"],
        ["cxx", "PASS"],
        ["toolchain", "PASS"],
    ]


@pytest.mark.parametrize("background", ["#ffffff", "#0d1117"])
def test_the_picture_can_be_drawn(background: str, tmp_path: Path) -> None:
    drawn = tmp_path / "drawn.png"
    run(["rsvg-convert", "-b", background, ROOT / "doc" / "how-it-works.svg", "-o", drawn])
    assert drawn.stat().st_size > 10_000


def as_nobody(*words: str | Path, path: str) -> Completed:
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    return run(
        [*(drop if os.geteuid() == 0 else []), *words],
        env={**base_environment(), "PATH": path},
        check=False,
    )


def test_without_root_the_missing_packages_are_named() -> None:
    """A dpkg-query that knows no package, and a sudo that asks for a password."""
    with temporary_tree() as tools:
        for name in ("dpkg-query", "sudo"):
            (tools / name).write_text("#!/bin/sh\nexit 1\n")
            (tools / name).chmod(0o755)
        script = tools / "install-deps"
        shutil.copy(ROOT / "scripts" / "install-deps", script)
        answer = as_nobody(script, "demo", path=f"{tools}:/usr/bin:/bin")
    assert answer.returncode == 7
    assert "qemu-system-x86" in answer.stderr
    assert "root" in answer.stderr


def test_nothing_is_installed_where_nothing_is_missing() -> None:
    answer = run([ROOT / "scripts" / "install-deps", "check"])
    assert answer.stdout == ""


def test_an_unknown_group_is_refused() -> None:
    for words in ((), ("everything",)):
        answer = run([ROOT / "scripts" / "install-deps", *words], check=False)
        assert answer.returncode == 2
        assert "usage" in answer.stderr

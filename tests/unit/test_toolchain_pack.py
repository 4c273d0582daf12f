# SPDX-License-Identifier: BSD-2-Clause
"""The package of a prefix; the prefix is one in miniature, of shell scripts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rumprun.cli.main import main
from rumprun.errors import InputError
from rumprun.target.pack import PackOptions, licences, pack_prefix
from rumprun.target.prefix import read_prefix
from unit.prefix_samples import TRIPLE, write_prefix

PLACE = "usr/lib/rumprun-toolchain-netbsd/prefix"
LICENCE = """\
# Copyright (c) 2015 {holder}.  All Rights Reserved.
#
# Redistribution and use are permitted.
"""


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """A prefix with two holders of one licence, and a link by its full name."""
    path = write_prefix(tmp_path / "p")
    for name, holder in (("one", "Jane Roe"), ("two", "Richard Miles")):
        text = f"#!/bin/sh\n{LICENCE.format(holder=holder)}exec {path}/bin/other\n"
        (path / "bin" / name).write_text(text)
    (path / "bin" / "link").symlink_to(path / "bin" / "one")
    (path / "share" / "man").mkdir(parents=True)
    (path / "share" / "man" / "page").touch()
    return path


OPTIONS = PackOptions(version="1:2", maintainer="Jane Roe <jane@example.org>")


def test_the_copy_names_its_own_place(prefix: Path, tmp_path: Path) -> None:
    deb = pack_prefix(read_prefix(prefix, TRIPLE), OPTIONS, tmp_path / "out")
    assert deb.name == "rumprun-toolchain-netbsd_2_amd64.deb"
    subprocess.run(["dpkg-deb", "-x", deb, tmp_path / "root"], check=True)
    root = tmp_path / "root"
    for path in root.rglob("*"):
        if path.is_symlink():
            assert str(prefix) not in str(path.readlink()), path
        elif path.is_file():
            assert str(prefix).encode() not in path.read_bytes(), path
    assert f"exec /{PLACE}/bin/other" in (root / PLACE / "bin" / "one").read_text()
    assert (root / PLACE / "bin" / "link").readlink() == Path("/", PLACE, "bin", "one")
    assert not (root / PLACE / "share" / "man" / "page").exists()
    driver = root / "usr" / "bin" / f"{TRIPLE}-gcc"
    said = subprocess.run([driver, "-dumpmachine"], check=True, capture_output=True, text=True)
    assert said.stdout == f"{TRIPLE}\n"
    text = (root / "usr/share/doc/rumprun-toolchain-netbsd/copyright").read_text()
    assert "Jane Roe" in text
    assert "Richard Miles" in text
    assert text.count("Redistribution") == 1


def test_twice_is_the_same(prefix: Path, tmp_path: Path) -> None:
    found = read_prefix(prefix, TRIPLE)
    first, second = (pack_prefix(found, OPTIONS, tmp_path / name) for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_what_is_compiled_must_not_name_the_place(prefix: Path, tmp_path: Path) -> None:
    (prefix / "bin" / "compiled").write_bytes(b"\0" + str(prefix).encode())
    with pytest.raises(InputError, match="bin/compiled is compiled and names"):
        pack_prefix(read_prefix(prefix, TRIPLE), OPTIONS, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_a_licence(prefix: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (prefix / "bin" / name).unlink()
    found = read_prefix(prefix, TRIPLE)
    with pytest.raises(InputError, match=r"no file carries a licence.*--licence"):
        licences(found)
    (tmp_path / "LICENSE").write_text("All of it is free.\n")
    assert "All of it is free." in licences(found, [tmp_path / "LICENSE"])


def test_a_package_has_a_maintainer(
    prefix: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DEBEMAIL", raising=False)
    assert main(["toolchain", "pack", str(prefix)]) == 2
    assert "give --maintainer" in capsys.readouterr().err

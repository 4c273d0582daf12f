# SPDX-License-Identifier: BSD-2-Clause
"""Variants with a file in common, as real packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from rumprun.command import run
from rumprun.errors import InputError
from rumprun.variant.overwrites import check_overwrites

pytestmark = pytest.mark.integration


def deb(tmp_path: Path, name: str, *files: str, fields: str = "", version: str = "1") -> Path:
    root = tmp_path / f"{name}_{version}"
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    (root / "DEBIAN").mkdir(parents=True)
    control = f"Package: {name}\nVersion: {version}\nArchitecture: all\n{fields}"
    (root / "DEBIAN/control").write_text(
        control + "Maintainer: J <j@example.org>\nDescription: x\n", encoding="utf-8"
    )
    sums = "".join(f"{'0' * 32}  {file}\n" for file in files)
    (root / "DEBIAN/md5sums").write_text(sums, encoding="utf-8")
    run(["dpkg-deb", "--root-owner-group", "--build", root, f"{root}_all.deb"])
    return Path(f"{root}_all.deb")


def test_a_file_of_another_variant_is_refused(tmp_path: Path) -> None:
    one = deb(tmp_path, "libone-rumprun-dev", "usr/t/include/x.h", "usr/t/include/same.h")
    two = deb(tmp_path, "libtwo-rumprun-dev", "usr/t/include/same.h")
    message = r"libtwo-rumprun-dev would overwrite /usr/t/include/same\.h of libone-rumprun-dev"
    with pytest.raises(InputError, match=message):
        check_overwrites([two], [one])
    with pytest.raises(InputError, match=message):
        check_overwrites([one, two], [])


def test_packages_that_conflict_may_share_files(tmp_path: Path) -> None:
    virtual = "Provides: libcurl-rumprun-dev\nConflicts: libcurl-rumprun-dev\n"
    one = deb(tmp_path, "libcurl-a-rumprun-dev", "usr/t/curl.h", fields=virtual)
    two = deb(tmp_path, "libcurl-b-rumprun-dev", "usr/t/curl.h", fields=virtual)
    newer = deb(tmp_path, "libcurl-a-rumprun-dev", "usr/t/curl.h", version="2")
    check_overwrites([two], [one])
    check_overwrites([newer], [one])
    with pytest.raises(InputError, match=r"curl\.h"):
        check_overwrites([newer], [deb(tmp_path, "libother-rumprun-dev", "usr/t/curl.h")])

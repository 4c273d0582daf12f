# SPDX-License-Identifier: BSD-2-Clause
"""The kernel cache, without apt and without a network."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from rumprun.bake.kernel import archive_kernel, check_kernel
from rumprun.errors import InputError, MissingError

KERNEL = bytes(0x202) + b"HdrS" + bytes(100)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "dh-rumprun" / "kernels"


def store(cache: Path, package: str, version: str) -> Path:
    entry = cache / f"{package}_{version}"
    entry.mkdir(parents=True)
    (entry / "vmlinuz").write_bytes(KERNEL)
    record = {
        "package": package,
        "version": version,
        "sha256": hashlib.sha256(KERNEL).hexdigest(),
    }
    (entry / "kernel.json").write_text(json.dumps(record))
    return entry


def test_offline_takes_what_the_name_stood_for(cache: Path) -> None:
    store(cache, "linux-image-6.1.0-2-amd64", "6.1.2-1")
    store(cache, "linux-image-6.1.0-1-amd64", "6.1.1-1")
    (cache / "linux-image-amd64.json").write_text(
        json.dumps({"entry": "linux-image-6.1.0-1-amd64_6.1.1-1"})
    )
    assert archive_kernel("linux-image-amd64", offline=True).origin.version == "6.1.1-1"


def test_offline_takes_the_newest_by_debian_order(cache: Path) -> None:
    for version in ("6.1.9-1", "6.1.10-1", "6.1.10-1~rc1"):
        store(cache, "linux-image-x", version)
    assert archive_kernel("linux-image-x", offline=True).origin.version == "6.1.10-1"


def test_offline_without_a_kernel(cache: Path) -> None:
    with pytest.raises(MissingError, match="no kernel of linux-image-amd64"):
        archive_kernel(offline=True)
    assert not cache.exists()


def test_damaged_kernels_are_not_used(cache: Path) -> None:
    entry = store(cache, "linux-image-x", "1")
    (entry / "vmlinuz").write_bytes(KERNEL + b"x")
    with pytest.raises(MissingError):
        archive_kernel("linux-image-x", offline=True)


def test_check_kernel(tmp_path: Path) -> None:
    path = tmp_path / "kernel"
    with pytest.raises(MissingError):
        check_kernel(path)
    path.write_bytes(b"#!/bin/sh")
    with pytest.raises(InputError, match="not a Linux kernel"):
        check_kernel(path)
    for content in (KERNEL, b"\x7fELF"):
        path.write_bytes(content)
        check_kernel(path)

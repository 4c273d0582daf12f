# SPDX-License-Identifier: BSD-2-Clause
"""The slim kernel: its cache, its key and its error paths, without apt, network or compiler."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rumprun import command
from rumprun.bake import slim_kernel
from rumprun.bake.image import KernelOrigin
from rumprun.bake.kernel import provide, recall, remember
from rumprun.bake.kernel_config import Setting
from rumprun.bake.slim_kernel import Recipe, is_source_package, kernel_choice
from rumprun.errors import BuildError, InputError, MissingError

KERNEL = bytes(0x202) + b"HdrS" + bytes(100)
ORIGIN = KernelOrigin(package="linux-source-6.1", version="6.1.9-1")
SETTING = Setting(symbol="A", value="y", fragment="10-a.config", line=1)
RECIPE = Recipe(settings=(SETTING,), compiler="gcc 12\nld 2")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(slim_kernel, "read_recipe", lambda: RECIPE)
    return tmp_path / "dh-rumprun" / "kernels"


def store(cache: Path, package: str, version: str, *, key: str = RECIPE.key) -> Path:
    entry = cache / f"slim-{key}_{package}_{version}"
    entry.mkdir(parents=True)
    (entry / "vmlinuz").write_bytes(KERNEL)
    sha256 = hashlib.sha256(KERNEL).hexdigest()
    record = {"package": package, "version": version, "sha256": sha256}
    (entry / "kernel.json").write_text(json.dumps(record))
    return entry


def test_the_words_of_the_command_line() -> None:
    assert kernel_choice(None, "linux-image-amd64") == (None, "linux-image-amd64")
    assert kernel_choice("slim", "linux-image-amd64") == (None, "linux-source")
    assert kernel_choice("./slim", "linux-image-amd64") == (Path("slim"), "linux-image-amd64")


@pytest.mark.parametrize("name", ["linux-source", "linux-source-6.1", "linux-source-6.12"])
def test_packages_of_source(name: str) -> None:
    assert is_source_package(name)


@pytest.mark.parametrize(
    "name", ["linux-image-amd64", "linux-source-6", "linux-source-6.1x", "slim"]
)
def test_other_packages(name: str) -> None:
    assert not is_source_package(name)


def test_the_key_follows_settings_and_compiler_only() -> None:
    other_value = dataclasses.replace(SETTING, value="n")
    moved = dataclasses.replace(SETTING, fragment="20-b.config", line=9)
    assert dataclasses.replace(RECIPE, settings=(moved,)).key == RECIPE.key
    others = [
        dataclasses.replace(RECIPE, settings=(other_value,)),
        dataclasses.replace(RECIPE, settings=()),
        dataclasses.replace(RECIPE, compiler="gcc 13\nld 2"),
    ]
    assert len({RECIPE.key, *(other.key for other in others)}) == 4


def test_offline_takes_the_newest_of_this_recipe(cache: Path) -> None:
    for version in ("6.1.9-1", "6.1.10-1", "6.1.10-1~rc1"):
        store(cache, "linux-source-6.1", version)
    store(cache, "linux-source-6.1", "6.1.99-1", key="0" * 16)
    for package in ("linux-source", "linux-source-6.1"):
        remember(cache / f"slim-{RECIPE.key}_{package}.json", cache / "gone", "state")
        assert slim_kernel.slim_kernel(package, offline=True).origin.version == "6.1.10-1"


def test_offline_tells_6_1_from_6_10(cache: Path) -> None:
    store(cache, "linux-source-6.10", "6.10.1-1")
    with pytest.raises(MissingError, match=r"no slim kernel of linux-source-6\.1,"):
        slim_kernel.slim_kernel("linux-source-6.1", offline=True)


def test_offline_without_a_kernel(cache: Path) -> None:
    with pytest.raises(MissingError, match="no slim kernel of linux-source"):
        slim_kernel.slim_kernel(offline=True)
    assert not cache.exists()


def test_a_damaged_kernel_is_not_used(cache: Path) -> None:
    entry = store(cache, "linux-source-6.1", "6.1.9-1")
    (entry / "vmlinuz").write_bytes(KERNEL + b"x")
    with pytest.raises(MissingError):
        slim_kernel.slim_kernel(offline=True)


def test_apt_is_asked_again_where_its_state_has_changed(cache: Path) -> None:
    entry = store(cache, "linux-source-6.1", "6.1.9-1")
    record = cache / "name.json"
    remember(record, entry, "before")
    found = recall(record, "before")
    assert found is not None
    assert found.origin == ORIGIN
    assert recall(record, "after") is None
    record.write_text("[]")
    assert recall(record, "before") is None


def test_a_build_that_fails_leaves_nothing(cache: Path) -> None:
    def fail(scratch: Path, fresh: Path) -> None:
        (scratch / "x").write_text("x")
        (fresh / "vmlinuz").write_bytes(KERNEL)
        raise BuildError("the mill stands still")

    with pytest.raises(BuildError):
        provide(cache / "entry", ORIGIN, fail)
    assert [path.name for path in cache.iterdir()] == [".entry.lock"]


def test_what_is_no_kernel_is_not_kept(cache: Path) -> None:
    def make(_scratch: Path, fresh: Path) -> None:
        (fresh / "vmlinuz").write_bytes(b"flour")

    with pytest.raises(InputError, match="not a Linux kernel"):
        provide(cache / "entry", ORIGIN, make)
    assert [path.name for path in cache.iterdir()] == [".entry.lock"]


def test_missing_tools_are_named_by_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingError, match="without bc-package") as caught:
        slim_kernel.require_tools({"sh": "dash", "no-such-tool-bc": "bc-package"}, {})
    assert "apt-get install bc-package" in caught.value.hint
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(MissingError, match="without bc binutils bison flex gcc libelf-dev make"):
        slim_kernel.require_tools(slim_kernel.TOOLS, {Path("/nonexistent"): "libelf-dev"})


class Make:
    """Stands for make: writes what the test wants it to have made."""

    def __init__(self, config: str) -> None:
        self.config = config
        self.calls: list[list[str]] = []

    def __call__(self, argv: list[str], *, cwd: Path, **_more: Any) -> SimpleNamespace:
        self.calls.append(argv)
        boot = cwd / "arch" / "x86" / "boot"
        boot.mkdir(parents=True, exist_ok=True)
        (cwd / ".config").write_text(self.config)
        (boot / "bzImage").write_bytes(KERNEL)
        (cwd / "System.map").write_text("0 T start\n")
        return SimpleNamespace()


def test_a_dropped_setting_ends_it_before_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Make("# CONFIG_A is not set\n")
    monkeypatch.setattr(command, "run", make)
    with pytest.raises(InputError, match=r"10-a\.config:1: CONFIG_A=y"):
        slim_kernel.build_kernel(tmp_path, [SETTING], tmp_path, stamp="now")
    assert [argv[-1] for argv in make.calls] == ["allnoconfig"]


def test_the_build_names_neither_machine_nor_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Make("CONFIG_A=y\n")
    monkeypatch.setattr(command, "run", make)
    output = tmp_path / "output"
    output.mkdir()
    slim_kernel.build_kernel(tmp_path, [SETTING], output, stamp="2026-11-16")
    assert {path.name for path in output.iterdir()} == {"vmlinuz", "config", "System.map"}
    assert (tmp_path / "fragments.config").read_text() == "CONFIG_A=y\n"
    assert make.calls[-1][-1] == "bzImage"
    for argv in make.calls:
        assert "KBUILD_BUILD_TIMESTAMP=2026-11-16" in argv
        assert {word.partition("=")[0] for word in argv} >= {
            "KBUILD_BUILD_USER",
            "KBUILD_BUILD_HOST",
            "KBUILD_BUILD_VERSION",
        }

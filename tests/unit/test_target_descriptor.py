# SPDX-License-Identifier: BSD-2-Clause
"""Target descriptors, and dpkg's tables extended by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rumprun import paths
from rumprun.errors import InputError, MissingError
from rumprun.target import dpkg_tables
from rumprun.target.descriptor import load_target
from rumprun.target.dpkg_tables import write_dpkg_tables
from unit.variant_samples import TARGET

BUILT_IN = (paths.DATA / "toolchain" / "musl.toml").read_text(encoding="utf-8")


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where an installed toolchain below a root of its own keeps its descriptors."""
    monkeypatch.setenv("RUMPRUN_TOOLCHAIN_ROOT", str(tmp_path))
    directory = tmp_path / "usr/share/rumprun-toolchain"
    directory.mkdir(parents=True)
    return directory


def test_built_in(directory: Path) -> None:
    target = load_target()
    root = directory.parents[2]
    assert (target.name, target.triple) == ("musl", "x86_64-rumprun-linux-musl")
    assert target.prefix == Path("/usr/x86_64-rumprun-linux-musl")
    assert target.sysroot == root / "usr/x86_64-rumprun-linux-musl"
    with pytest.raises(MissingError, match="no x86_64-rumprun-linux-musl-gcc in"):
        target.tool("gcc")
    target.bin.mkdir()
    (target.bin / "x86_64-rumprun-linux-musl-gcc").touch()
    assert target.tool("gcc") == target.bin / "x86_64-rumprun-linux-musl-gcc"


def test_another_target_is_a_file_more(directory: Path) -> None:
    text = BUILT_IN.replace('"musl"', '"other"').replace("linux-musl", "netbsd")
    (directory / "other.toml").write_text(text, encoding="utf-8")
    assert load_target("other").triple == "x86_64-rumprun-netbsd"


def test_an_unknown_target_says_where_it_belongs(directory: Path) -> None:
    with pytest.raises(MissingError, match=r"no target 'absent'.*absent\.toml") as caught:
        load_target("absent")
    assert str(directory) in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        BUILT_IN.replace("triple =", "tripel =").encode(),
        BUILT_IN.replace("[elf]", "[fle]").encode(),
        BUILT_IN.replace("ostable = [", "ostable = [3,").encode(),
        BUILT_IN.replace("[elf]", "[elf").encode(),
        b"elf = 3\n" + BUILT_IN.partition("[elf]")[0].encode(),
        b"name = '\xff'",
        b"",
    ],
)
def test_a_broken_descriptor_is_named(directory: Path, content: bytes) -> None:
    path = directory / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"broken\.toml: ") as caught:
        load_target("broken")
    assert caught.value.hint


def test_tables_are_copied_with_the_target_s_lines_in_their_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = tmp_path / "system"
    system.mkdir()
    (system / "cputable").write_text(
        "amd64\tx86_64\t(amd64|x86_64)\t64\tlittle\n", encoding="utf-8"
    )
    systems = ["# Version=2.0", "base-gnu-linux\tlinux-gnu\tl", "base-x-y\tx\ty", ""]
    (system / "ostable").write_text("\n".join(systems) + "\n", encoding="utf-8")
    tuples = ["# Version=1.0", "eabi-gnu-linux-arm\tarmel", "base-gnu-linux-<cpu>\t<cpu>"]
    (system / "tupletable").write_text("\n".join(tuples) + "\n", encoding="utf-8")
    monkeypatch.setattr(dpkg_tables, "_SYSTEM_TABLES", system)
    write_dpkg_tables(TARGET, tmp_path / "own")
    own = (tmp_path / "own/tupletable").read_text(encoding="utf-8").splitlines()
    assert own == [*tuples, *TARGET.dpkg_tupletable]
    own = (tmp_path / "own/ostable").read_text(encoding="utf-8").splitlines()
    replaced, added = TARGET.dpkg_ostable
    assert own == [systems[0], replaced, *systems[2:], added]
    assert (system / "tupletable").read_text(encoding="utf-8").splitlines() == tuples

    monkeypatch.setattr(dpkg_tables, "_SYSTEM_TABLES", tmp_path / "absent")
    with pytest.raises(MissingError, match="dpkg-dev"):
        write_dpkg_tables(TARGET, tmp_path / "third")

# SPDX-License-Identifier: BSD-2-Clause
"""Sources are named where they are certain, and only there."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import pytest

from rumprun import origin
from rumprun.contributions import Contributions, LinkedFile, Source
from rumprun.origin import crc32_of, trace_programs
from rumprun.source.installed import InstalledPackage
from rumprun.target.descriptor import Target, load_target
from unit.contribution_samples import program, program_of

MUSL = InstalledPackage(
    source="musl", source_version="1.2.3-1", built_using=(), static_built_using=()
)
CXX = InstalledPackage(
    source="dh-rumprun",
    source_version="0.1",
    built_using=(("gcc-12", "12.2.0-14"),),
    static_built_using=(),
)


@pytest.fixture
def target(tmp_path: Path) -> Target:
    found = dataclasses.replace(load_target(), root=tmp_path)
    (found.sysroot / "lib").mkdir(parents=True)
    return found


@pytest.fixture
def owners(monkeypatch: pytest.MonkeyPatch) -> dict[Path, InstalledPackage]:
    """Who owns what, in the place of dpkg's answer."""
    known: dict[Path, InstalledPackage] = {}

    def owners_of(files: Iterable[Path]) -> dict[Path, InstalledPackage]:
        return {file: known[file] for file in files if file in known}

    monkeypatch.setattr(origin, "owners_of", owners_of)
    return known


def linked(target: Target, name: str, content: bytes = b"archive") -> LinkedFile:
    path = target.sysroot / name
    path.write_bytes(content)
    return LinkedFile(file=name, bytes=7, crc32=crc32_of(path))


def make(tmp_path: Path, *files: LinkedFile, source: Source | None = None) -> Path:
    path = tmp_path / "prog"
    path.write_bytes(program_of(Contributions(own=3, source=source, linked=files)))
    return path


def sources(path: Path, target: Target) -> list[Source | None]:
    found = trace_programs([path], target)[path].contributions
    assert found is not None
    return [file.source for file in found.linked]


def test_an_archive_that_is_still_the_same(
    tmp_path: Path, target: Target, owners: dict[Path, InstalledPackage]
) -> None:
    file = linked(target, "lib/libc.a")
    # The toolchain's is a link to the package's own.
    place = tmp_path / "real.a"
    (target.sysroot / file.file).rename(place)
    (target.sysroot / file.file).symlink_to(place)
    owners[place] = MUSL
    path = make(tmp_path, file)
    assert sources(path, target) == [Source(name="musl", version="1.2.3-1")]
    assert trace_programs([path], target)[path].source is None


def test_an_archive_that_has_changed_since(
    tmp_path: Path, target: Target, owners: dict[Path, InstalledPackage]
) -> None:
    file = linked(target, "lib/libc.a")
    path = make(tmp_path, file)
    owners[target.sysroot / file.file] = MUSL
    (target.sysroot / file.file).write_bytes(b"another version")
    assert sources(path, target) == [Source(name="musl", version=None)]
    # The program's own package knows what was there when it was built.
    package = InstalledPackage(
        source="tool",
        source_version="5",
        built_using=(),
        static_built_using=(("musl", "1.2.2-9"),),
    )
    owners[path] = package
    assert sources(path, target) == [Source(name="musl", version="1.2.2-9")]
    assert trace_programs([path], target)[path].source == Source(name="tool", version="5")


def test_what_nobody_owns_is_unknown(
    tmp_path: Path, target: Target, owners: dict[Path, InstalledPackage]
) -> None:
    gone = LinkedFile(file="lib/libgone.a", bytes=1, crc32="00000000")
    own = LinkedFile(file="libmine.a", bytes=1)
    assert owners == {}
    path = make(tmp_path, linked(target, "lib/libx.a"), gone, own)
    assert sources(path, target) == [None, None, None]


def test_archives_of_a_packages_build_are_of_its_source(
    tmp_path: Path, target: Target, owners: dict[Path, InstalledPackage]
) -> None:
    maker = Source(name="tool", version="5")
    assert owners == {}
    path = make(tmp_path, LinkedFile(file="libmine.a", bytes=1), source=maker)
    assert sources(path, target) == [maker]


def test_a_package_may_be_built_using_another_source(
    tmp_path: Path, target: Target, owners: dict[Path, InstalledPackage]
) -> None:
    file = linked(target, "lib/libstdc++.a")
    owners[target.sysroot / file.file] = CXX
    assert sources(make(tmp_path, file), target) == [Source(name="gcc-12", version="12.2.0-14")]


def test_a_program_without_the_section(
    tmp_path: Path, target: Target, owners: dict[Path, InstalledPackage]
) -> None:
    path = tmp_path / "prog"
    path.write_bytes(program((".text", b"x")))
    found = trace_programs([path], target)[path]
    assert (found.source, found.contributions, found.linked) == (None, None, ())
    owners[path] = dataclasses.replace(MUSL, static_built_using=(("zlib", "1"),))
    found = trace_programs([path], target)[path]
    assert found.linked == (Source(name="zlib", version="1"),)


def test_a_program_that_says_nonsense_is_unknown_and_said_so(
    tmp_path: Path,
    target: Target,
    owners: dict[Path, InstalledPackage],
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "prog"
    path.write_bytes(program((".rumprun.linked", b'{"format": 9}')))
    assert owners == {}
    assert trace_programs([path], target)[path].contributions is None
    assert "counts as unknown" in " ".join(capsys.readouterr().err.split())


def test_what_a_checkout_has_unpacked_has_a_note_of_its_source(
    tmp_path: Path,
    target: Target,
    owners: dict[Path, InstalledPackage],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert owners == {}
    unpacked = tmp_path / "lwip"
    monkeypatch.setattr(origin, "_UNPACKED", unpacked)
    monkeypatch.setattr("rumprun.paths.IN_TREE", True)
    path = make(tmp_path, LinkedFile(file="liblwip.a", bytes=7))
    assert sources(path, target) == [None]
    archive = unpacked / target.prefix.relative_to("/") / "lib/liblwip.a"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"archive")
    (unpacked / "source").write_text("lwip 2.1.3-1\n")
    assert sources(path, target) == [Source(name="lwip", version="2.1.3-1")]

# SPDX-License-Identifier: BSD-2-Clause
"""Files read out of an initramfs: what the kernel would find there, and nothing that is damaged."""

from __future__ import annotations

import dataclasses
import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rumprun.bake.image import ImageFile
from rumprun.bake.unpack import read_files, read_programs
from rumprun.digest import sha256_of_bytes
from rumprun.errors import InputError, MissingError
from unit.pvh_samples import base
from unit.test_bake_image import IMAGE

REGULAR, DIRECTORY = 0o100755, 0o040755


def member(name: str, content: bytes = b"", *, mode: int = REGULAR) -> bytes:
    """One member in cpio's newc form (cpio(5))."""
    stored = name.encode() + b"\0"
    fields = [0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(stored), 0]
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + stored
    return head.ljust(-(-len(head) // 4) * 4, b"\0") + content + bytes(-len(content) % 4)


def archive(**files: bytes) -> bytes:
    members = [member(name.replace("_", "/"), content) for name, content in files.items()]
    return member("bin", mode=DIRECTORY) + b"".join(members) + member("TRAILER!!!")


FIRST = archive(bin_a=b"one", bin_b=b"two!")
SECOND = archive(bin_a=b"another one")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "initramfs"


@pytest.mark.parametrize(
    "content",
    [
        FIRST + SECOND,
        gzip.compress(FIRST) + SECOND,
        gzip.compress(FIRST) + bytes(7) + SECOND + bytes(512),
        gzip.compress(FIRST) + gzip.compress(SECOND),
        gzip.compress(FIRST + bytes(300) + SECOND),
        bytes(512) + FIRST + bytes(400) + gzip.compress(SECOND),
    ],
    ids=["plain", "packed", "padded", "both packed", "one packed", "second packed"],
)
def test_the_last_one_of_a_name_counts(place: Path, content: bytes) -> None:
    place.write_bytes(content)
    found = read_files(place, {"bin/a", "bin/b", "bin/c", "bin"}, limit=100)
    assert found == {"bin/a": b"another one", "bin/b": b"two!"}


def test_large_files_come_whole(place: Path) -> None:
    content = bytes(range(256)) * 4000
    place.write_bytes(gzip.compress(archive(bin_x=content, bin_y=b"last")))
    assert read_files(place, {"bin/x", "bin/y"}, limit=1 << 20) == {
        "bin/x": content,
        "bin/y": b"last",
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no archive at all", "it ends early"),
        (b"no archive at all" * 20, "neither gzip nor cpio"),
        (b"\xfd7zXZ" + bytes(range(1, 200)), "neither gzip nor cpio"),
        (FIRST[:-130], "ends early"),
        (gzip.compress(FIRST)[:-20], "ends early"),
        (gzip.compress(FIRST)[:40] + b"\xff" * 40, "gzip"),
        (FIRST.replace(b"00000003", b"0000000x"), "a number is none"),
        (FIRST.replace(b"00000003", b"ffffffff"), "4294967295 bytes"),
        (member("x" * 5000), "a name of 5001 bytes"),
        (archive(bin_a=b"x" * 101), "101 bytes, and 100 are expected"),
    ],
    ids=[
        "text",
        "long text",
        "xz",
        "cut",
        "packed and cut",
        "packed and damaged",
        "no number",
        "huge",
        "long name",
        "large",
    ],
)
def test_damage_is_told(place: Path, content: bytes, message: str) -> None:
    place.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_files(place, {"bin/a"}, limit=100)


def test_what_unpacks_to_more_than_a_machine_has_is_refused(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rumprun.bake.unpack._UNPACKED_LIMIT", 1 << 20)
    place.write_bytes(gzip.compress(bytes(4 << 20)))
    with pytest.raises(InputError, match="unpacked"):
        read_files(place, {"bin/a"}, limit=100)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damage_is_an_error_of_ours(place: Path, data: st.DataObject) -> None:
    content = bytearray(FIRST + SECOND)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    place.write_bytes(content)
    try:
        found = read_files(place, {"bin/a", "bin/b"}, limit=100)
    except InputError:
        return
    assert all(len(file) <= 100 for file in found.values())


def image_with(place: Path, content: bytes) -> None:
    program = dataclasses.replace(
        IMAGE.programs[0], path="/bin/a", size=3, sha256=sha256_of_bytes(b"one")
    )
    image = dataclasses.replace(
        IMAGE,
        programs=(program,),
        files=(ImageFile(name="initramfs", size=0, sha256="0" * 64),),
    )
    (place / "initramfs").write_bytes(content)
    assert read_programs(image, place) == {program: b"one"}


def test_programs_are_the_baked_ones(tmp_path: Path) -> None:
    image_with(tmp_path, FIRST)
    with pytest.raises(InputError, match="not the program that was baked"):
        image_with(tmp_path, archive(bin_a=b"two"))
    with pytest.raises(MissingError, match="no /bin/a"):
        image_with(tmp_path, archive(bin_b=b"one"))
    without = dataclasses.replace(IMAGE, files=(ImageFile(name="kernel", size=0, sha256="0" * 64),))
    with pytest.raises(MissingError, match="kernel: not there"):
        read_programs(without, tmp_path)
    (tmp_path / "kernel").write_bytes(base())
    with pytest.raises(InputError, match="no root archive"):
        read_programs(without, tmp_path)

# SPDX-License-Identifier: BSD-2-Clause
"""Packed images of the board ``pvh``: what packs and unpacks them here and in the machine."""

from __future__ import annotations

import contextlib
import hashlib
import struct
from pathlib import Path

import lz4.block
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards.host_build import BASE, OWN, build
from rumprun import command
from rumprun.bake.base import append_root, loaded_part, memory_of, segments_of
from rumprun.bake.packed import pack_image, unpack_image
from rumprun.bake.root import Entry
from rumprun.bake.root_archive import write_root
from rumprun.errors import InputError
from unit.pvh_samples import ENTRY, OTHER_NOTE, START, UNPACKER, base

IMAGE = append_root(
    loaded_part(base(), where="x"),
    write_root({"a": Entry(content=b"content")}, date=1),
    where="x",
)
PACKED = pack_image(IMAGE, UNPACKER, where="x")

NOISE = hashlib.shake_128().digest(50_000)
CONTENTS = {
    "one byte": b"x",
    "zeros": bytes(200_000),
    "noise": NOISE,
    "short repeats": b"".join(
        NOISE[length * 9 :][:distance] * (1 + length)
        for distance in range(1, 9)
        for length in range(40)
    ),
    "noise behind zeros": bytes(70_000) + NOISE[:30_000],
    "zeros behind noise": NOISE[:30_000] + bytes(70_000),
    "text": b" ".join(b"%d %x" % (number, number * 7) for number in range(9000)),
    "code": Path("/bin/sh").read_bytes()[:400_000],
}


@pytest.fixture(scope="module")
def unpacker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The machine's unpacking, built for this machine."""
    directory = tmp_path_factory.mktemp("unpack")
    return build(directory, "lz4_fuzz", OWN / "lz4_fuzz.c", BASE / "unpack" / "lz4.c")


@pytest.mark.parametrize("name", CONTENTS)
def test_what_was_packed_is_unpacked_over_itself(name: str, unpacker: Path, tmp_path: Path) -> None:
    content = CONTENTS[name]
    packed = lz4.block.compress(content, mode="high_compression", compression=12, store_size=False)
    (tmp_path / "packed").write_bytes(packed)
    margin = (len(packed) >> 8) + 32
    numbers = [str(len(content)), str(margin), "1", "300"]
    command.run([unpacker, tmp_path / "packed", tmp_path / "out", *numbers])
    assert (tmp_path / "out").read_bytes() == content


def test_an_image_is_what_it_was() -> None:
    assert unpack_image(PACKED, where="x") == IMAGE
    assert unpack_image(IMAGE, where="x") == IMAGE
    assert pack_image(IMAGE, UNPACKER, where="x") == PACKED


def test_it_is_told_where_everything_is() -> None:
    reserved, packed, code, stack, note = segments_of(PACKED, "x")
    entry = struct.pack("<III4sI", 4, 4, 18, b"Xen", code.physical)
    assert PACKED[note.offset :].startswith(entry + OTHER_NOTE)
    there = PACKED[code.offset : code.offset + code.file_size]
    assert there[:5] == UNPACKER[:1] + struct.pack("<I", code.physical)
    told = struct.unpack_from("<IIIIII", there, 8)
    end = stack.physical + stack.memory
    assert told == (end, packed.physical, packed.file_size, START, len(IMAGE), ENTRY)
    assert there[32:] == UNPACKER[32:]
    assert (reserved.physical, reserved.physical + reserved.memory) == (START, packed.physical)
    ends = [segment.physical + segment.memory for segment in (reserved, packed, code, stack)]
    starts = [segment.physical for segment in (packed, code, stack)]
    assert all(end <= start for end, start in zip(ends, starts, strict=False))
    assert START + len(IMAGE) < code.physical
    assert memory_of(PACKED, where="x") == end - START


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda image: image[:100], "no base"),
        (lambda image: image.replace(b"Xen\0", b"Hen\0"), "where it is entered"),
        (lambda image: image.replace(struct.pack("<Q", START), bytes(8)), "like its memory"),
    ],
)
def test_what_is_no_image_is_not_packed(change: object, message: str) -> None:
    assert callable(change)
    with pytest.raises(InputError, match=message):
        pack_image(change(IMAGE), UNPACKER, where="x")


@pytest.mark.parametrize("place", [0, 8, 16, 24])
def test_damaged_ones_are_refused(place: int) -> None:
    """Where it is, its size, that of what is in it; and what is in it."""
    packed = segments_of(PACKED, "x")[1]
    numbers = PACKED.rindex(b"rumprun\0", 0, packed.offset) + 8
    at = numbers + place if place < 24 else packed.offset
    content = bytearray(PACKED)
    content[at : at + 4] = b"\xff\xff\xff\x7f"
    with pytest.raises(InputError, match="packed image is damaged"):
        unpack_image(bytes(content), where="x")


@given(st.data())
def test_any_damage_is_an_error_of_ours(data: st.DataObject) -> None:
    content = bytearray(PACKED)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, min(len(content), 600) - 1))
        content[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputError):
        unpack_image(bytes(content), where="x")
    with contextlib.suppress(InputError):
        pack_image(bytes(content), UNPACKER, where="x")

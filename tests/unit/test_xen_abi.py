# SPDX-License-Identifier: BSD-2-Clause
"""The version of the hypervisor's interface: in programs, in images, and compared."""

from __future__ import annotations

import contextlib
import dataclasses
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun import paths
from rumprun.bake.image import Image, ImageFile, Program, image_text, parse_image
from rumprun.bake.inspect import facts, inspect
from rumprun.bake.xen_abi import check_hypervisor, domctl_in, domctl_of_programs, with_domctl
from rumprun.errors import InputError

OTHER = struct.pack("<III", 4, 4, 18) + b"Xen\0" + b"\x66\x11\x12\0"


def note(version: int, *, owner: bytes = b"rumprun\0", kind: int = 1, size: int = 4) -> bytes:
    described = struct.pack("<III", len(owner), size, kind) + owner + version.to_bytes(4, "little")
    return described.ljust(-(-len(described) // 4) * 4, b"\0")


def elf(notes: bytes) -> bytes:
    segment = struct.pack("<IIQQQQQQ", 4, 4, 120, 0, 0, len(notes), len(notes), 4)
    return (
        b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
        + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
        + segment
        + notes
    )


IMAGE = Image(
    board="pvh",
    target="musl",
    programs=(Program(name="x", path="/bin/x", argv=("x",), env=(), size=1, sha256="0" * 64),),
    kernel=None,
    files=(ImageFile(name="kernel", size=1, sha256="0" * 64),),
)


def test_the_version_is_found_behind_other_notes() -> None:
    assert domctl_in(elf(OTHER + note(0x15)), where="x") == 0x15
    assert domctl_in(elf(OTHER), where="x") is None
    assert domctl_in(elf(note(0)), where="x") is None


@pytest.mark.parametrize(
    "notes",
    [
        note(0x15, owner=b"rumprux\0"),
        note(0x15, kind=2),
        note(0x15, size=0),
    ],
)
def test_a_note_of_somebody_else_says_nothing(notes: bytes) -> None:
    assert domctl_in(elf(notes), where="x") is None


def test_the_bakers_version_replaces_the_bases() -> None:
    base = elf(OTHER + note(0))
    image = with_domctl(base, 0x17, where="base")
    assert domctl_in(image, where="x") == 0x17
    assert with_domctl(image, None, where="x") == base
    with pytest.raises(InputError, match=r"^old: no note"):
        with_domctl(elf(OTHER), 0x17, where="old")
    assert with_domctl(elf(OTHER), None, where="old") == elf(OTHER)


def test_the_base_and_the_compiler_name_the_same_note() -> None:
    """Its three makers write the same words; what reads it is tested with what they make."""
    for name in ("toolchain/xen-abi.h", "boards/pvh/boot.S"):
        text = (paths.DATA / name).read_text(encoding="utf-8")
        assert ".long 8, 4, 1" in text
        assert '"rumprun' in text.replace("\\", "")


def test_programs_for_two_hypervisors_are_not_baked_together(tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("old", "new", "any")}
    files["old"].write_bytes(elf(note(0x15)))
    files["new"].write_bytes(elf(note(0x17)))
    files["any"].write_bytes(elf(OTHER))
    assert domctl_of_programs([files["any"]]) is None
    assert domctl_of_programs([files["any"], files["new"], files["new"]]) == 0x17
    with pytest.raises(InputError, match=r"old is for domctl interface 0x15 .* for 0x17"):
        domctl_of_programs([files["old"], files["any"], files["new"]])


def test_another_hypervisor_is_refused() -> None:
    image = dataclasses.replace(IMAGE, domctl=0x15)
    check_hypervisor(image.domctl, 0x15, where="store")
    check_hypervisor(IMAGE.domctl, 0x17, where="any")
    with pytest.raises(
        InputError, match=r"^store: for Xen with domctl interface 0x15, .* has 0x17"
    ):
        check_hypervisor(image.domctl, 0x17, where="store")


def test_the_images_document_has_it_and_inspect_shows_it(tmp_path: Path) -> None:
    image = dataclasses.replace(IMAGE, domctl=0x15)
    assert '"xen": {\n    "domctl": 21\n  }' in image_text(image)
    assert parse_image(image_text(image)) == image
    assert "xen" not in image_text(IMAGE)
    assert parse_image(image_text(IMAGE)) == IMAGE
    assert dict(facts(inspect(image, tmp_path)))["Xen"] == "domctl interface 0x15"
    assert dict(facts(inspect(IMAGE, tmp_path)))["Xen"] == "any"


@given(st.data())
def test_any_damage_is_an_error_of_ours(data: st.DataObject) -> None:
    content = bytearray(elf(OTHER + note(0x15)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputError):
        domctl_in(bytes(content[: data.draw(st.integers(0, len(content)))]), where="x")

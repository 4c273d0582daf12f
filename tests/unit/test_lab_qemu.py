# SPDX-License-Identifier: BSD-2-Clause
"""How QEMU is called, and what its machine's last line is taken for."""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import lzma
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun.bake.board import Boot, find_board
from rumprun.errors import InputError, MissingError, UsageError
from rumprun.lab import accelerator
from rumprun.lab.devices import MACHINES, Devices
from rumprun.lab.qemu import choose_machine, memory_given, memory_needed, parse_status, qemu_command
from rumprun.lab.vmlinux import has_pvh_entry, unpack
from unit.test_bake_image import IMAGE
from unit.test_bake_program import elf

BOOT = Boot(kernel=Path("/i/kernel"), initramfs=Path("/i/initramfs"), command_line="quiet a=b")


@given(st.integers(0, 255), st.binary())
def test_status_of_the_last_line(status: int, noise: bytes) -> None:
    assert parse_status(noise + b"\nrumprun-exit %d end\n" % status) == status


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"rumprun-exit 3 en",
        b"rumprun-exit 3 end",
        b"rumprun-exit 256 end\n",
        b"rumprun-exit -1 end\n",
        b"rumprun-exit  end\n",
        b"rumprun-exit 0003 end\n",
    ],
)
def test_no_status(said: bytes) -> None:
    assert parse_status(said) is None


def test_the_entrypoint_has_the_last_word() -> None:
    assert parse_status(b"rumprun-exit 0 end\nrumprun-exit 7 end\n") == 7


def command_of(control: str = "/t/control") -> list[str]:
    return qemu_command(
        BOOT,
        kernel=Path("/c/vmlinux"),
        control=Path(control),
        memory=256,
        accelerator="tcg",
        devices=Devices(),
    )


def test_command() -> None:
    words = command_of()
    options = dict(itertools.pairwise(words))
    assert options["-accel"] == "tcg"
    assert options["-kernel"] == "/c/vmlinux"
    assert options["-initrd"] == "/i/initramfs"
    assert options["-append"] == "quiet a=b"
    assert options["-m"] == "256"
    # A panic must end the machine; no firmware of a default card may talk on the console.
    assert {"-no-reboot", "-nodefaults", "-no-user-config"} <= set(words)
    # The console is the guest's ttyS0, what takes the status its ttyS1.
    serial = [value for word, value in itertools.pairwise(words) if word == "-serial"]
    assert serial == ["chardev:console"]
    assert "isa-serial,chardev=control,index=1" in words


def test_machines_are_the_boards() -> None:
    linux, pvh = find_board("linux"), find_board("pvh")
    assert choose_machine(linux, None) == choose_machine(pvh, None) == "pc"
    assert choose_machine(pvh, "microvm") == "microvm"
    with pytest.raises(UsageError, match="linux does not run on the machine microvm") as caught:
        choose_machine(linux, "microvm")
    assert caught.value.hint == "it runs on pc, q35"
    for board in (linux, pvh):
        assert set(board.machines) <= set(MACHINES)


def test_comma_in_a_path() -> None:
    with pytest.raises(UsageError, match="comma"):
        command_of("/t,x/control")


def test_memory_grows_with_the_initramfs() -> None:
    assert memory_needed(IMAGE) == 192


def test_memory_is_as_wanted_or_baked_and_has_room_for_the_files() -> None:
    assert memory_given(IMAGE, None) == IMAGE.memory
    assert memory_given(IMAGE, 99) == 99
    assert memory_given(dataclasses.replace(IMAGE, memory=None), None) == 192
    large = dataclasses.replace(IMAGE.programs[0], size=50 << 20)
    with pytest.raises(InputError, match=r"32 MiB of memory, .* takes 51\.0 MiB"):
        memory_given(dataclasses.replace(IMAGE, programs=(large,)), 32)


def test_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerator, "runs_guests", lambda _name: False)
    assert accelerator.choose_accelerator("auto") == "tcg"
    assert accelerator.choose_accelerator("tcg") == "tcg"
    with pytest.raises(MissingError, match="--accel tcg"):
        accelerator.choose_accelerator("kvm")
    monkeypatch.setattr(accelerator, "runs_guests", lambda _name: True)
    assert accelerator.choose_accelerator("auto") == "kvm"
    assert accelerator.choose_accelerator("kvm") == "kvm"
    assert accelerator.choose_accelerator("tcg") == "tcg"


def test_no_qemu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingError, match="install qemu-system-x86"):
        accelerator.require_qemu()


def bzimage(payload: bytes, *, version: int = 0x20F, sectors: int = 2) -> bytes:
    setup = bytearray((sectors + 1) * 512)
    setup[0x1F1] = sectors
    setup[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", setup, 0x206, version)
    struct.pack_into("<II", setup, 0x248, 16, len(payload))
    return bytes(setup) + bytes(16) + payload


SIZE = struct.pack("<I", len(elf()))


@pytest.mark.parametrize(
    "payload", [gzip.compress(elf()) + SIZE, lzma.compress(elf()) + SIZE], ids=["gzip", "xz"]
)
def test_unpack(payload: bytes) -> None:
    assert unpack(bzimage(payload)) == elf()


@pytest.mark.parametrize(
    "image",
    [
        b"",
        elf(),
        bzimage(b"\x28\xb5\x2f\xfd"),
        bzimage(gzip.compress(b"no ELF")),
        bzimage(gzip.compress(elf())[:30] + bytes(9)),
        bzimage(lzma.compress(elf())[:30] + b"x" * 99),
        bzimage(gzip.compress(elf()), version=0x207),
        bzimage(gzip.compress(elf()))[:0x24C],
    ],
    ids=lambda image: f"{len(image)}-bytes",
)
def test_not_unpacked(image: bytes) -> None:
    assert unpack(image) is None


def with_note(owner: bytes, kind: int) -> bytes:
    note = struct.pack("<III", len(owner), 4, kind) + owner.ljust(-(-len(owner) // 4) * 4, b"\0")
    note += struct.pack("<I", 0x1000000)
    header = bytearray(elf()[:64])
    segment = struct.pack("<IIQQQQQQ", 4, 4, 120, 0, 0, len(note), len(note), 4)
    return bytes(header) + segment + note


def test_pvh_entry() -> None:
    assert has_pvh_entry(with_note(b"Xen\0", 18))
    assert not has_pvh_entry(with_note(b"Xen\0", 17))
    assert not has_pvh_entry(with_note(b"GNU\0", 18))
    assert not has_pvh_entry(elf())
    assert not has_pvh_entry(b"\x7fELF")

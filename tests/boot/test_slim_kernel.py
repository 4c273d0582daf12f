# SPDX-License-Identifier: BSD-2-Clause
"""The slim kernel: built of the archive's source, booted in several ways, and what it can do."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from boot.boot_samples import BOOT_SECONDS, HERE, boot, compile_program, make_request
from rumprun import command
from rumprun.bake import slim_kernel
from rumprun.bake.board import find_board
from rumprun.bake.image import read_image
from rumprun.bake.kernel import cached_kernel
from rumprun.bake.kernel_config import check_config
from rumprun.bake.output import bake_image
from rumprun.errors import MissingError
from rumprun.lab import qemu
from rumprun.lab.qemu import RunRequest, run_image
from rumprun.lab.vmlinux import has_pvh_entry, unpack

# The slim kernel is built for the first of them.
pytestmark = [pytest.mark.boot, pytest.mark.timeout(3600)]

LARGEST = 4 << 20
SMALLEST_MEMORY = 32


@pytest.fixture(scope="module")
def slim(board_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image with the slim kernel, which is built where the cache does not have it."""
    assert board_root.is_dir()
    try:
        slim_kernel.require_tools(slim_kernel.TOOLS, slim_kernel.HEADERS)
    except MissingError as error:
        pytest.skip(str(error))
    place = tmp_path_factory.mktemp("slim")
    program = compile_program(HERE / "kernel_facts.c", place / "kernel_facts")
    request = make_request(program, "hello")
    _own, package = slim_kernel.kernel_choice("slim", request.kernel_package)
    request = dataclasses.replace(request, kernel_package=package)
    bake_image(find_board("linux"), request, place / "image")
    return place / "image"


def test_the_image_names_the_source_and_is_small(slim: Path) -> None:
    image = read_image(slim)
    assert image.kernel is not None
    assert slim_kernel.is_source_package(image.kernel.package)
    assert image.size <= LARGEST


def test_the_configuration_is_what_the_fragments_say(slim: Path) -> None:
    assert slim.is_dir()
    recipe = slim_kernel.read_recipe()
    kernel = slim_kernel.slim_kernel(offline=True)
    config = (kernel.path.parent / "config").read_text()
    check_config(recipe.settings, config)
    assert "=m" not in config
    assert cached_kernel(kernel.path.parent) == kernel


def test_it_boots_as_a_pvh_guest(slim: Path) -> None:
    content = unpack((slim / "kernel").read_bytes())
    assert content is not None
    assert has_pvh_entry(content)
    outcome = boot(slim, baked=True)
    assert outcome.console == b"hello, world\n"
    assert outcome.ended.status == 0


def test_it_boots_packed(slim: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qemu, "direct_kernel", lambda kernel, _hash, _scratch: kernel)
    assert boot(slim, baked=True).console == b"hello, world\n"


def test_little_memory_is_enough(slim: Path) -> None:
    console = bytearray()
    request = RunRequest(memory=SMALLEST_MEMORY, timeout=BOOT_SECONDS, accelerator="tcg")
    assert run_image(slim, request, sink=console.extend).status == 0
    assert console == b"hello, world\n"


@pytest.fixture
def with_options(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Boots with more options of QEMU's; a machine given replaces ``pc``."""
    plain = qemu.qemu_command

    def use(*words: str, machine: str = "pc") -> None:
        def changed(*positional: Any, **named: Any) -> list[str]:
            argv = plain(*positional, **named)
            argv[argv.index("pc")] = machine
            return [*argv, *words]

        monkeypatch.setattr(qemu, "qemu_command", changed)

    return use


def test_it_boots_on_the_other_chipset_with_two_processors(slim: Path, with_options: Any) -> None:
    with_options("-smp", "2", machine="q35")
    outcome = boot(slim, "print", "/sys/devices/system/cpu/online")
    assert outcome.console == b"0-1\n"


def test_system_calls_and_sockets(slim: Path) -> None:
    lines = boot(slim, "calls").console.decode().splitlines()
    assert len(lines) == 10
    assert [line for line in lines if not line.endswith(": ok")] == []


def test_a_core_dump_goes_to_a_pipe(slim: Path) -> None:
    console = boot(slim, "crash").console.decode()
    assert re.fullmatch(r"child (\d+), dumped 1\ncore of \1, ELF 1\n", console)


def test_file_systems_and_drivers_are_built_in(slim: Path) -> None:
    console = boot(slim, "print", "/proc/filesystems", "/proc/misc").console.decode()
    words = set(console.split())
    assert {"proc", "sysfs", "tmpfs", "devtmpfs", "ext4", "iso9660", "squashfs", "9p"} <= words
    assert {"loop-control", "tun"} <= words


def test_virtio_devices_work(slim: Path, with_options: Any, tmp_path: Path) -> None:
    share = tmp_path / "share"
    share.mkdir()
    (share / "note").write_text("from the host\n")
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(1 << 20))
    with_options(
        *("-drive", f"if=none,id=d,format=raw,file={disk}", "-device", "virtio-blk-pci,drive=d"),
        *("-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n"),
        *("-device", "virtio-rng-pci"),
        *("-device", "virtio-serial-pci", "-device", "virtconsole,chardev=c"),
        *("-chardev", "null,id=c"),
        *("-fsdev", f"local,id=f,path={share},security_model=none,readonly=on"),
        *("-device", "virtio-9p-pci,fsdev=f,mount_tag=share"),
    )
    wanted = ["/dev/vda", "/sys/class/net/eth0", "/dev/hwrng", "/dev/hvc0"]
    assert boot(slim, "there", *wanted).console.decode() == "".join(
        f"{name}: ok\n" for name in wanted
    )
    options = "trans=virtio,version=9p2000.L"
    outcome = boot(slim, "mount", "share", "9p", options)
    assert outcome.console == b"9p: ok\nfrom the host\n"


def test_an_ext4_disk_is_read(slim: Path, with_options: Any, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "note").write_text("from the disk\n")
    disk = tmp_path / "disk"
    make = ["/sbin/mkfs.ext4", "-q", "-d", root, disk, "8M"]
    command.run(make, timeout=60)
    with_options(
        *("-drive", f"if=none,id=d,format=raw,file={disk}"),
        *("-device", "virtio-blk-pci,drive=d"),
    )
    outcome = boot(slim, "mount", "/dev/vda", "ext4", "")
    assert outcome.console == b"ext4: ok\nfrom the disk\n"

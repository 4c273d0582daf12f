# SPDX-License-Identifier: BSD-2-Clause
"""The machine that a lab is: QEMU with Xen as its kernel, and dom0 as Xen's."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rumprun import command, paths
from rumprun.bake.initramfs import append_files
from rumprun.bake.root import Entry, Link
from rumprun.errors import MissingError, UsageError
from rumprun.lab.accelerator import QEMU
from rumprun.lab.channel import CHANNELS, socket_name
from rumprun.lab.dom0_root import Dom0
from rumprun.lab.logs import HYPERVISOR_LOG, QEMU_LOG
from rumprun.lab.releases import Release

# MiB for dom0, of the machine's, and the least that is to be left for guests.
DOM0_MEMORY: Final = 512
LEAST_MEMORY: Final = DOM0_MEMORY + 192

INITRAMFS: Final = "initramfs"
# The directory of the lab in dom0, where lab/setup.c mounts it.
HOST_MOUNT: Final = "/lab/host"
SHARE: Final = "share"
_TAG: Final = "rumprun.host"
_PORT_NAME: Final = "rumprun.lab."

_AGENT: Final = "agent"
_KILL_AFTER = 5

# Emulated, Xen's guests need what QEMU's plain processor does not have.
_CPU: Final = {"kvm": "host", "tcg": "qemu64,+svm,+npt,+rdrand"}

# What takes a third of the time emulated, and protects nobody in a lab.
_XEN_QUICKER: Final = "bootscrub=0 spec-ctrl=no"
_DOM0_QUICKER: Final = "rodata=off mitigations=off noreplace-smp cryptomgr.notests audit=0"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What is given to QEMU; ``limit`` in seconds, ``memory`` in MiB."""

    directory: Path
    dom0: Dom0
    release: Release
    accelerator: str
    memory: int
    limit: float
    disks: tuple[Path, ...] = ()


def check_machine(memory: int, disks: Sequence[Path]) -> None:
    """Raise :class:`UsageError` or :class:`MissingError` for what no lab can be started with."""
    if memory < LEAST_MEMORY:
        raise UsageError(f"{memory} MiB for a lab", hint=f"give it {LEAST_MEMORY} at least")
    for disk in disks:
        if not disk.is_file():
            raise MissingError(f"{disk}: no such file for a disk")


def agent() -> Path:
    """The first process of dom0; :class:`MissingError` where it is not built or installed."""
    path = paths.lab_files() / _AGENT
    if not path.is_file():
        remedy = "run 'make boards'" if paths.IN_TREE else "install rumprun-lab"
        raise MissingError(f"{path}: not there", hint=remedy)
    return path


def write_initramfs(machine: Machine, start_script: str) -> None:
    """Put dom0's root, our agent and the script of its daemons together in the lab's directory."""
    files: dict[str, Entry | Link] = {
        "init": Entry(content=agent(), executable=True),
        "lab/start": Entry(content=start_script.encode(), executable=True),
        "share": Link(goal=f"{HOST_MOUNT}/{SHARE}"),
    }
    append_files(machine.dom0.root, files, machine.directory / INITRAMFS, date=0)


def start_machine(machine: Machine) -> command.Background:
    """Start QEMU, in the lab's directory; whatever happens to us, it is killed at its limit."""
    if shutil.which("timeout") is None:
        raise MissingError("timeout: not found", hint="install coreutils")
    return command.Background(
        ["timeout", f"--kill-after={_KILL_AFTER}", f"{machine.limit:.0f}", *qemu_words(machine)],
        output=machine.directory / "qemu.out",
        log=machine.directory / QEMU_LOG,
        cwd=machine.directory,
    )


def qemu_words(machine: Machine) -> list[str]:
    """QEMU's command line, to be run in the lab's directory."""
    return [
        QEMU,
        *("-machine", "pc", "-accel", machine.accelerator, "-cpu", _CPU[machine.accelerator]),
        *("-m", str(machine.memory), "-nodefaults", "-no-user-config"),
        # A panic asks for a reboot in the end.
        *("-no-reboot", "-display", "none"),
        *("-chardev", f"file,id=log,path={HYPERVISOR_LOG}", "-serial", "chardev:log"),
        *("-fsdev", "local,id=host,path=.,security_model=none"),
        *("-device", f"virtio-9p-pci,fsdev=host,mount_tag={_TAG}"),
        *("-device", "virtio-serial-pci"),
        *(word for place in range(CHANNELS) for word in _channel(place)),
        *(word for place, disk in enumerate(machine.disks) for word in _disk(place, disk)),
        *("-kernel", _escaped(machine.dom0.hypervisor)),
        *("-append", _hypervisor_line()),
        *("-initrd", f"{_escaped(machine.dom0.kernel)} {_dom0_line(machine)},{INITRAMFS}"),
    ]


def _channel(place: int) -> tuple[str, ...]:
    name = socket_name(place)
    return (
        *("-chardev", f"socket,id=c{place},path={name},server=on,wait=off"),
        *("-device", f"virtserialport,chardev=c{place},name={_PORT_NAME}{place}"),
    )


def _disk(place: int, disk: Path) -> tuple[str, ...]:
    path = _escaped(disk.absolute())
    return (
        *("-drive", f"if=none,id=d{place},format=raw,file={path}"),
        *("-device", f"virtio-blk-pci,drive=d{place}"),
    )


def _escaped(path: Path) -> str:
    """A path as QEMU's options take it."""
    return str(path).replace(",", ",,")


def _hypervisor_line() -> str:
    memory = f"dom0_mem={DOM0_MEMORY}M,max:{DOM0_MEMORY}M"
    return f"com1=115200,8n1 console=com1 loglvl=warning guest_loglvl=all {_XEN_QUICKER} {memory}"


def _dom0_line(machine: Machine) -> str:
    """What dom0's kernel gets; it hands what it does not know to its first process."""
    path = f"{machine.release.programs}:/usr/sbin:/usr/bin:/sbin:/bin"
    return f"console=hvc0 quiet panic=1 {_DOM0_QUICKER} HOME=/root PATH={path}"

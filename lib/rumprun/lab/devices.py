# SPDX-License-Identifier: BSD-2-Clause
"""Devices of a machine in QEMU: whether they can be had, and how its command line says them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rumprun.errors import InputError, MissingError, UsageError

FORMATS: Final = ("raw", "qcow2")

# QEMU's machines: PCs of two generations, and one with little but virtio's devices.
PC: Final = "pc"
MICROVM: Final = "microvm"
MACHINES: Final = (PC, "q35", MICROVM)

# The PCI bus of QEMU's machine pc has 32 places, and the machine's own take a few.
_MOST_DEVICES: Final = 24

# MAX_TAG_LEN in QEMU's hw/9pfs/9p.h.
_LONGEST_TAG: Final = 31

_QCOW2_MAGIC: Final = b"QFI\xfb"

_INTERFACES = Path("/sys/class/net")

# Addresses that QEMU gives its own network cards start so.
_MAC_PREFIX: Final = "52:54:00"

# What QEMU says of a device that it cannot have, and what helps; the first that fits counts.
_REMEDIES: Final = (
    (
        '" lock',
        "another machine uses that file: end it, or give the file read-only to both, with ,ro",
    ),
    ("host forwarding", "the port is taken, or is root's own: choose another for --forward"),
    ("could not configure", "see that the tap interface is yours: ip tuntap add ... user NAME"),
    ("/dev/net/tun", "see that the tap interface is yours: ip tuntap add ... user NAME"),
)


@dataclass(frozen=True, kw_only=True)
class Forward:
    """What comes to port ``outside`` of the host's ``address`` goes to port ``inside``."""

    address: str
    outside: int
    inside: int
    protocol: str = "tcp"


@dataclass(frozen=True, kw_only=True)
class UserNet:
    """A network of QEMU's own, for which no privilege is needed."""

    forwards: tuple[Forward, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TapNet:
    """The other end of the tap interface ``name``, which is there already."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Block:
    """A disk: ``file`` has its content in ``format``, one of :data:`FORMATS`."""

    file: Path
    readonly: bool = False
    format: str | None = None


@dataclass(frozen=True, kw_only=True)
class Share:
    """A directory of the host that the machine mounts as file system 9p by its ``tag``."""

    directory: Path
    tag: str
    readonly: bool = False


@dataclass(frozen=True, kw_only=True)
class Devices:
    """All devices of a machine, each kind in the order in which the machine counts them."""

    nets: tuple[UserNet | TapNet, ...] = ()
    blocks: tuple[Block, ...] = ()
    shares: tuple[Share, ...] = ()


def disk_names(count: int, prefix: str = "vd") -> tuple[str, ...]:
    """Where a Linux machine has its first ``count`` disks, at most 26."""
    return tuple(f"/dev/{prefix}{chr(ord('a') + number)}" for number in range(count))


def check_devices(devices: Devices) -> None:
    """See that a machine can have ``devices``.

    Raises :class:`MissingError` for what is not there, :class:`InputError` for a file that will
    not do, :class:`UsageError` for what cannot be together.
    """
    count = len(devices.nets) + len(devices.blocks) + len(devices.shares)
    if count > _MOST_DEVICES:
        raise UsageError(f"{count} devices", hint=f"a machine has room for {_MOST_DEVICES}")
    if sum(isinstance(net, UserNet) for net in devices.nets) > 1:
        raise UsageError("two user-mode networks", hint="one is enough: give --net user once")
    for net in devices.nets:
        if isinstance(net, TapNet):
            _check_tap(net)
    for block in devices.blocks:
        check_block(block)
    _check_distinct(devices.blocks)
    _check_shares(devices.shares)


def _check_tap(net: TapNet) -> None:
    if net.name in {"", ".", ".."} or "/" in net.name:
        raise UsageError(f"{net.name!r} is no name of a network interface")
    if not (_INTERFACES / net.name).exists():
        raise MissingError(
            f"no network interface {net.name}",
            hint=f"make it, as root: ip tuntap add dev {net.name} mode tap user NAME",
        )


def check_block(block: Block) -> None:
    """See that ``block`` can be a disk; raises as :func:`check_devices` does."""
    if not block.file.exists():
        raise MissingError(
            f"{block.file}: no such file",
            hint="make one with 'truncate -s 64M'; after a comma, ro and format= are known",
        )
    if not (block.file.is_file() or block.file.is_block_device()):
        raise InputError(f"{block.file}: no file and no block device", hint="see --share for those")
    if not os.access(block.file, os.R_OK):
        raise InputError(f"{block.file}: cannot be read", hint="see its owner and mode")
    if not block.readonly and not os.access(block.file, os.W_OK):
        raise InputError(f"{block.file}: cannot be written to", hint=f"give {block.file},ro")
    with block.file.open("rb") as file:
        is_qcow2 = file.read(len(_QCOW2_MAGIC)) == _QCOW2_MAGIC
    # Never guessed: a machine can write that mark to its raw disk, and name files of the host.
    if is_qcow2 and block.format is None:
        raise InputError(
            f"{block.file}: looks like qcow2", hint="add ,format=qcow2, or ,format=raw if it is not"
        )
    if block.format == "qcow2" and not is_qcow2:
        raise InputError(f"{block.file}: not qcow2", hint="leave out ,format=qcow2")


def _check_distinct(blocks: tuple[Block, ...]) -> None:
    for place, block in enumerate(blocks):
        for other in blocks[:place]:
            both = block.readonly and other.readonly
            if not both and block.file.samefile(other.file):
                raise UsageError(
                    f"{block.file}: two disks of one file", hint="they may, if both have ,ro"
                )


def _check_shares(shares: tuple[Share, ...]) -> None:
    for place, share in enumerate(shares):
        if not share.directory.is_dir():
            raise MissingError(
                f"{share.directory}: no such directory",
                hint="after a comma, tag= and ro are known",
            )
        if not 0 < len(os.fsencode(share.tag)) <= _LONGEST_TAG or "," in share.tag:
            raise UsageError(
                f"{share.tag!r} is no tag", hint=f"1 to {_LONGEST_TAG} characters, no comma"
            )
        if share.tag in {other.tag for other in shares[:place]}:
            raise UsageError(f"two shares with the tag {share.tag}", hint="give one another ,tag=")


def device_words(devices: Devices, machine: str = PC) -> list[str]:
    """The words of QEMU's command line for ``devices``, which :func:`check_devices` passed."""
    # microvm has no PCI, but places for virtio's devices in its memory.
    bus = "device" if machine == MICROVM else "pci"
    words: list[str] = []
    for number, net in enumerate(devices.nets):
        words += _net_words(net, f"net{number}", bus)
    for number, block in enumerate(devices.blocks):
        words += _block_words(block, f"disk{number}", bus)
    for number, share in enumerate(devices.shares):
        words += _share_words(share, f"share{number}", bus)
    return words


def _net_words(net: UserNet | TapNet, name: str, bus: str) -> list[str]:
    if isinstance(net, UserNet):
        backend = ",".join(("user", f"id={name}", *_forward_options(net.forwards)))
        seed = "user"
    else:
        backend = f"tap,id={name},ifname={_value(net.name)},script=no,downscript=no"
        seed = net.name
    # Machines on one bridge have different taps, and must not have one address.
    digits = hashlib.sha256(os.fsencode(seed)).hexdigest()
    mac = ":".join((_MAC_PREFIX, digits[0:2], digits[2:4], digits[4:6]))
    # No ROM: nobody boots from the network here.
    rom = ",romfile=" if bus == "pci" else ""
    return ["-netdev", backend, "-device", f"virtio-net-{bus},netdev={name},mac={mac}{rom}"]


def _forward_options(forwards: tuple[Forward, ...]) -> Iterator[str]:
    for one in forwards:
        yield f"hostfwd={one.protocol}:{one.address}:{one.outside}-:{one.inside}"


def _block_words(block: Block, name: str, bus: str) -> list[str]:
    # Not -drive: that takes what is before a colon in the name of a file for a protocol.
    driver = "host_device" if block.file.is_block_device() else "file"
    node = (
        f"driver={block.format or 'raw'},node-name={name},read-only={_flag(block.readonly)},"
        f"file.driver={driver},file.filename={_value(str(block.file))}"
    )
    return ["-blockdev", node, "-device", f"virtio-blk-{bus},drive={name}"]


def _share_words(share: Share, name: str, bus: str) -> list[str]:
    # Files on the host have the owner and mode that the machine gives them, as far as QEMU may.
    backend = (
        f"local,id={name},path={_value(str(share.directory))},security_model=none,"
        f"multidevs=remap,readonly={_flag(share.readonly)}"
    )
    front = f"virtio-9p-{bus},fsdev={name},mount_tag={share.tag}"
    return ["-fsdev", backend, "-device", front]


def _flag(value: bool) -> str:
    return "on" if value else "off"


def _value(text: str) -> str:
    """``text`` as a value in a list of options, which commas separate."""
    return text.replace(",", ",,")


def failure_hint(said: str) -> str:
    """What to do where QEMU ended with ``said`` about a device; empty for any other matter."""
    return next((remedy for word, remedy in _REMEDIES if word in said), "")

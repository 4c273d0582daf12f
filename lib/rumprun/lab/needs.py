# SPDX-License-Identifier: BSD-2-Clause
"""What an image's configuration needs of its machine, and what of that a machine lacks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rumprun.bake.image import IMAGE_JSON, Image
from rumprun.config.check import parse_document
from rumprun.config.document import Document, build_document
from rumprun.config.map import Device, make_map
from rumprun.errors import UsageError
from rumprun.lab.devices import Devices, disk_names

# Every machine has it without a device.
_LOOPBACK = "lo"

_NAMED = {"blk": "the block device", "net": "the network interface", "9p": "the share"}
_OPTIONS = {"blk": "--block FILE", "net": "--net user", "9p": "--share DIR,tag=TAG"}


@dataclass(frozen=True, kw_only=True)
class Present:
    """What a machine has: paths of ``disks``, a number of interfaces, ``tags`` of shares."""

    disks: tuple[str, ...] = ()
    interfaces: int = 0
    tags: tuple[str, ...] = ()


def needed_devices(image: Image, override: Document | None) -> tuple[Device, ...]:
    """The devices that the baked configuration needs with ``override`` over it.

    A section that is delegated to a command needs none here: an image that somebody else made
    does not choose what is run. Raises :class:`rumprun.config.complaint.ConfigError` where the
    baked one is not acceptable.
    """
    sections: dict[str, Any] = {}
    if image.config is not None:
        text = json.dumps(image.config).encode()
        sections.update(parse_document(text, where=f"{IMAGE_JSON}: config").sections)
    if override is not None:
        # As config_override() in boards/common: disks and what is mounted go together.
        if override.blk or override.mount:
            sections.pop("blk", None)
            sections.pop("mount", None)
        sections.update(override.sections)
    return make_map(build_document(sections), ask=lambda _command, _text: "{}").devices


def drivers_are_modules(image: Image) -> bool:
    """Whether the kernel is one of the archive's, whose modules are not in the image."""
    return image.kernel is not None and image.kernel.package.startswith("linux-image-")


def missing_devices(needed: tuple[Device, ...], present: Present) -> tuple[Device, ...]:
    """Those of ``needed`` that are not ``present``, in their order."""
    return tuple(_missing(needed, present))


def _missing(needed: tuple[Device, ...], present: Present) -> Iterator[Device]:
    interfaces = [one.name for one in needed if one.kind == "net" and one.name != _LOOPBACK]
    for device in needed:
        if device.kind == "blk":
            there = any(_is_on(device.path, disk) for disk in present.disks)
        elif device.kind == "9p":
            there = device.name in present.tags
        else:
            there = device.name not in interfaces or (
                max(_number(device.name), interfaces.index(device.name)) < present.interfaces
            )
        if not there:
            yield device


def _is_on(path: str, disk: str) -> bool:
    """Whether ``path`` is ``disk`` or a partition of it."""
    rest = path.removeprefix(disk)
    return path.startswith(disk) and (not rest or rest.isdecimal())


def _number(interface: str) -> int:
    """The place among all that a kernel's name such as eth1 says, 0 for other names."""
    digits = interface.removeprefix("eth")
    return int(digits[:4]) if digits != interface and digits.isdecimal() else 0


def describe(device: Device) -> str:
    """The device in a few words, as a message names it."""
    return f"{_NAMED[device.kind]} {place(device)}"


def place(device: Device) -> str:
    """The path of a disk, or the name of another device, in one line whoever wrote it."""
    name = device.path if device.kind == "blk" else device.name
    return "".join(character if character.isprintable() else "?" for character in name)


def check_needs(needed: tuple[Device, ...], devices: Devices) -> None:
    """See that a machine of QEMU with ``devices`` has all that is ``needed``.

    Raises :class:`UsageError` that names what it lacks, and the options that give it.
    """
    present = Present(
        disks=disk_names(len(devices.blocks)),
        interfaces=len(devices.nets),
        tags=tuple(share.tag for share in devices.shares),
    )
    missing = missing_devices(needed, present)
    if not missing:
        return
    options = dict.fromkeys(_OPTIONS[device.kind] for device in missing)
    order = "; disks are /dev/vda, /dev/vdb and so on, in the order of --block"
    raise UsageError(
        f"the configuration needs {' and '.join(map(describe, missing))}",
        hint=f"give {' and '.join(options)}"
        f"{order if any(device.kind == 'blk' for device in missing) else ''}",
    )

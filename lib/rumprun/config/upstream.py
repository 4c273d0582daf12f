# SPDX-License-Identifier: BSD-2-Clause
"""A runtime configuration in the form that upstream Rumprun reads.

That is what its ``lib/librumprun_base/config.c`` does, which is not what its document says: the
programs are in ``rc_TESTING``, a program is told by its place among those baked and not by its
name, each needs an ``argv`` that lacks argv[0], keys are repeated where there are several, all
values are strings, and a string is taken as it stands, so that nothing in it can be escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rumprun.config.document import Document, Entry, Interface, Mount, Net, Restart, build_document
from rumprun.errors import InputError

# BMK_MULTIBOOT_CMDLINE_SIZE in platform/hw/include/hw/kernel.h, less its NUL and the kernel's name.
MOST_TEXT: Final = 3800

# What config.c looks for anywhere in the text, and then takes for the name of a file.
_ELSEWHERE = "_RUMPRUN_ROOTFSCFG="

_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_DISK = re.compile(r"/dev/(?:vd|xvd|sd)([a-j])")
_NUMBER = re.compile(r"eth(\d)")

# Upstream mounts one itself, of 1 MiB.
_TMP = "/tmp"  # noqa: S108


@dataclass(frozen=True, kw_only=True)
class Platform:
    """What a platform calls its devices; ``cloned``: an interface is made when it is named."""

    interface: str
    cloned: bool
    disk: str
    disk_source: str


HW: Final = Platform(interface="vioif", cloned=False, disk="/dev/ld{number}a", disk_source="dev")
XEN: Final = Platform(interface="xenif", cloned=True, disk="xvd{letter}", disk_source="etfs")


@dataclass(frozen=True, kw_only=True)
class Baked:
    """A baked program, and what it is started with where the document does not say."""

    name: str
    argv: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()


def merged(baked: Mapping[str, Any] | None, override: Mapping[str, Any] | None) -> Document:
    """The document of the sections ``baked`` with those of ``override`` over them."""
    sections = dict(baked or {})
    if override and {"blk", "mount"} & override.keys():
        # Disks and what is mounted go together.
        sections.pop("blk", None)
        sections.pop("mount", None)
    return build_document({**sections, **(override or {})})


def order_of(names: Sequence[str], document: Document | None) -> tuple[str, ...]:
    """The programs in the order in which they have to be baked: those that are started first."""
    started = [entry.bin for entry in document.rc or ()] if document else []
    for place, name in enumerate(started):
        if name in started[:place]:
            raise InputError(
                f"rc starts {name} twice, and upstream's Rumprun runs each program once",
                hint="bake the file a second time, under another name",
            )
    return (*started, *(name for name in names if name not in started))


def upstream_text(
    document: Document, programs: Sequence[Baked], platform: Platform, *, order: Sequence[str]
) -> str:
    """``document`` for an image whose ``programs`` were baked in ``order``.

    Raises :class:`InputError` for what upstream's Rumprun cannot do, or cannot be told.
    """
    if document.delegate:
        raise InputError("delegate: upstream's Rumprun applies all sections itself", hint="drop it")
    pairs = [
        *_environment(document, programs),
        *([("hostname", document.hostname)] if document.hostname else []),
        *(_network(document.net, platform) if document.net else ()),
        *_disks(document, platform),
        ("rc_TESTING", list(_programs(document, programs, order))),
    ]
    text = "{" + ",".join(f"{_string(key)}:{_value(value)}" for key, value in pairs) + "}"
    if _ELSEWHERE in text:
        raise InputError(
            f"{_ELSEWHERE} in a value", hint="upstream's Rumprun would take it for its own"
        )
    if len(text.encode()) > MOST_TEXT:
        raise InputError(
            f"a runtime configuration of {len(text.encode())} bytes",
            hint=f"upstream's Rumprun takes {MOST_TEXT}: say less, in files of the image",
        )
    return text


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{_string(key)}:{_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_value, value)) + "]"
    return _string(str(value))


def _string(text: str) -> str:
    if not _PLAIN.fullmatch(text):
        raise InputError(
            f"{json.dumps(text)}: upstream's Rumprun knows no way to write quotation marks, "
            "backslashes and control characters",
            hint="put such a value into a file of the image",
        )
    return f'"{text}"'


def _environment(document: Document, programs: Sequence[Baked]) -> Iterator[tuple[str, object]]:
    """One environment: all programs share a libc."""
    found: dict[str, str] = {}
    for program in programs:
        for name, value in program.env:
            if found.setdefault(name, value) != value and name not in dict(document.env):
                raise InputError(
                    f"{name} is {found[name]!r} for one program and {value!r} for {program.name}",
                    hint="upstream's Rumprun has one environment: say one value in env",
                )
    found.update(document.env)
    for name, value in found.items():
        yield "env", f"{name}={value}"


def _programs(
    document: Document, programs: Sequence[Baked], order: Sequence[str]
) -> Iterator[dict[str, object]]:
    known = {program.name: program for program in programs}
    if document.rc is None:
        for name in order:
            yield _started(known[name].argv, "")
        return
    wanted = order_of(order, document)
    if tuple(wanted[: len(document.rc)]) != tuple(order[: len(document.rc)]):
        raise InputError(
            f"rc starts {', '.join(wanted[: len(document.rc)])}, and baked are {', '.join(order)}",
            hint="upstream's Rumprun tells programs by their order: bake with this rc",
        )
    gone: set[str] = set()
    for entry in document.rc:
        _check_entry(entry, gone)
        if not entry.runmode:
            gone.add(entry.name)
        yield _started(entry.argv or known[entry.bin].argv, entry.runmode)


def _started(argv: Sequence[str], runmode: str) -> dict[str, object]:
    entry: dict[str, object] = {"bin": argv[0], "argv": list(argv[1:])}
    # An empty one is an error there.
    return {**entry, "runmode": runmode} if runmode else entry


def _check_entry(entry: Entry, gone: set[str]) -> None:
    wrong = {
        "workdir": entry.workdir != "/",
        "ready": entry.ready is not None,
        "restart": entry.restart != Restart(),
        "memory": entry.memory is not None,
        # What has been waited for has exited.
        "after": not set(entry.after) <= gone,
    }
    for key, refused in wrong.items():
        if refused:
            raise InputError(
                f"rc: {entry.name}: upstream's Rumprun knows no {key}",
                hint="leave it out, or bake for board linux or pvh",
            )


def _network(net: Net, platform: Platform) -> Iterator[tuple[str, object]]:
    others = [one for one in net.interfaces if one.name != "lo"]
    gateways = {
        family: next((gate for gate in net.gateways if (":" in gate) == (family == "inet6")), None)
        for family in ("inet", "inet6")
    }
    for place, interface in enumerate(others):
        yield from _addresses(interface, place, gateways, platform)


def _addresses(
    interface: Interface, place: int, gateways: dict[str, str | None], platform: Platform
) -> Iterator[tuple[str, object]]:
    number = _NUMBER.fullmatch(interface.name)
    name = f"{platform.interface}{number[1] if number else place}"
    cloned = platform.cloned or interface.create
    for address in interface.addrs:
        said = {"if": name, **({"cloner": "true"} if cloned else {})}
        cloned = False
        said |= {"type": address.type, "method": address.method}
        if address.addr is not None:
            addr, _, mask = address.addr.partition("/")
            said |= {"addr": addr, "mask": mask}
            gate = gateways.pop(address.type, None)
            said |= {"gw": gate} if gate else {}
        yield "net", said


def _disks(document: Document, platform: Platform) -> Iterator[tuple[str, object]]:
    mounted = {one.name: one for one in document.mount if one.source == "blk"}
    for block in document.blk:
        said = _file(block.path) if block.type == "file" else _disk(block.path, platform)
        mount = mounted.get(block.name)
        if mount:
            said |= {"fstype": "blk", "mountpoint": mount.path}
        yield "blk", said
    for mount in document.mount:
        if mount.source != "blk":
            yield from _other(mount)


def _file(path: str) -> dict[str, str]:
    return {"source": "vnd", "path": path}


def _disk(path: str, platform: Platform) -> dict[str, str]:
    match = _DISK.fullmatch(path)
    if not match:
        raise InputError(
            f"blk: {path}: upstream's Rumprun mounts whole disks",
            hint="such as /dev/vda, which is the first one on each board",
        )
    number = ord(match[1]) - ord("a")
    name = platform.disk.format(number=number, letter=match[1])
    return {"source": platform.disk_source, "path": name}


def _other(mount: Mount) -> Iterator[tuple[str, object]]:
    if mount.source == "tmpfs" and mount.path == _TMP and not mount.options:
        return
    if mount.source != "kernfs":
        raise InputError(
            f"mount: {mount.path}: upstream's Rumprun mounts no {mount.source} there",
            hint=f"it has a tmpfs at {_TMP}, and knows blk and kernfs",
        )
    # config.c wants a path, and its kernfs has no use for it.
    said = {"source": "dev", "path": "virtual", "fstype": "kernfs", "mountpoint": mount.path}
    yield "blk", said

# SPDX-License-Identifier: BSD-2-Clause
"""What a schema cannot say of a document: addresses, and names that stand for something."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator

from rumprun.config.complaint import Complaint, Path
from rumprun.config.document import Address, Document, Mount, Net
from rumprun.config.order import order_complaints
from rumprun.wording import nearest, shown

_METHODS = {"inet": ("static", "dhcp"), "inet6": ("static", "auto")}
_WIDTHS = {"inet": 32, "inet6": 128}
_VERSIONS = {"inet": "IPv4", "inet6": "IPv6"}
_NAMED = {"blk": "a block device", "9p": "the tag of a share"}


def rule_complaints(document: Document, programs: Collection[str] | None) -> list[Complaint]:
    """What is wrong with ``document``, which keeps to the schema.

    ``programs`` are the names of those in an image; None: any program may be there.
    """
    found: list[Complaint] = []
    if document.rc is not None:
        if programs is not None:
            found += _unknown_programs(document, programs)
        found += order_complaints(document.rc)
    if document.net is not None:
        found += _net(document.net)
    names = [block.name for block in document.blk]
    for mount in document.mount:
        found += _mount(mount, names)
    return found


def is_address(text: str, kind: str) -> bool:
    """Whether ``text`` is an address of ``kind``, ``inet`` or ``inet6``, and nothing besides."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return f"IPv{address.version}" == _VERSIONS[kind] and "%" not in text


def _unknown_programs(document: Document, programs: Collection[str]) -> Iterator[Complaint]:
    for place, entry in enumerate(document.rc or ()):
        if entry.bin not in programs:
            hint = f"{nearest(entry.bin, programs)}the image has {', '.join(sorted(programs))}"
            wrong = f"no program of the image is called {shown(entry.bin)}"
            yield Complaint(path=("rc", place, "bin"), wrong=wrong, hint=hint)


def _net(net: Net) -> Iterator[Complaint]:
    for interface in net.interfaces:
        for number, address in enumerate(interface.addrs):
            path: Path = ("net", "interfaces", interface.name, "addrs", number)
            yield from _address(path, address)
    lists: tuple[tuple[Path, tuple[str, ...]], ...] = (
        (("net", "gateways"), net.gateways),
        (("net", "dns", "nameservers"), net.nameservers),
    )
    for path, texts in lists:
        for number, text in enumerate(texts):
            if not is_address(text, "inet") and not is_address(text, "inet6"):
                hint = "wanted: one such as 192.0.2.1 or 2001:db8::1"
                yield Complaint(
                    path=(*path, number), wrong=f"{shown(text)} is no IP address", hint=hint
                )


def _address(path: Path, address: Address) -> Iterator[Complaint]:
    methods = _METHODS[address.type]
    if address.method not in methods:
        wrong = f"{address.type} has no method {address.method}"
        yield Complaint(path=(*path, "method"), wrong=wrong, hint=f"use {' or '.join(methods)}")
    elif address.method != "static":
        if address.addr is not None:
            wrong = f"method {address.method} finds the address itself"
            yield Complaint(path=(*path, "addr"), wrong=wrong, hint="remove it, or use static")
    elif address.addr is None:
        hint = "write one such as 192.0.2.1/24 or 2001:db8::1/64"
        yield Complaint(path=(*path, "addr"), wrong="missing for method static", hint=hint)
    else:
        text, _slash, prefix = address.addr.partition("/")
        if not is_address(text, address.type):
            wrong = f"{shown(text)} is no {_VERSIONS[address.type]} address"
            yield Complaint(path=(*path, "addr"), wrong=wrong, hint="see the key type")
        elif int(prefix) > _WIDTHS[address.type]:
            hint = f"at most {_WIDTHS[address.type]}"
            yield Complaint(path=(*path, "addr"), wrong=f"prefix is {prefix}", hint=hint)


def _mount(mount: Mount, names: Collection[str]) -> Iterator[Complaint]:
    path: Path = ("mount", mount.path)
    if {".", ".."} & set(mount.path.split("/")):
        yield Complaint(path=path, wrong="a part of the path is . or ..", hint="write it without")
    if mount.source in _NAMED and mount.name is None:
        hint = f"wanted: {_NAMED[mount.source]}"
        yield Complaint(path=(*path, "name"), wrong="missing", hint=hint)
    elif mount.source not in _NAMED and mount.name is not None:
        wrong = f"source {mount.source} has no names"
        yield Complaint(path=(*path, "name"), wrong=wrong, hint="remove it")
    elif mount.source == "blk" and mount.name not in names:
        hint = f"{nearest(mount.name or '', names)}blk has {', '.join(names) or 'none'}"
        wrong = f"no block device is called {shown(mount.name or '')}"
        yield Complaint(path=(*path, "name"), wrong=wrong, hint=hint)
    if mount.source != "blk" and mount.fstype is not None:
        wrong = f"source {mount.source} has no types"
        yield Complaint(path=(*path, "fstype"), wrong=wrong, hint="remove it")

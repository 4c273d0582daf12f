# SPDX-License-Identifier: BSD-2-Clause
"""What a configuration asks of those who make and start an image: devices and components."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rumprun.config.complaint import Complaint, ConfigError
from rumprun.config.document import Document, Net
from rumprun.config.schema import complaints_about
from rumprun.config.text import Refused, parse_text

# Runs a program with a text on its standard input, and returns what it wrote.
Ask = Callable[[tuple[str, ...], str], str]

_NAME = {"type": "string", "pattern": "^[^\\u0000-\\u001f]{1,128}$", "description": "a name"}
_FLAG = {"type": "boolean", "description": "true or false"}

ANSWER_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "description": "an object with the keys devices and components",
    "properties": {
        "devices": {
            "type": "array",
            "maxItems": 256,
            "description": "a list of at most 256 devices",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["kind", "name"],
                "description": "an object with the keys kind, name, path and readonly",
                "properties": {
                    "kind": {"enum": ["blk", "net", "9p"], "description": "blk, net or 9p"},
                    "name": _NAME,
                    "path": _NAME,
                    "readonly": _FLAG,
                },
            },
        },
        "components": {
            "type": "array",
            "maxItems": 256,
            "items": _NAME,
            "description": "a list of at most 256 names",
        },
    },
}


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device that the machine needs.

    ``kind`` is ``blk``, ``net`` or ``9p``; ``name`` is its name in the configuration, or the tag
    of a share; ``path`` is where the image has it, empty for a network interface.
    """

    kind: str
    name: str
    path: str = ""
    readonly: bool = False


@dataclass(frozen=True, kw_only=True)
class Map:
    """``components`` are what the image needs to apply the document, sorted.

    ``symbols`` are pairs of a section and the C function that applies it.
    """

    devices: tuple[Device, ...]
    components: tuple[str, ...]
    symbols: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, Any]:
        """The map as a JSON object."""
        return {
            "devices": [vars(device) for device in self.devices],
            "components": list(self.components),
            "symbols": dict(self.symbols),
        }


@dataclass(frozen=True, kw_only=True)
class _Part:
    devices: tuple[Device, ...] = ()
    components: tuple[str, ...] = ()


def make_map(document: Document, *, ask: Ask) -> Map:
    """The map of ``document``.

    A section that is delegated to a command is not ours to read: the command is run by ``ask``,
    gets the section as JSON and answers with devices and components. Where a function in the image
    applies it, the devices are still ours to name, the components are the function's matter.

    Raises :class:`ConfigError` where a command's answer is not acceptable, and what ``ask`` raises.
    """
    delegates = {one.section: one for one in document.delegate}
    devices: list[Device] = []
    components: set[str] = set()
    for section, read in _SECTIONS.items():
        if section not in document.sections:
            continue
        delegate = delegates.get(section)
        if delegate and delegate.command:
            part = _asked(section, document.sections[section], delegate.command, ask)
        else:
            part = read(document)
        devices += part.devices
        if delegate is None or delegate.command:
            components |= set(part.components)
    symbols = tuple((one.section, one.symbol) for one in document.delegate if one.symbol)
    return Map(devices=tuple(devices), components=tuple(sorted(components)), symbols=symbols)


def _asked(section: str, values: Any, command: tuple[str, ...], ask: Ask) -> _Part:
    """What the command makes of the section."""
    text = ask(command, json.dumps(values, ensure_ascii=False) + "\n")
    where = f"the answer of {command[0]} for the section {section}"
    try:
        answer = parse_text(text.encode("utf-8", errors="surrogateescape"))
    except Refused as refused:
        raise ConfigError(where, [refused.complaint]) from refused
    complaints: list[Complaint] = complaints_about(answer, ANSWER_SCHEMA)
    if complaints:
        raise ConfigError(where, complaints)
    return _Part(
        devices=tuple(Device(**device) for device in answer.get("devices", ())),
        components=tuple(answer.get("components", ())),
    )


def _rc(document: Document) -> _Part:
    entries = document.rc or ()
    used = ["rc"]
    used += ["rc-pipe"] if any(entry.runmode == "|" for entry in entries) else []
    used += ["rc-ready"] if any(entry.ready for entry in entries) else []
    used += ["rc-restart"] if any(entry.restart.policy != "no" for entry in entries) else []
    used += ["rc-memory"] if any(entry.memory for entry in entries) else []
    return _Part(components=tuple(used))


def _net(document: Document) -> _Part:
    net = document.net
    assert net is not None
    # The loopback interface is no device, though a document may add addresses to it.
    devices = tuple(
        Device(kind="net", name=one.name)
        for one in net.interfaces
        if not one.create and one.name != "lo"
    )
    return _Part(devices=devices, components=tuple(_net_components(net)))


def _net_components(net: Net) -> Iterator[str]:
    for interface in net.interfaces:
        if interface.create:
            yield "net-create"
        for address in interface.addrs:
            yield f"net-{address.type}"
            if address.method != "static":
                yield f"net-{address.method}"
    for gateway in net.gateways:
        yield "net-inet6" if ":" in gateway else "net-inet"
    if net.nameservers or net.search:
        yield "net-dns"


def _blk(document: Document) -> _Part:
    disks = tuple(
        Device(kind="blk", name=one.name, path=one.path, readonly=one.readonly)
        for one in document.blk
        if one.type == "disk"
    )
    return _Part(devices=disks, components=tuple(f"blk-{one.type}" for one in document.blk))


def _mount(document: Document) -> _Part:
    shares = tuple(
        Device(kind="9p", name=one.name or "", path=one.path, readonly="ro" in one.options)
        for one in document.mount
        if one.source == "9p"
    )
    used = [f"mount-{one.source}" for one in document.mount]
    used += [f"fs-{one.fstype}" for one in document.mount if one.fstype]
    return _Part(devices=shares, components=tuple(used))


def _named(section: str) -> Callable[[Document], _Part]:
    return lambda _document: _Part(components=(section,))


_SECTIONS: dict[str, Callable[[Document], _Part]] = {
    "rc": _rc,
    "env": _named("env"),
    "hostname": _named("hostname"),
    "net": _net,
    "blk": _blk,
    "mount": _mount,
}

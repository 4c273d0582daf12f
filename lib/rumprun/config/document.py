# SPDX-License-Identifier: BSD-2-Clause
"""A runtime configuration as values: what each section says, with the defaults filled in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Values = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Ready:
    """When an entry is ready: exactly one of these is not None."""

    file: str | None = None
    port: int | None = None
    after_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class Restart:
    """``policy`` is ``no``, ``on-failure`` or ``always``; ``most`` is None for no limit."""

    policy: str = "no"
    most: int | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One program to start.

    ``own_name`` says whether ``name`` is written, or that of ``bin``; an empty ``argv``, that the
    program has the one that it was baked with. ``memory`` is in MiB.
    """

    name: str
    own_name: bool
    bin: str
    argv: tuple[str, ...]
    runmode: str
    workdir: str
    after: tuple[str, ...]
    ready: Ready | None
    restart: Restart
    memory: int | None


@dataclass(frozen=True, kw_only=True)
class Address:
    """An interface's address; ``addr`` is None where the document has none."""

    type: str
    method: str
    addr: str | None


@dataclass(frozen=True, kw_only=True)
class Interface:
    """A network interface, which the machine has unless ``create`` is set."""

    name: str
    create: bool
    addrs: tuple[Address, ...]


@dataclass(frozen=True, kw_only=True)
class Net:
    """The section ``net``."""

    interfaces: tuple[Interface, ...]
    gateways: tuple[str, ...]
    nameservers: tuple[str, ...]
    search: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block device: ``type`` is ``disk`` or ``file``, ``path`` is in the image."""

    name: str
    type: str
    path: str
    readonly: bool


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A file system: ``name`` is that of a block device, or the tag of a share."""

    path: str
    source: str
    name: str | None
    fstype: str | None
    options: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Delegate:
    """What applies a section: a command where images are made, a function in the image."""

    section: str
    command: tuple[str, ...]
    symbol: str | None


@dataclass(frozen=True, kw_only=True)
class Document:
    """A whole configuration; ``rc`` and ``net`` are None where the document has none.

    ``sections`` is what is written, by key.
    """

    sections: Values
    rc: tuple[Entry, ...] | None
    env: tuple[tuple[str, str], ...]
    hostname: str | None
    net: Net | None
    blk: tuple[Block, ...]
    mount: tuple[Mount, ...]
    delegate: tuple[Delegate, ...]


def document_text(document: Document) -> str:
    """``document`` as the shortest JSON text, plain ASCII, such as fits a kernel command line."""
    return json.dumps(document.sections, separators=(",", ":"))


def build_document(values: Values) -> Document:
    """The document that ``values`` are, which keep to the schema."""
    return Document(
        sections=values,
        rc=tuple(map(_entry, values["rc"])) if "rc" in values else None,
        env=tuple(values.get("env", {}).items()),
        hostname=values.get("hostname"),
        net=_net(values["net"]) if "net" in values else None,
        blk=tuple(_block(name, one) for name, one in values.get("blk", {}).items()),
        mount=tuple(_mount(path, one) for path, one in values.get("mount", {}).items()),
        delegate=tuple(
            Delegate(
                section=section, command=tuple(one.get("command", ())), symbol=one.get("symbol")
            )
            for section, one in values.get("delegate", {}).items()
        ),
    )


def _entry(values: Values) -> Entry:
    return Entry(
        name=values.get("name", values["bin"]),
        own_name="name" in values,
        bin=values["bin"],
        argv=tuple(values.get("argv", ())),
        runmode=values.get("runmode", ""),
        workdir=values.get("workdir", "/"),
        after=tuple(values.get("after", ())),
        ready=_ready(values["ready"]) if "ready" in values else None,
        restart=_restart(values.get("restart", "no")),
        memory=values.get("memory"),
    )


def _ready(values: Values) -> Ready:
    return Ready(file=values.get("file"), port=values.get("port"), after_ms=values.get("after-ms"))


def _restart(value: str | Values) -> Restart:
    if isinstance(value, str):
        return Restart(policy=value)
    return Restart(policy=value["policy"], most=value.get("max"))


def _net(values: Values) -> Net:
    dns = values.get("dns", {})
    return Net(
        interfaces=tuple(
            Interface(
                name=name,
                create=one.get("create", False),
                addrs=tuple(
                    Address(type=addr["type"], method=addr["method"], addr=addr.get("addr"))
                    for addr in one.get("addrs", ())
                ),
            )
            for name, one in values.get("interfaces", {}).items()
        ),
        gateways=tuple(values.get("gateways", ())),
        nameservers=tuple(dns.get("nameservers", ())),
        search=tuple(dns.get("search", ())),
    )


def _block(name: str, values: Values) -> Block:
    return Block(
        name=name,
        type=values["type"],
        path=values["path"],
        readonly=values.get("readonly", False),
    )


def _mount(path: str, values: Values) -> Mount:
    return Mount(
        path=path,
        source=values["source"],
        name=values.get("name"),
        fstype=values.get("fstype"),
        options=tuple(values.get("options", ())),
    )

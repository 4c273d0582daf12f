# SPDX-License-Identifier: BSD-2-Clause
"""The sections ``net`` and ``blk`` of the legacy form."""

from __future__ import annotations

import re
from typing import Any

from rumprun.config.complaint import Complaint, Path, path_text
from rumprun.config.text import Pairs, Refused
from rumprun.wording import nearest, shown

_NET_KEYS = ("if", "cloner", "type", "method", "addr", "mask", "gw")
_BLK_KEYS = ("source", "path", "fstype", "mountpoint")
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}
# NetBSD's names of disks: of virtio, and of others.
_DISK = re.compile(r"/dev/(?:ld|sd)([0-9])[a-p]")
_NO_NAME = re.compile(r"[^A-Za-z0-9+._-]+")


def add_net(document: dict[str, Any], path: Path, value: Any, notes: list[str]) -> None:
    """Add the interface that one ``net`` configures, and its router, to ``document``.

    Raises :class:`Refused`.
    """
    texts = _texts(path, value, _NET_KEYS)
    name = _needed(path, texts, "if")
    net = document.setdefault("net", {"interfaces": {}})
    interface = net["interfaces"].setdefault(name, {})
    if "cloner" in texts:
        word = texts["cloner"].lower()
        if word not in _WORDS:
            wrong = f"{shown(texts['cloner'])} is neither true nor false"
            raise Refused(Complaint(path=(*path, "cloner"), wrong=wrong))
        if _WORDS[word]:
            interface["create"] = True
        else:
            notes.append(f"{path_text((*path, 'cloner'))}: rumprun created it all the same")
    address = {"type": _needed(path, texts, "type"), "method": _needed(path, texts, "method")}
    if address["method"] == "static":
        address["addr"] = f"{_needed(path, texts, 'addr')}/{_needed(path, texts, 'mask')}"
    interface.setdefault("addrs", []).append(address)
    if "gw" in texts:
        net.setdefault("gateways", []).append(texts["gw"])


def add_blk(document: dict[str, Any], path: Path, value: Any, notes: list[str]) -> None:
    """Add the block device and the file system that one ``blk`` configures to ``document``.

    Raises :class:`Refused`.
    """
    texts = _texts(path, value, _BLK_KEYS)
    mountpoint = texts.get("mountpoint")
    if texts.get("fstype") in ("kernfs", "kern"):
        _add_mount(document, path, mountpoint, {"source": "kernfs"})
        return
    name, block = _block(document, path, texts, notes)
    document.setdefault("blk", {})[name] = block
    if mountpoint is not None:
        if _needed(path, texts, "fstype") != "blk":
            wrong = f"{shown(texts['fstype'])} is no type of file system"
            raise Refused(Complaint(path=(*path, "fstype"), wrong=wrong, hint="blk or kernfs"))
        _add_mount(document, path, mountpoint, {"source": "blk", "name": name})
        notes.append(f"{path_text(path)}: mounted as what it is; name it by the key fstype")


def _block(
    document: dict[str, Any], path: Path, texts: dict[str, str], notes: list[str]
) -> tuple[str, dict[str, Any]]:
    """The device by a name of its own."""
    source, original = _needed(path, texts, "source"), _needed(path, texts, "path")
    if source not in ("dev", "vnd", "etfs"):
        wrong = f"{shown(source)} is no source"
        raise Refused(Complaint(path=(*path, "source"), wrong=wrong, hint="dev, vnd or etfs"))
    device = f"/dev/{original}" if source == "etfs" else original
    match = _DISK.fullmatch(device) if source == "dev" else None
    if match:
        device = f"/dev/vd{chr(ord('a') + int(match[1]))}"
    if device != original:
        notes.append(f"{path_text((*path, 'path'))}: {shown(original)} became {device}")
    block: dict[str, Any] = {"type": "file" if source == "vnd" else "disk", "path": device}
    if source == "vnd":
        # rumprun attaches files so.
        block["readonly"] = True
    stem = _NO_NAME.sub("-", device.rpartition("/")[2]).lstrip("+._-") or "disk"
    name, number = stem, 2
    while name in document.get("blk", {}):
        name, number = f"{stem}-{number}", number + 1
    return name, block


def _add_mount(
    document: dict[str, Any], path: Path, mountpoint: str | None, mount: dict[str, Any]
) -> None:
    if mountpoint is None:
        raise Refused(Complaint(path=(*path, "mountpoint"), wrong="missing"))
    mounts = document.setdefault("mount", {})
    place = f"/{'/'.join(part for part in mountpoint.split('/') if part)}"
    if place in mounts:
        wrong = f"something is mounted on {place} already"
        raise Refused(Complaint(path=(*path, "mountpoint"), wrong=wrong))
    mounts[place] = mount


def _texts(path: Path, value: Any, known: tuple[str, ...]) -> dict[str, str]:
    """The object's members as strings: booleans and integers may have been written as such."""
    if not isinstance(value, Pairs):
        raise Refused(Complaint(path=path, wrong="is no object"))
    texts: dict[str, str] = {}
    for key, one in value.pairs:
        if key not in known:
            hint = f"{nearest(key, known)}the keys here are {', '.join(known)}"
            raise Refused(Complaint(path=(*path, key), wrong="no such key", hint=hint))
        if isinstance(one, bool):
            texts[key] = "true" if one else "false"
        elif isinstance(one, int | str):
            texts[key] = str(one)
        else:
            raise Refused(Complaint(path=(*path, key), wrong="is no string"))
    return texts


def _needed(path: Path, texts: dict[str, str], key: str) -> str:
    if key not in texts:
        raise Refused(Complaint(path=(*path, key), wrong="missing"))
    return texts[key]

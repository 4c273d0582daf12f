# SPDX-License-Identifier: BSD-2-Clause
"""What a lab boots: hypervisor, dom0's kernel unpacked, and its root; all kept in the cache."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import re
import time
import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rumprun import command, ui
from rumprun.bake.initramfs import write_cpio
from rumprun.bake.root import Entry
from rumprun.digest import sha256_of
from rumprun.errors import InputError, MissingError, UsageError
from rumprun.lab import dom0_files, dom0_modules, vmlinux
from rumprun.lab.dom0_packages import (
    Chosen,
    Packages,
    cache,
    choose,
    download,
    state_of,
    view_of,
)
from rumprun.lab.releases import Release
from rumprun.workdir import atomic_path, locked, remove_tree, temporary_tree

HYPERVISOR: Final = "xen"
KERNEL: Final = "vmlinux"
ROOT: Final = "root.cpio"
_RECORD: Final = "lab.json"

# Where lab/setup.c looks for the list, and where what it names is.
_MODULE_LIST: Final = "lab/modules"
_MODULE_DIRECTORY: Final = "lab/module"

# What decides on a root's content besides the packages: these, and what is done here, whose version
# counts.
_SOURCES = (Path(dom0_files.__file__), Path(dom0_modules.__file__))
_VERSION: Final = "1"

_UNUSED_SECONDS: Final = 14 * 86400.0

_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")


@dataclass(frozen=True, kw_only=True)
class Dom0:
    """The files that a lab boots, in the cache; ``version`` is the hypervisor's package's."""

    hypervisor: Path
    kernel: Path
    root: Path
    version: str


def provide_dom0(release: Release, further: Collection[str] = ()) -> Dom0:
    """The files for a lab of ``release`` with the packages ``further`` in its root.

    apt's lists say which versions are current; what the cache lacks is downloaded and unpacked.
    Raises :class:`MissingError` where apt does not know a package or the download fails,
    :class:`UsageError` for what is no package's name.
    """
    for name in further:
        if not _PACKAGE.fullmatch(name):
            raise UsageError(f"{name!r} is no package's name")
    record = cache() / f"{_key((release.xen, *sorted(further)))}.json"
    try:
        view = view_of(release)
    except MissingError as error:
        kept = _recall(record, state=None)
        if kept is None:
            raise
        ui.warn(f"the lab is the one in the cache: {error}")
        return kept
    state = state_of(view)
    found = _recall(record, state=state)
    if found is not None:
        return found
    cache().mkdir(parents=True, exist_ok=True)
    with temporary_tree(parent=cache()) as scratch:
        packages = choose(view, release, further, scratch)
        entry = cache() / _entry_name(release, packages)
        # One that another process is making is waited for.
        with locked(entry.with_name(f".{entry.name}.lock")):
            if not (entry / _RECORD).is_file():
                debs = scratch / "debs"
                debs.mkdir()
                download(view, packages.every, debs)
                _make(release, packages, debs, scratch / "new")
                (scratch / "new").rename(entry)
    with atomic_path(record) as partial:
        document = {"entry": entry.name, "apt": state}
        partial.write_text(json.dumps(document) + "\n", encoding="utf-8")
    _forget_unused(time.time() - _UNUSED_SECONDS)
    return _read(entry)


def _forget_unused(before: float) -> None:
    """Remove what has been in the cache unused since ``before``: each is a hundred megabytes."""
    for record in cache().glob("*.json"):
        if record.stat().st_mtime < before:
            record.unlink(missing_ok=True)
    named = set()
    for record in cache().glob("*.json"):
        with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError):
            named.add(json.loads(record.read_text(encoding="utf-8"))["entry"])
    for entry in cache().glob("xen-*"):
        if entry.name not in named and entry.stat().st_mtime < before:
            remove_tree(entry)
            entry.with_name(f".{entry.name}.lock").unlink(missing_ok=True)


def _key(words: Iterable[str]) -> str:
    sources = "".join(sha256_of(path) for path in _SOURCES)
    return hashlib.sha256("\0".join((_VERSION, sources, *words)).encode()).hexdigest()[:16]


def _entry_name(release: Release, packages: Packages) -> str:
    words = (f"{package.name} {package.version}" for package in packages.every)
    return f"xen-{release.xen}-{_key(words)}"


def _recall(record: Path, *, state: str | None) -> Dom0 | None:
    """What ``record`` names; None where apt's ``state`` is another one now (None: any will do)."""
    with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError):
        said = json.loads(record.read_text(encoding="utf-8"))
        if state in (None, said["apt"]):
            found = _read(record.parent / Path(str(said["entry"])).name)
            # It is in use.
            os.utime(record)
            return found
    return None


def _read(entry: Path) -> Dom0:
    said = json.loads((entry / _RECORD).read_text(encoding="utf-8"))
    return Dom0(
        hypervisor=entry / HYPERVISOR,
        kernel=entry / KERNEL,
        root=entry / ROOT,
        version=str(said["version"]),
    )


def _make(release: Release, packages: Packages, debs: Path, fresh: Path) -> None:
    """Fill the directory ``fresh`` from the packages in ``debs``."""
    fresh.mkdir()
    with ui.step(f"making dom0's root for Xen {release.xen}"):
        trees = {package.name: _unpack(package, debs) for package in packages.every}
        hypervisor = _one(trees[release.hypervisor], "boot/xen-*.gz")
        try:
            (fresh / HYPERVISOR).write_bytes(gzip.decompress(hypervisor.read_bytes()))
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(
                f"{hypervisor.name}: {error}", hint="the package is damaged"
            ) from error
        kernel = next(tree for name, tree in trees.items() if list(tree.glob("boot/vmlinuz-*")))
        _write_kernel(_one(kernel, "boot/vmlinuz-*"), fresh / KERNEL)
        base = {package.name: trees[package.name] for package in packages.base}
        files = dom0_files.base_files(base, release.whole)
        for package in packages.further:
            files |= dom0_files.further_files(trees[package.name])
        files = dom0_files.add_libraries(files, trees.values())
        files = dom0_files.add_shell(files) | _modules(kernel)
        write_cpio(files, fresh / ROOT, date=0)
    versions = {package.name: package.version.replace("%3a", ":") for package in packages.every}
    document = {"version": versions[release.hypervisor], "packages": versions}
    (fresh / _RECORD).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _unpack(package: Chosen, debs: Path) -> Path:
    tree = debs / package.name
    command.run(["dpkg-deb", "--extract", debs / package.file, tree], hint="is the disk full?")
    return tree


def _one(tree: Path, pattern: str) -> Path:
    found = sorted(tree.glob(pattern))
    if len(found) != 1:
        raise InputError(f"{tree.name}: {len(found)} files {pattern}, and one is expected")
    return found[0]


def _write_kernel(vmlinuz: Path, destination: Path) -> None:
    """The kernel as Xen takes it fastest: unpacked, as Xen's own decompressor is emulated, too."""
    packed = vmlinuz.read_bytes()
    destination.write_bytes(vmlinux.unpack(packed) or packed)


def _modules(tree: Path) -> dom0_files.Files:
    """The modules of the unpacked kernel package ``tree`` that a lab loads, and their list."""
    paths = [path for path in tree.rglob("*.ko*") if path.is_file()]
    available = {dom0_modules.module_name(path): path for path in paths}
    builtin = _one(tree, "**/modules.builtin").read_text(encoding="utf-8").split()
    order = dom0_modules.load_order(
        dom0_modules.WANTED, available, [dom0_modules.module_name(Path(name)) for name in builtin]
    )
    names = [f"{_MODULE_DIRECTORY}/{name}.ko" for name in order]
    files: dom0_files.Files = {
        name: Entry(content=content) for name, content in zip(names, order.values(), strict=True)
    }
    listed = "".join(f"/{name}\n" for name in names)
    return files | {_MODULE_LIST: Entry(content=listed.encode())}

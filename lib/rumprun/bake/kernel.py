# SPDX-License-Identifier: BSD-2-Clause
"""The archive's kernel: found and verified by apt, taken out of its package, never installed."""

from __future__ import annotations

import functools
import json
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import apt
import apt_pkg
from apt.package import FetchError, UntrustedError, Version
from apt.progress.base import AcquireProgress
from debian.debfile import DebError, DebFile

from rumprun import paths, ui
from rumprun.bake.apt_state import apt_state
from rumprun.bake.image import KernelOrigin
from rumprun.bake.installed import find_kernel
from rumprun.digest import sha256_of
from rumprun.elf_magic import ELF_MAGIC
from rumprun.errors import InputError, MissingError
from rumprun.workdir import atomic_path, locked, temporary_tree

DEFAULT_PACKAGE = "linux-image-amd64"

# The name of every kernel in the cache.
VMLINUZ = "vmlinuz"
_RECORD = "kernel.json"
_MEMBER_PREFIX = "./boot/vmlinuz-"

# Where Documentation/x86/boot.rst puts the mark of a kernel that a boot loader can start.
_BOOT_MARK = b"HdrS"
_BOOT_MARK_OFFSET = 0x202


@dataclass(frozen=True, kw_only=True)
class ArchiveKernel:
    """A kernel in the cache, and the package that it came from."""

    path: Path
    origin: KernelOrigin


def check_kernel(path: Path) -> None:
    """See that ``path`` is a kernel to boot: a bzImage, or an ELF file.

    Raises :class:`MissingError` where it is not there, :class:`InputError` for anything else.
    """
    try:
        start = _start_of(path)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MissingError(f"{path}: no such kernel", hint="give the path of a vmlinuz") from error
    if not (_is_marked(start) or start.startswith(ELF_MAGIC)):
        raise InputError(f"{path}: not a Linux kernel", hint="give a vmlinuz for x86-64")


def is_bzimage(path: Path) -> bool:
    """Whether the file ``path`` is a kernel that any boot loader can start."""
    return _is_marked(_start_of(path))


def _start_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_BOOT_MARK_OFFSET + len(_BOOT_MARK))


def _is_marked(start: bytes) -> bool:
    return start[_BOOT_MARK_OFFSET:] == _BOOT_MARK


def archive_kernel(package: str = DEFAULT_PACKAGE, *, offline: bool = False) -> ArchiveKernel:
    """The kernel of ``package``, which may be a metapackage such as ``linux-image-amd64``.

    apt's lists say which version is current; it is downloaded where the cache does not have
    it. With ``offline``, apt is not asked: an installed one is taken, or the newest one in the
    cache.

    Raises :class:`MissingError` where apt does not know the package, the download fails or
    (``offline``) the cache has none, :class:`InputError` for a package without a kernel.
    """
    cache = paths.cache() / "kernels"
    if offline:
        installed = find_kernel(package)
        if installed:
            return ArchiveKernel(path=installed.path, origin=installed.origin)
        return _newest_cached(package, cache)
    record = cache / f"{package}.json"
    state = apt_state()
    found = recall(record, state)
    if found is None:
        version = resolve(package, "linux-image-")
        origin = KernelOrigin(package=version.package.name, version=version.version)
        entry = cache / f"{origin.package}_{origin.version}"
        take = functools.partial(_take, version=version, origin=origin)
        found = provide(entry, origin, take)
        remember(record, entry, state)
    return found


def recall(record: Path, state: str) -> ArchiveKernel | None:
    """The kernel that ``record`` names; None where apt's ``state`` is another one by now."""
    try:
        said = json.loads(record.read_text(encoding="utf-8"))
        entry = record.parent / Path(str(said["entry"])).name
        current = said["apt"] == state
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return cached_kernel(entry) if current else None


def remember(record: Path, entry: Path, state: str) -> None:
    """Write what a name stands for while apt's state is ``state``."""
    with atomic_path(record) as partial:
        document = {"entry": entry.name, "apt": state}
        partial.write_text(json.dumps(document) + "\n", encoding="utf-8")


def resolve(name: str, prefix: str) -> Version:
    """The version of the package behind ``name`` that apt would install.

    That is the package's own, or that of one that it depends on and whose name starts with
    ``prefix``, as with a metapackage. Raises :class:`MissingError` where apt has neither.
    """
    packages = apt.Cache()
    version = _candidate(packages, name)
    for alternatives in version.get_dependencies("Depends"):
        for dependency in alternatives:
            # What a kernel itself depends on (kmod, linux-base, ...) has other names.
            if dependency.name.startswith(prefix):
                return _candidate(packages, dependency.name)
    return version


def newest(kernels: Iterable[ArchiveKernel]) -> ArchiveKernel:
    """The one of ``kernels``, of which there is one at least, with the highest version."""
    apt_pkg.init_system()

    def compare(one: ArchiveKernel, other: ArchiveKernel) -> int:
        return apt_pkg.version_compare(one.origin.version, other.origin.version)

    return max(kernels, key=functools.cmp_to_key(compare))


def _candidate(packages: apt.Cache, name: str) -> Version:
    """The version of ``name`` that apt would install; :class:`MissingError` where it has none."""
    version = packages[name].candidate if name in packages else None
    if version is None:
        raise MissingError(
            f"apt knows no package {name}",
            hint="run 'apt-get update' as root, or give a kernel with --kernel FILE",
        )
    return version


def provide(entry: Path, origin: KernelOrigin, make: Callable[[Path, Path], None]) -> ArchiveKernel:
    """The kernel in the directory ``entry`` of the cache; put there, whole or not at all.

    ``make`` gets a directory for its work, and one in which it leaves ``vmlinuz`` and what else
    is to be kept.
    """
    # One that another process is making is waited for: it may take minutes.
    with locked(entry.with_name(f".{entry.name}.lock")):
        found = cached_kernel(entry)
        if found is not None and found.origin == origin:
            return found
        return _put(entry, origin, make)


def _put(entry: Path, origin: KernelOrigin, make: Callable[[Path, Path], None]) -> ArchiveKernel:
    with temporary_tree(parent=entry.parent) as scratch:
        fresh = scratch / "new"
        fresh.mkdir()
        make(scratch, fresh)
        check_kernel(fresh / VMLINUZ)
        record = {
            "package": origin.package,
            "version": origin.version,
            "sha256": sha256_of(fresh / VMLINUZ),
        }
        (fresh / _RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        if entry.exists():
            # Damaged.
            entry.rename(scratch / "old")
        fresh.rename(entry)
    found = cached_kernel(entry)
    if found is None:
        raise MissingError(f"{entry}: the kernel just stored is gone", hint="bake again")
    return found


def _take(scratch: Path, fresh: Path, *, version: Version, origin: KernelOrigin) -> None:
    with ui.step(f"downloading {origin.package} {origin.version}"):
        deb = download(version, scratch)
    _take_kernel(deb, fresh / VMLINUZ)


def download(version: Version, directory: Path) -> Path:
    """Fetch one package; apt verifies the archive's signature on the hash, and the hash."""
    if os.geteuid() == 0:
        # apt's own user cannot write to root's cache, and apt would say so at length.
        apt_pkg.config.set("APT::Sandbox::User", "root")
    try:
        return Path(
            version.fetch_binary(str(directory), AcquireProgress(), allow_unauthenticated=False)
        )
    except (FetchError, UntrustedError, SystemError) as error:
        reason = " ".join(str(error).split())
        raise MissingError(
            f"cannot download {version.package.name} {version.version}: {reason}",
            hint="see to the network and 'apt-get update', or use --offline or --kernel FILE",
        ) from error


def _take_kernel(deb: Path, destination: Path) -> None:
    """Write the kernel in ``deb`` to ``destination``; nothing else is unpacked."""
    try:
        package = DebFile(filename=str(deb))
        with package.data.tgz() as archive:
            for member in archive:
                if member.isfile() and member.name.startswith(_MEMBER_PREFIX):
                    source = archive.extractfile(member)
                    assert source is not None
                    with source, destination.open("wb") as target:
                        while chunk := source.read(1 << 20):
                            target.write(chunk)
                    return
    except (DebError, tarfile.TarError) as error:
        raise InputError(f"{deb.name}: {error}", hint="the package is damaged") from error
    raise InputError(
        f"{deb.name} has no kernel", hint="name a linux-image package, or use --kernel FILE"
    )


def cached_kernel(entry: Path) -> ArchiveKernel | None:
    """The kernel in a directory of the cache; None where it is not there or not intact."""
    kernel = entry / VMLINUZ
    try:
        record = json.loads((entry / _RECORD).read_text(encoding="utf-8"))
        origin = KernelOrigin(package=str(record["package"]), version=str(record["version"]))
        intact = sha256_of(kernel) == record["sha256"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return ArchiveKernel(path=kernel, origin=origin) if intact else None


def _newest_cached(package: str, cache: Path) -> ArchiveKernel:
    """What ``package`` stood for last time, or else the newest version of itself."""
    candidates = list(_candidates(package, cache))
    if not candidates:
        raise MissingError(
            f"no kernel of {package} in {cache}, and it is not installed",
            hint=f"bake once without --offline; for a package, have {package} in Build-Depends",
        )
    return newest(candidates)


def _candidates(package: str, cache: Path) -> Iterator[ArchiveKernel]:
    try:
        record = json.loads((cache / f"{package}.json").read_text(encoding="utf-8"))
        names = [Path(str(record["entry"])).name]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        names = [path.name for path in cache.glob(f"{package}_*")]
    for name in names:
        found = cached_kernel(cache / name)
        if found is not None:
            yield found

# SPDX-License-Identifier: BSD-2-Clause
"""The slim kernel: the archive's kernel source, built with our own small configuration, and kept.

The source package is downloaded and verified by apt, and never installed. What comes out depends
on the source's version, the fragments, and the compiler alone: the name in the cache says so.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import lzma
import os
import re
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO

from apt.package import Version
from debian.arfile import ArError
from debian.changelog import Changelog, ChangelogParseError
from debian.debfile import DebFile

from rumprun import command, paths, ui
from rumprun.bake.apt_state import apt_state
from rumprun.bake.image import KernelOrigin
from rumprun.bake.installed import InstalledFile, find_kernel_source
from rumprun.bake.kernel import (
    VMLINUZ,
    ArchiveKernel,
    cached_kernel,
    download,
    newest,
    provide,
    recall,
    remember,
    resolve,
)
from rumprun.bake.kernel_config import (
    Setting,
    check_config,
    fragment_files,
    joined,
    read_fragments,
)
from rumprun.errors import InputError, MissingError

SLIM = "slim"
SOURCE_PACKAGE = "linux-source"

_SOURCE_NAME = re.compile(r"linux-source(-[0-9]+\.[0-9]+)?", re.ASCII)

# To be raised where this module makes something else of the same input.
_BUILD_FORM = 1

# A program, to the Debian package that has it.
TOOLS = {
    "make": "make",
    "gcc": "gcc",
    "ld": "binutils",
    "flex": "flex",
    "bison": "bison",
    "bc": "bc",
    "xz": "xz-utils",
}
# objtool, a part of every build of an x86-64 kernel, reads ELF files with the library of these.
HEADERS = {Path("/usr/include/gelf.h"): "libelf-dev"}

# Most of the source is for other machines and devices; its Kconfig files are read all the same,
# because one names the next. Directories, and the kinds of files there that are left out:
_CODE = ("c", "h")
_UNUSED = {
    # All but arch/x86; its neighbour xtensa is small.
    "arch/[a-w]*": ("S", "c", "dts", "dtsi", "h"),
    "Documentation": ("json", "rst", "svg", "txt", "yaml"),
    "drivers/gpu": _CODE,
    "drivers/infiniband": _CODE,
    "drivers/media": _CODE,
    "drivers/net/ethernet": _CODE,
    "drivers/net/wireless": _CODE,
    "drivers/scsi": _CODE,
    "drivers/staging": _CODE,
    "drivers/usb": _CODE,
    "sound": _CODE,
}
_UNUSED_TREES = ("LICENSES", "tools/perf", "tools/testing")

_CONFIG = "config"
_SYMBOLS = "System.map"
_SOURCE_MEMBER = re.compile(r"\./usr/src/(linux-source-[0-9.]+)\.tar\.xz", re.ASCII)
_CHANGELOG_MEMBER = re.compile(r"\./usr/share/doc/[^/]+/changelog\.Debian\.gz")

_BUILDING = "building the slim kernel, which takes minutes, once"
_BUILD_SECONDS = 7200.0
_LOG = "build.log"
_CHUNK = 1 << 20


def is_source_package(name: str) -> bool:
    """Whether ``name`` is a package of kernel source, from which the slim kernel is built."""
    return _SOURCE_NAME.fullmatch(name) is not None


def kernel_choice(kernel: str | None, package: str) -> tuple[Path | None, str]:
    """The user's own kernel, or None and the package that it comes from.

    ``kernel`` is a file's name, ``slim``, or None for the kernel of ``package``. A file of the
    name ``slim`` is ``./slim``.
    """
    if kernel is None:
        return None, package
    return (None, SOURCE_PACKAGE) if kernel == SLIM else (Path(kernel), package)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What makes one slim kernel different from another, apart from the source."""

    settings: tuple[Setting, ...]
    compiler: str

    @property
    def key(self) -> str:
        """The hash of it all."""
        parts = (str(_BUILD_FORM), joined(self.settings), self.compiler)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def read_recipe() -> Recipe:
    """The fragments as they are now, and the compiler that there is.

    Raises :class:`MissingError` where there is no compiler, :class:`InputError` for a bad fragment.
    """
    require_tools({"gcc": "gcc", "ld": "binutils"}, {})
    versions = [
        command.run([tool, "--version"], timeout=60).stdout.partition("\n")[0]
        for tool in ("gcc", "ld")
    ]
    return Recipe(settings=read_fragments(fragment_files()), compiler="\n".join(versions))


def slim_kernel(package: str = SOURCE_PACKAGE, *, offline: bool = False) -> ArchiveKernel:
    """The slim kernel of ``package``, such as ``linux-source`` or ``linux-source-6.1``.

    It is built where the cache does not have it, which takes minutes. With ``offline``, it is
    built of an installed ``package``, or the newest one in the cache is taken that these
    fragments and this compiler made.

    Raises :class:`MissingError` where apt does not know the package, the download fails, a tool
    is not installed or (``offline``) the cache has none, :class:`InputError` for a fragment that
    is not followed, and :class:`BuildError` where the build fails.
    """
    recipe = read_recipe()
    cache = paths.cache() / "kernels"
    if offline:
        source = find_kernel_source(package)
        if source is None:
            return _newest_cached(package, recipe, cache)
        build = functools.partial(_make_installed, recipe=recipe, source=source)
        return provide(_entry(cache, recipe, source.origin), source.origin, build)
    record = cache / f"{SLIM}-{recipe.key}_{package}.json"
    state = apt_state()
    found = recall(record, state)
    if found is None:
        version = resolve(package, f"{SOURCE_PACKAGE}-")
        origin = KernelOrigin(package=version.package.name, version=version.version)
        entry = _entry(cache, recipe, origin)
        make = functools.partial(_make, recipe=recipe, origin=origin, version=version)
        found = provide(entry, origin, make)
        remember(record, entry, state)
    return found


def _entry(cache: Path, recipe: Recipe, origin: KernelOrigin) -> Path:
    return cache / f"{SLIM}-{recipe.key}_{origin.package}_{origin.version}"


def require_tools(tools: Mapping[str, str], headers: Mapping[Path, str]) -> None:
    """See that the programs ``tools`` and the files ``headers`` are there.

    The values are the packages that have them.

    Raises :class:`MissingError` that names every package that is not installed.
    """
    missing = {package for tool, package in tools.items() if shutil.which(tool) is None}
    missing |= {package for path, package in headers.items() if not path.is_file()}
    if missing:
        names = " ".join(sorted(missing))
        raise MissingError(
            f"the slim kernel cannot be built without {names}",
            hint=f"run 'apt-get install {names}' as root",
        )


def _newest_cached(package: str, recipe: Recipe, cache: Path) -> ArchiveKernel:
    entries = cache.glob(f"{SLIM}-{recipe.key}_{package}*_*")
    found = [kernel for entry in entries if (kernel := cached_kernel(entry)) is not None]
    # linux-source-6.1 is no form of linux-source-6.10, but of linux-source.
    fitting = [each for each in found if package in (SOURCE_PACKAGE, each.origin.package)]
    if not fitting:
        raise MissingError(
            f"no slim kernel of {package}, these fragments and this compiler in {cache}",
            hint=f"bake once without --offline; for a package, have {package} in Build-Depends",
        )
    return newest(fitting)


def _make(
    scratch: Path, fresh: Path, *, recipe: Recipe, origin: KernelOrigin, version: Version
) -> None:
    require_tools(TOOLS, HEADERS)
    with ui.step(f"downloading {origin.package} {origin.version}"):
        deb = download(version, scratch)
    tree = scratch / "linux"
    with ui.step("unpacking the kernel's source"):
        stamp = unpack_source(deb, tree)
    with ui.step(_BUILDING):
        build_kernel(tree, recipe.settings, fresh, stamp=stamp)


def _make_installed(scratch: Path, fresh: Path, *, recipe: Recipe, source: InstalledFile) -> None:
    """Like :func:`_make`, of the source that an installed package has."""
    require_tools(TOOLS, HEADERS)
    tree = scratch / "linux"
    changelog = Path("/usr/share/doc") / source.origin.package / "changelog.Debian.gz"
    with ui.step("unpacking the kernel's source"), changelog.open("rb") as packed:
        stamp = _changelog_date(packed)
        _unpack_archive(source.path, source.path.name.removesuffix(".tar.xz"), tree)
    with ui.step(_BUILDING):
        build_kernel(tree, recipe.settings, fresh, stamp=stamp)


def unpack_source(deb: Path, tree: Path) -> str:
    """Unpack into ``tree`` what a build needs of the source in ``deb``; ``deb`` is removed.

    Returns the date of the package's changelog. Raises :class:`InputError` for a package without
    source.
    """
    archive = tree.with_name(f"{tree.name}.tar.xz")
    try:
        package = DebFile(filename=str(deb))
        top = stamp = ""
        with package.data.tgz() as members:
            for member in members:
                if match := _SOURCE_MEMBER.fullmatch(member.name):
                    top = match[1]
                    _copy_member(members, member, archive)
                elif _CHANGELOG_MEMBER.fullmatch(member.name):
                    stamp = _changelog_date(members.extractfile(member))
    except (ArError, tarfile.TarError, lzma.LZMAError, ChangelogParseError) as error:
        raise InputError(f"{deb.name}: {error}", hint="the package is damaged") from error
    if not archive.is_file() or not stamp:
        raise InputError(f"{deb.name} has no kernel source", hint="name a linux-source package")
    deb.unlink()
    _unpack_archive(archive, top, tree)
    archive.unlink()
    return stamp


def _unpack_archive(archive: Path, top: str, tree: Path) -> None:
    """Unpack into ``tree`` what is needed of ``top``, the directory that all of it is in."""
    tree.mkdir()
    unpack = ["tar", "--extract", "--file", str(archive), "--strip-components=1"]
    command.run([*unpack, *_exclusions(top)], cwd=tree, hint="is the package damaged?")


def _exclusions(top: str) -> list[str]:
    """Options of tar; ``top`` is the directory that all of the archive is in."""
    trees = (f"--exclude={top}/{tree}" for tree in _UNUSED_TREES)
    files = (
        f"--exclude={top}/{directory}/*.{kind}"
        for directory, kinds in _UNUSED.items()
        for kind in kinds
    )
    return ["--anchored", "--wildcards", *trees, *files]


def _copy_member(members: tarfile.TarFile, member: tarfile.TarInfo, destination: Path) -> None:
    source = members.extractfile(member)
    assert source is not None
    with source, destination.open("wb") as target:
        shutil.copyfileobj(source, target, _CHUNK)


def _changelog_date(packed: IO[bytes] | None) -> str:
    """When the package was made, as the kernel's version line is to show it."""
    assert packed is not None
    with packed, gzip.open(packed) as text:
        newest = Changelog(text, max_blocks=1)
    try:
        return parsedate_to_datetime(str(newest.date)).isoformat()
    except ValueError as error:
        raise ChangelogParseError(f"no date: {newest.date}") from error


def build_kernel(tree: Path, settings: Sequence[Setting], output: Path, *, stamp: str) -> None:
    """Build the source in ``tree`` with ``settings`` and nothing else; ``output`` gets the results.

    Kernel, configuration and symbols: the same bytes for the same input, wherever it is built.
    Raises :class:`InputError` for a setting that Kconfig drops, :class:`BuildError` for the rest.
    """
    log = tree / _LOG
    # No path of the build, time or machine is in it; a name for "-dirty" is not looked for.
    make = [
        "make",
        "-s",
        f"-j{len(os.sched_getaffinity(0))}",
        "ARCH=x86_64",
        f"KBUILD_BUILD_TIMESTAMP={stamp}",
        "KBUILD_BUILD_USER=dh-rumprun",
        "KBUILD_BUILD_HOST=debian",
        "KBUILD_BUILD_VERSION=1",
    ]
    wanted = tree / "fragments.config"
    wanted.write_text(joined(settings), encoding="utf-8")
    configure = [*make, f"KCONFIG_ALLCONFIG={wanted.name}", "allnoconfig"]
    command.run(configure, cwd=tree, log=log, timeout=_BUILD_SECONDS)
    check_config(settings, (tree / ".config").read_text(encoding="utf-8"))
    command.run([*make, "bzImage"], cwd=tree, log=log, timeout=_BUILD_SECONDS)
    shutil.copyfile(tree / "arch" / "x86" / "boot" / "bzImage", output / VMLINUZ)
    shutil.copyfile(tree / ".config", output / _CONFIG)
    shutil.copyfile(tree / "System.map", output / _SYMBOLS)

# SPDX-License-Identifier: BSD-2-Clause
"""The tree with a prefix's tools as everything here wants them: our driver before upstream's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rumprun import paths
from rumprun.digest import sha256_of_bytes
from rumprun.target.prefix import Prefix
from rumprun.workdir import temporary_tree

# What the driver is called, and what is upstream's own.
_DRIVEN: Final = ("gcc", "cc", "c99", "g++", "c++", "cpp", "ld", "pkg-config", "strip")
_PLAIN: Final = (
    *("ar", "as", "nm", "objcopy", "objdump"),
    *("ranlib", "readelf", "size", "strings"),
)
_ALIASES: Final = {"gcc-ar": "ar", "gcc-nm": "nm", "gcc-ranlib": "ranlib"}

_CODE: Final = ("driver.py", "netbsd_words.py")
_SHARED: Final = (
    *("shared_link.py", "shared_link_ar.py"),
    *("shared_link_options.py", "shared_link_plan.py"),
)
_SETTINGS: Final = ("config.site", "toolchain.cmake", "cross.meson")


def provide_tools(name: str, prefix: Prefix) -> Path:
    """The root of a tree with the tools of ``prefix``, made once and kept in the user's cache."""
    place = paths.cache() / "targets" / f"{name}-{_digest(prefix)}"
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        with temporary_tree(parent=place.parent) as scratch:
            write_tools(prefix, scratch / "root", inside=prefix.path)
            try:
                (scratch / "root").rename(place)
            except OSError:
                # Somebody else was quicker, with the same.
                if not place.is_dir():
                    raise
    return place


def write_tools(prefix: Prefix, root: Path, *, inside: Path) -> None:
    """Write the tree below ``root``; ``inside`` is where the prefix is when that is installed."""
    package = "rumprun-toolchain-netbsd"
    code = root / "usr" / "lib" / package
    data = root / "usr" / "share" / package
    commands = root / "usr" / "bin"
    sysroot = root / "usr" / prefix.triple
    for directory in (code, data, commands, sysroot / "bin", sysroot / "lib" / "pkgconfig"):
        directory.mkdir(parents=True)
    for source in _sources():
        goal = data if source.name in _SETTINGS else code
        shutil.copyfile(source, goal / source.name)
    for program in ("driver.py", "shared_link.py"):
        (code / program).chmod(0o755)
    (code / "triple").write_text(f"{prefix.triple}\n", encoding="ascii")
    if inside != Path("/usr/lib") / package / "prefix":
        (code / "prefix").symlink_to(inside)
    for tool in _DRIVEN:
        (commands / f"{prefix.triple}-{tool}").symlink_to(f"../lib/{package}/driver.py")
    for tool in (*_PLAIN, *_ALIASES):
        upstream = f"{prefix.triple}-{_ALIASES.get(tool, tool)}"
        (commands / f"{prefix.triple}-{tool}").symlink_to(inside / "bin" / upstream)
    _link_sysroot(prefix, sysroot, inside)


def _link_sysroot(prefix: Prefix, sysroot: Path, inside: Path) -> None:
    """Upstream's headers and libraries, each by a link, so that variants fit in between."""
    machine = inside / prefix.machine.name
    (sysroot / "include").mkdir()
    for header in sorted((prefix.machine / "include").iterdir()):
        (sysroot / "include" / header.name).symlink_to(machine / "include" / header.name)
    # The objects stand for what the baker adds.
    for archive in sorted((prefix.machine / "lib").glob("*.[ao]")):
        (sysroot / "lib" / archive.name).symlink_to(machine / "lib" / archive.name)


def _sources() -> Iterator[Path]:
    toolchain = paths.DATA / "toolchain"
    for name in (*_CODE, *_SETTINGS):
        yield toolchain / "netbsd" / name
    for name in _SHARED:
        yield toolchain / name


def _digest(prefix: Prefix) -> str:
    """Another prefix, the same one installed again, or another version of us: another tree."""
    parts = [str(prefix.path), str(prefix.recipe.stat().st_mtime_ns), ",".join(prefix.platforms)]
    parts += [path.read_text(encoding="utf-8") for path in _sources()]
    parts.append(Path(__file__).read_text(encoding="utf-8"))
    return sha256_of_bytes("\0".join(parts).encode())[:16]

# SPDX-License-Identifier: BSD-2-Clause
"""Which files of the packages are in dom0's root: programs of Xen, and the libraries they load.

All is below ``usr``, whichever way a suite has it; ``bin`` and its like are links.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from rumprun import command
from rumprun.bake.root import Directory, Entry, Link
from rumprun.elf import PARSER_ERRORS
from rumprun.elf_magic import is_elf
from rumprun.errors import MissingError

Files = dict[str, Entry | Link | Directory]

# What is also a name at the top, as a link.
_MERGED: Final = ("bin", "lib", "lib64", "sbin")

_LINKS: Final = {name: f"usr/{name}" for name in _MERGED} | {
    "var/run": "../run",
    "var/lock": "../run/lock",
}

_BUSYBOX: Final = "usr/bin/busybox"
_LOADER: Final = "usr/lib64/ld-linux-x86-64.so.2"

# What nobody in a lab reads or runs, of any package.
_DROPPED = re.compile(
    r"(boot|usr/include|usr/share/(doc|doc-base|info|lintian|locale|man|bug)|usr/lib/modules"
    r"|usr/lib/(debug|systemd|udev|tmpfiles\.d)|etc/(init\.d|cron\.\w+|logrotate\.d))/.*"
)
# Of Xen's packages: what is written in Python, and a hypervisor for old guests.
_NOT_OF_XEN = re.compile(r"usr/share/.*|.*/lib/python/.*|.*/xenfsimage.*|.*/boot/xen-shim")
# Of these, nothing but programs is looked for.
_PROGRAMS: Final = {
    "bash": re.compile(r"usr/bin/bash"),
    "busybox-static": re.compile(_BUSYBOX),
    "iproute2": re.compile(r"usr/s?bin/(ip|bridge)"),
    # Hotplug scripts wait for one another with it, and busybox's has other options.
    "util-linux": re.compile(r"usr/bin/flock"),
}

# Loaded by libc itself where a thread is cancelled, as libxenstore does.
_LOADED_BY_NAME: Final = "libgcc_s.so.1"


def merged(name: str) -> str:
    """Where a package's file is in a root whose ``bin``, ``lib`` and so on are below ``usr``."""
    return f"usr/{name}" if name.split("/", 1)[0] in _MERGED else name


def base_files(trees: dict[str, Path], whole: Iterable[str]) -> Files:
    """What a lab needs of its own packages: ``trees`` has where each is unpacked.

    All of the packages ``whole`` is taken but what no lab reads; of the others, the libraries that
    programs load. Raises :class:`MissingError` where a library is in none of them.
    """
    files: Files = {}
    wanted = set(whole)
    for package in wanted:
        programs = _PROGRAMS.get(package)
        for name, path in _members(trees[package]):
            if programs.fullmatch(name) if programs else not _NOT_OF_XEN.fullmatch(name):
                files[name] = _entry(path)
    return add_libraries(files, trees.values())


def further_files(tree: Path) -> Files:
    """All of a package that the user asked for, but what nobody reads in a lab."""
    return {name: _entry(path) for name, path in _members(tree)}


def add_libraries(files: Files, trees: Iterable[Path]) -> Files:
    """``files``, and the shared libraries that they load, out of ``trees``."""
    libraries = {
        path.name: (name, path)
        for tree in trees
        for name, path in _members(tree)
        if ".so" in path.name
    }
    found = dict(files)
    waiting = [entry.content for entry in files.values() if isinstance(entry, Entry)]
    present = {name.rpartition("/")[2] for name in found}
    wanted = [_LOADED_BY_NAME]
    while wanted or waiting:
        if not wanted:
            content = waiting.pop()
            wanted += _needed_by(content) if isinstance(content, Path) else ()
            continue
        needed = wanted.pop()
        if needed in present:
            continue
        if needed not in libraries:
            raise MissingError(f"no package for dom0 has {needed}, which a program of it loads")
        present.add(needed)
        name, path = libraries[needed]
        found[_LOADER if needed == Path(_LOADER).name else name] = _entry(path.resolve())
        waiting.append(path.resolve())
    return found


def add_shell(files: Files) -> Files:
    """``files`` with links for what busybox can, where no package has it, and for directories."""
    busybox = files[_BUSYBOX]
    assert isinstance(busybox, Entry)
    assert isinstance(busybox.content, Path)
    applets = command.run([busybox.content, "--list"]).stdout.split()
    places = {name.rpartition("/")[2] for name in files if re.match(r"usr/s?bin/", name)}
    links: Files = {
        f"usr/bin/{applet}": Link(goal="busybox") for applet in applets if applet not in places
    }
    return {**files, **links, **{name: Link(goal=goal) for name, goal in _LINKS.items()}}


def _members(tree: Path) -> Iterator[tuple[str, Path]]:
    """The files and links of an unpacked package that a root may have, by their names there."""
    for path in sorted(tree.rglob("*")):
        name = merged(path.relative_to(tree).as_posix())
        top = name.rpartition("/")[0] == "usr" and name.rpartition("/")[2] in _MERGED
        if (path.is_symlink() or path.is_file()) and not top and not _DROPPED.fullmatch(name):
            yield name, path


def _entry(path: Path) -> Entry | Link:
    if path.is_symlink():
        return Link(goal=str(path.readlink()))
    return Entry(content=path, executable=bool(path.stat().st_mode & 0o111))


def _needed_by(path: Path) -> tuple[str, ...]:
    """The names of the libraries that the program or library ``path`` loads, and its loader's."""
    if not is_elf(path):
        return ()
    with path.open("rb") as file:
        try:
            elf = ELFFile(file)
            section = elf.get_section_by_name(".dynamic")
            if not isinstance(section, DynamicSection):
                return ()
            return tuple(str(tag.needed) for tag in section.iter_tags("DT_NEEDED"))
        except PARSER_ERRORS:
            return ()

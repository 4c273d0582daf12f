# SPDX-License-Identifier: BSD-2-Clause
"""What is known of both C libraries, and of the libraries that have no variant."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rumprun.command import run
from rumprun.source.recipe import Entry
from rumprun.target.descriptor import Target
from rumprun.variant.audit.symbols import read_symbols
from rumprun.variant.difference.model import Reason
from rumprun.variant.difference.symbols import parse_dynamic
from rumprun.variant.features import Switch

_NM_SECONDS = 300.0
_IDENTIFIER = re.compile(r"[A-Za-z_]\w{2,}")

# Debian's C library: what to link with and its headers, and the shared objects themselves.
_LIBC_PACKAGES = ("libc6-dev", "linux-libc-dev", "libcrypt-dev", "libc6", "libcrypt1")

# Parts of a -dev package's name that are not the library's.
_DEV = re.compile(r"(?:-\d[\d.]*)?-dev$")


@dataclass(frozen=True, kw_only=True)
class Library:
    """What a C library, or a -dev package, offers.

    ``core`` are those functions that a link with nothing but the C library finds. ``headers``
    are named as autoconf's macros do, without ``HAVE_``: ``SYS_ACL_H``;
    ``libraries`` without ``lib`` and suffix; ``words`` are the identifiers in its headers.
    """

    name: str
    functions: frozenset[str] = frozenset()
    core: frozenset[str] = frozenset()
    headers: frozenset[str] = frozenset()
    libraries: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that reasons are drawn from.

    ``native`` and ``variant`` are the two C libraries, ``missing`` the -dev packages that the
    source builds with and that have no variant at hand, ``stray`` those that are installed without
    its asking; ``switches`` are the features that the variant pass turned off; ``dropped`` the
    packages that a build profile leaves out; ``recipe`` is what the recipe changed; ``owners``
    maps macros of headers to the package that installed them here; ``lost`` are the libraries
    that the variant has not, each with the reason; ``generators`` what made configure natively
    and in the pass, where that differs.
    """

    native: Library
    variant: Library
    missing: tuple[Library, ...] = ()
    stray: tuple[Library, ...] = ()
    switches: tuple[Switch, ...] = ()
    dropped: frozenset[str] = frozenset()
    recipe: tuple[Entry, ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict)
    lost: tuple[tuple[Library, Reason], ...] = ()
    generators: tuple[str, str] | None = None


def macro_name(header: str) -> str:
    """``sys/acl.h`` as autoconf writes it: ``SYS_ACL_H``."""
    return re.sub(r"[^A-Za-z0-9]", "_", header).upper()


def read_native_libc(target: Target) -> Library:
    """The C library of the build machine, from the packages that dpkg says it is made of."""
    return _read_package("libc", _LIBC_PACKAGES, target, with_words=True)


def read_variant_libc(target: Target) -> Library:
    """The target's own C library, from its archives and headers."""
    archives = sorted((target.sysroot / "lib").glob("*.a"))
    symbols = {path.stem: item.defined() for path, item in read_symbols(archives, target).items()}
    headers = _target_headers(target)
    return Library(
        name=target.libc,
        functions=frozenset[str]().union(*symbols.values()),
        core=frozenset(symbols.get("libc", ())),
        headers=frozenset(map(macro_name, headers)),
        libraries=frozenset(path.stem.removeprefix("lib") for path in archives),
        words=_words(headers.values()),
    )


def _target_headers(target: Target) -> dict[str, Path]:
    """The headers that the target's compiler finds, by the name to include; not its own."""
    said = run([target.tool("gcc"), "-E", "-Wp,-v", "-xc", "/dev/null"]).stderr
    places = [Path(line.strip()) for line in said.splitlines() if line.startswith(" /")]
    found: dict[str, Path] = {}
    for place in places:
        if "gcc" in place.parts:
            continue
        for directory, names, files in os.walk(place, followlinks=True):
            # Those of C++ are neither C library's.
            names[:] = [name for name in names if name != "c++"]
            for file in files:
                path = Path(directory) / file
                found.setdefault(str(path.relative_to(place)), path)
    return found


def read_libraries(names: Iterable[str], target: Target) -> tuple[Library, ...]:
    """The -dev packages ``names``, as far as they are installed; others by their name alone."""
    return tuple(
        _read_package(name, (name,), target, with_words=False) for name in sorted(set(names))
    )


def read_lost(name: str, library: Path, target: Target) -> Library:
    """The native shared library ``library``, of which the variant has nothing."""
    functions = _exported([library], target)
    return Library(name=name, functions=functions, libraries=frozenset({name.removeprefix("lib")}))


def installed_dev_packages() -> tuple[str, ...]:
    """All -dev packages of libraries on the build machine, the C library's left out."""
    said = run(["dpkg-query", "-W", "-f", "${Package}\t${Section}\t${db:Status-Status}\n", "*-dev"])
    rows = (line.split("\t") for line in said.stdout.splitlines())
    return tuple(
        name
        for name, section, status in rows
        if status == "installed" and section.endswith("libdevel") and name not in _LIBC_PACKAGES
    )


def header_owners(names: Iterable[str]) -> dict[str, str]:
    """Which package has installed the header of each macro of ``names``: ``SYS_ACL_H``.

    Headers that no package owns, and those of the C library, are left out.
    """
    wanted = set(names)
    found: dict[str, Path] = {}
    for directory, _names, files in os.walk("/usr/include"):
        for file in files:
            path = Path(directory) / file
            name = macro_name(_header_name(path))
            if name in wanted:
                found.setdefault(name, path)
    owners = {}
    for name, path in found.items():
        said = run(["dpkg-query", "-S", path], check=False).stdout
        package = said.partition(":")[0]
        if package and package not in _LIBC_PACKAGES:
            owners[name] = package
    return owners


def with_requirements(names: Iterable[str]) -> tuple[str, ...]:
    """``names`` and the -dev packages that those, as installed, depend on."""
    found: dict[str, None] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop(0)
        if name in found:
            continue
        found[name] = None
        said = run(["dpkg-query", "-W", "-f", "${Depends}", "--", name], check=False).stdout
        words = re.findall(r"(?:^|[,|]\s*)([a-z0-9][a-z0-9.+-]*-dev)\b", said)
        waiting += [word for word in words if word not in _LIBC_PACKAGES and word != "libc-dev"]
    return tuple(found)


def _read_package(
    name: str, packages: Iterable[str], target: Target, *, with_words: bool
) -> Library:
    files = _listed(packages)
    headers = {_header_name(path): path for path in files if "/include/" in str(path)}
    shared = {path.resolve() for path in files if ".so" in path.name and path.is_file()}
    libraries = {path.name.removeprefix("lib") for path in files if path.name.startswith("lib")}
    stems = {re.sub(r"\.(?:a|so.*)$", "", library) for library in libraries if "." in library}
    if not with_words:
        stems.add(_DEV.sub("", name).removeprefix("lib"))
    return Library(
        name=name,
        functions=_exported(shared, target),
        core=_exported((path for path in shared if path.name.startswith("libc.so")), target),
        headers=frozenset(macro_name(header) for header in headers),
        libraries=frozenset(stems),
        modules=frozenset(path.stem for path in files if path.suffix == ".pc"),
        words=_words(headers.values()) if with_words else frozenset(),
    )


def _listed(packages: Iterable[str]) -> list[Path]:
    """The installed files of ``packages``; of those that are not installed there are none."""
    said = run(["dpkg-query", "-L", *packages], check=False).stdout
    paths = (Path(line) for line in said.splitlines() if line.startswith("/"))
    return [path for path in paths if path.is_file()]


def _header_name(path: Path) -> str:
    """The name to include ``path`` by: below /usr/include and the multiarch directory."""
    name = str(path).partition("/include/")[2]
    first, _, rest = name.partition("/")
    return rest if first.endswith(("-linux-gnu", "-linux-gnux32")) else name


def _exported(libraries: Iterable[Path], target: Target) -> frozenset[str]:
    names: set[str] = set()
    for path in sorted(libraries):
        argv: list[str | Path] = [target.tool("nm"), "-P", "-D", "-g", "--defined-only", path]
        said = run(argv, timeout=_NM_SECONDS, check=False)
        names |= {item.name for item in parse_dynamic(said.stdout) if item.current}
    return frozenset(names)


def _words(headers: Iterable[Path]) -> frozenset[str]:
    found: set[str] = set()
    for path in headers:
        found.update(_IDENTIFIER.findall(path.read_text(encoding="utf-8", errors="replace")))
    return frozenset(found)

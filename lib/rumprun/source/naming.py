# SPDX-License-Identifier: BSD-2-Clause
"""Which binary packages of a source get a variant, and what the variants are called.

Everything here is told from ``debian/control`` alone, without building anything.
"""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from debian.debian_support import DpkgArchTable

from rumprun.errors import InputError
from rumprun.source.control import formula_holds, relation_names

if TYPE_CHECKING:
    from rumprun.source.package import Binary, SourcePackage

DEFAULT_DPKG_ARCHITECTURE = "amd64"

# The registered profiles (https://wiki.debian.org/BuildProfileSpec) under which variants are built:
# cross, and without documentation, tests, installer packages, other word sizes, other languages.
PASS_PROFILES = frozenset(
    {
        "cross", "nobiarch", "nocheck", "nodoc", "nogir", "nogolang", "noinsttest", "nojava",
        "noperl", "nopython", "noruby", "noudeb",
    }
)  # fmt: skip

_MARK = "-rumprun"
_DEV = "-dev"

# Sections (https://packages.debian.org/unstable/) whose packages hold no C or C++ program or
# library to link with: data, documentation, other languages, kernels, and installer parts.
_NEVER_SECTIONS = frozenset(
    {
        "cli-mono", "debian-installer", "debug", "doc", "fonts", "gnu-r", "golang", "haskell",
        "introspection", "java", "javascript", "kernel", "lisp", "localization", "metapackages",
        "ocaml", "perl", "php", "python", "ruby", "rust", "tasks", "translations", "zope",
    }
)  # fmt: skip
_RUNTIME_SECTIONS = frozenset({"libs", "oldlibs"})
_NEVER_SUFFIXES = (
    "-udeb",
    "-doc",
    "-docs",
    "-dbg",
    "-dbgsym",
    "-common",
    "-data",
    "-dkms",
    "-examples",
    "-l10n",
    "-locales",
    "-source",
    "-tests",
    "-perl",
    "-java",
    "-ruby",
)
# Shared plug-ins of a program in another source; a static program cannot load them.
_NEVER_PREFIXES = ("gir1.2-", "libapache2-mod-", "libnss-", "libpam-", "python3-", "ruby-")

# A multilib package: the same library for another word size of the same machine.
_MULTILIB_PREFIXES = ("lib32", "lib64", "libn32", "libx32", "libo32")
_MULTILIB_DEPENDS = (*_MULTILIB_PREFIXES, "libc6-dev-", "libc6-i386", "libc6-x32")


# Where maintainers put what dpkg-shlibdeps found; weaker relations are for optional programs.
_SHLIBS_FIELDS = ("Pre-Depends", "Depends", "Recommends", "Suggests")


class Kind(enum.Enum):
    """What a variant package holds: headers and static libraries, or programs."""

    DEV = "dev"
    PROGRAM = "program"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A binary package that gets a variant."""

    original: Binary
    variant: str
    kind: Kind


def is_variant_name(name: str) -> bool:
    """Whether ``name`` is that of a variant package."""
    return any(name.endswith(mark) and len(name) > len(mark) for mark in (_MARK, f"{_MARK}{_DEV}"))


def variant_name(binary_name: str) -> str:
    """The variant's name: ``zlib1g-dev`` gives ``zlib1g-rumprun-dev``, ``gzip`` ``gzip-rumprun``.

    Raises :class:`InputError` where ``binary_name`` is a variant's name already.
    """
    if is_variant_name(binary_name):
        raise InputError(f"{binary_name} is a variant already")
    if binary_name.endswith(_DEV) and len(binary_name) > len(_DEV):
        return f"{binary_name.removesuffix(_DEV)}{_MARK}{_DEV}"
    return f"{binary_name}{_MARK}"


def original_name(variant: str) -> str:
    """The name that ``variant`` was made from: the inverse of :func:`variant_name`.

    Raises :class:`InputError` where ``variant`` is no variant's name.
    """
    if not is_variant_name(variant):
        raise InputError(
            f"{variant} is no variant's name", hint="variants end in -rumprun or -rumprun-dev"
        )
    if variant.endswith(f"{_MARK}{_DEV}"):
        return variant.removesuffix(f"{_MARK}{_DEV}") + _DEV
    return variant.removesuffix(_MARK)


def candidates(
    source: SourcePackage,
    dpkg_architecture: str = DEFAULT_DPKG_ARCHITECTURE,
    profiles: frozenset[str] = PASS_PROFILES,
) -> tuple[Candidate, ...]:
    """The binary packages of ``source`` that get a variant, in the order of debian/control.

    A package gets one when it is a ``-dev`` package or has compiled programs (it takes
    ``${shlibs:Depends}``, unlike metapackages and scripts), is built under
    ``profiles``, and its ``Architecture`` covers ``dpkg_architecture``:

    * ``any``, another wildcard or a list that covers it, as dpkg has it, unless the package is
      multilib (``lib32z1-dev``: ``amd64 ppc64 s390x``), which is for another mode of the CPU;
    * ``all``, for ``-dev`` packages of a source that has nothing but ``all`` packages
      (header-only libraries).
    """
    runtime = _runtime_libraries(source)
    found = []
    for binary in source.binaries:
        kind = _kind(binary, profiles)
        if kind is None or binary.name in runtime:
            continue
        if source.is_all and kind is Kind.DEV:
            found.append(Candidate(original=binary, variant=variant_name(binary.name), kind=kind))
            continue
        covered = any(architecture_is(dpkg_architecture, word) for word in binary.architecture)
        if covered and not _is_multilib(binary):
            found.append(Candidate(original=binary, variant=variant_name(binary.name), kind=kind))
    return tuple(found)


def architecture_is(dpkg_architecture: str, wildcard: str) -> bool:
    """Whether ``wildcard`` covers ``dpkg_architecture``: dpkg-architecture(1), ``--is``."""
    return _dpkg_tables().matches_architecture(dpkg_architecture, wildcard)


@functools.cache
def _dpkg_tables() -> DpkgArchTable:
    return DpkgArchTable.load_arch_table()


def _kind(binary: Binary, profiles: frozenset[str]) -> Kind | None:
    """What a variant of ``binary`` would be, its architecture aside; ``None``: it gets none."""
    section = binary.section.rpartition("/")[2]
    if (
        binary.package_type != "deb"
        or is_variant_name(binary.name)
        or section in _NEVER_SECTIONS
        or binary.name.endswith(_NEVER_SUFFIXES)
        or binary.name.startswith(_NEVER_PREFIXES)
        or not formula_holds(binary.build_profiles, profiles)
    ):
        return None
    if binary.name.endswith(_DEV):
        return Kind.DEV
    if section in _RUNTIME_SECTIONS or not _has_compiled_code(binary):
        return None
    return Kind.PROGRAM


def _has_compiled_code(binary: Binary) -> bool:
    """Whether dpkg-shlibdeps has something to say of it, which metapackages and scripts lack."""
    return any("${shlibs:" in binary.fields.get(field, "") for field in _SHLIBS_FIELDS)


def _runtime_libraries(source: SourcePackage) -> frozenset[str]:
    """The shared-library packages: what the source's -dev packages depend on by exact version.

    The section is no help where a source of section ``sound`` says nothing for its library.
    """
    return frozenset(
        name
        for binary in source.binaries
        if binary.name.endswith(_DEV)
        for name in relation_names(binary.depends)
        if name.startswith("lib") and name[-1:].isdigit()
    )


def _is_multilib(binary: Binary) -> bool:
    return binary.name.startswith(_MULTILIB_PREFIXES) or any(
        name.startswith(_MULTILIB_DEPENDS) for name in relation_names(binary.depends)
    )

# SPDX-License-Identifier: BSD-2-Clause
"""Sources and packages as an archive's indices describe them, and the plan made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class ArchiveBinary:
    """One line of a source's ``Package-List``; ``build_profiles`` as in debian/control."""

    name: str
    package_type: str
    section: str
    architecture: tuple[str, ...]
    build_profiles: str


@dataclass(frozen=True, kw_only=True)
class ArchiveSource:
    """One source package of an index of sources, or of a ``.dsc``.

    ``digest`` is the SHA-256 of the ``.dsc``, which has those of all its files.
    """

    name: str
    version: str
    digest: str
    section: str
    build_depends: str
    build_depends_arch: str
    binaries: tuple[ArchiveBinary, ...]


@dataclass(frozen=True, kw_only=True)
class ArchivePackage:
    """One binary package of an index of packages; ``depends`` has Pre-Depends in it."""

    name: str
    version: str
    source: str
    section: str
    multi_arch: str
    depends: str


@dataclass(frozen=True, kw_only=True, order=True)
class Need:
    """A library that a source builds with: the -dev package, and the source that makes it.

    ``required`` is one that the source's own -dev packages depend on; without another the
    source's build may do, if its build system has a switch for it.
    """

    library: str
    source: str
    required: bool


@dataclass(frozen=True, kw_only=True)
class Node:
    """One source of a plan, with what its build gives and what it takes.

    ``digest`` is the SHA-256 of the ``.dsc``; ``because`` says why it is there; ``dropped`` maps
    a package of Build-Depends that the variant does without to the reason; ``tools`` are wanted
    on the build machine.
    """

    source: str
    version: str
    digest: str
    variants: tuple[str, ...]
    needs: tuple[Need, ...]
    because: str
    dropped: Mapping[str, str] = field(default_factory=dict)
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A closure in an order to build it in: each node after those that it needs.

    ``asked`` are the sources that the user named.
    """

    target: str
    suite: str
    asked: tuple[str, ...]
    nodes: tuple[Node, ...]

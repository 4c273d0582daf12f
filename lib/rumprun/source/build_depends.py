# SPDX-License-Identifier: BSD-2-Clause
"""The packages that must be installed on the build machine before a source can be built."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rumprun.command import base_environment, run
from rumprun.errors import InputError, MissingError
from rumprun.source.apt_cache import package_stanzas, section_of
from rumprun.source.relations import alternatives

# https://packages.debian.org/unstable/: typesetting, and documents themselves.
_DOCUMENT_SECTIONS = frozenset({"doc", "fonts", "tex"})

# The second has the names that a library's -dev package had before.
_LIBRARY_SECTIONS = frozenset({"libdevel", "oldlibs"})

_UNMET = re.compile(r"[Uu]nmet build dependencies: (.*)")
_PACKAGE = re.compile(r"([a-z0-9][a-z0-9+.-]+)(?::\w+)?(?: \([^)]*\))?")


def unmet_build_depends(
    tree: Path, profiles: Iterable[str], *, indep: bool = False
) -> tuple[str, ...]:
    """The unmet Build-Depends of ``tree`` under the build ``profiles``, as package names.

    They are those for architecture-dependent packages, or with ``indep`` for the others.
    dpkg-checkbuilddeps decides; of alternatives the first is named. Raises :class:`InputError`
    for fields that it cannot read.
    """
    answer = run(
        [
            "dpkg-checkbuilddeps",
            "-I",
            "-A" if indep else "-B",
            "-P",
            ",".join(sorted(profiles)),
            "debian/control",
        ],
        cwd=tree,
        check=False,
    )
    found = _UNMET.search(answer.stderr)
    if not found:
        # 1 stands for conflicts, which a cross build may live with.
        if answer.returncode not in (0, 1):
            raise InputError(f"{tree / 'debian' / 'control'}: {answer.stderr.strip()}")
        return ()
    alternatives = re.sub(r" \| [a-z0-9][a-z0-9+.-]+(?::\w+)?(?: \([^)]*\))?", "", found.group(1))
    return tuple(match.group(1) for match in _PACKAGE.finditer(alternatives))


@dataclass(frozen=True, kw_only=True)
class Known:
    """What apt knows of a package: its section, without the area, and whether it typesets."""

    section: str
    typesets: bool

    @property
    def is_library(self) -> bool:
        """Headers and libraries to link with: a variant stands for it, or nothing does."""
        return self.section in _LIBRARY_SECTIONS

    @property
    def is_for_documents(self) -> bool:
        """What only documentation is made with, which a variant has none of."""
        return self.typesets or self.section in _DOCUMENT_SECTIONS


def look_up(names: Iterable[str]) -> dict[str, Known]:
    """Those of ``names`` that apt's lists have."""
    found = {}
    for stanza in package_stanzas(names):
        relations = alternatives(stanza.get("Depends", ""))
        found[stanza["Package"]] = Known(
            section=section_of(stanza),
            typesets=any(relation.name.startswith("texlive") for relation in relations),
        )
    return found


def without_tools(names: Iterable[str]) -> tuple[str, ...]:
    """Those of the -dev packages ``names`` that may be libraries.

    dpkg-dev and its like also end in -dev; the section of an installed package tells.
    """
    found = list(names)
    if not found:
        return ()
    answer = run(["dpkg-query", "-W", "-f", "${Package}\t${Section}\n", *found], check=False)
    rows = (line.split("\t") for line in answer.stdout.splitlines())
    tools = {name for name, section in rows if section and not section.endswith("libdevel")}
    return tuple(name for name in found if name not in tools)


def install_packages(names: Iterable[str], *, log: Path) -> None:
    """Install ``names`` with apt-get, without questions; needs root.

    Raises :class:`MissingError` where apt cannot.
    """
    packages = sorted(names)
    answer = run(
        ["apt-get", "install", "--yes", "--no-install-recommends", *packages],
        env={**base_environment(), "DEBIAN_FRONTEND": "noninteractive"},
        log=log,
        check=False,
    )
    if answer.returncode != 0:
        raise MissingError(
            f"apt-get could not install {' '.join(packages)}",
            hint=f"see {log}; run 'apt-get update' first, and as root",
        )

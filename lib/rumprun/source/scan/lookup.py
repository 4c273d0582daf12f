# SPDX-License-Identifier: BSD-2-Clause
"""What this machine knows of packages: apt's lists, and what dpkg has installed."""

from __future__ import annotations

from collections.abc import Iterable

from rumprun.command import run
from rumprun.source.apt_cache import package_stanzas, section_of
from rumprun.source.relations import alternatives
from rumprun.source.scan.model import Package

_INSTALLED = "${db:Status-Status}\t${Package}\t${Provides}\n"


def look_up_packages(names: Iterable[str]) -> dict[str, Package]:
    """Those of ``names`` that apt's lists have or that are installed, also as virtual packages."""
    wanted = sorted(names)
    if not wanted:
        return {}
    installed = _installed()
    found = {name: Package(installed=True) for name in wanted if name in installed}
    for stanza in package_stanzas(wanted):
        name = stanza["Package"]
        found[name] = Package(
            source=stanza.get("Source", name).partition(" ")[0],
            section=section_of(stanza),
            multi_arch=stanza.get("Multi-Arch", "no"),
            installed=name in installed,
        )
    return found


def _installed() -> frozenset[str]:
    """The names of what is installed, and of what that provides."""
    names: set[str] = set()
    for line in run(["dpkg-query", "-W", "-f", _INSTALLED], check=False).stdout.splitlines():
        status, name, provides = line.split("\t")
        if status == "installed":
            names.add(name)
            names.update(relation.name for relation in alternatives(provides))
    return frozenset(names)

# SPDX-License-Identifier: BSD-2-Clause
"""A feature switched off, in the words of the build system that knows it."""

from __future__ import annotations

import enum
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


class BuildSystem(enum.Enum):
    """Those that name their features; the values are debhelper's names."""

    AUTOCONF = "autoconf"
    CMAKE = "cmake"
    MESON = "meson"


@dataclass(frozen=True, kw_only=True)
class Switch:
    """One option and the value that turns it off, and why.

    ``option`` is the name as the build system writes it: ``with_icu`` for autoconf's
    ``--with-icu``, a cache entry of cmake, an option of meson.
    """

    build_system: BuildSystem
    option: str
    value: str
    reason: str

    def __str__(self) -> str:
        """As a user would type it."""
        if self.build_system is BuildSystem.AUTOCONF:
            return f"--{self.option.replace('_', '-')}={self.value}"
        return f"-D{self.option}={self.value}"


def write_switches(switches: Iterable[Switch], directory: Path, site: str) -> dict[str, str]:
    """Write ``switches`` into ``directory``; return the environment that makes them count.

    autoconf reads its part from a CONFIG_SITE of ours, which goes on with ``site``, whatever
    calls configure; a site file beats the command line. For cmake and meson the variant
    pass's dh_auto_configure appends them to the command line.
    """
    found = tuple(switches)
    lines = [f"ac_site_file={shlex.quote(site)}", f". {shlex.quote(site)}"]
    lines += [
        f"{switch.option}={switch.value}"
        for switch in found
        if switch.build_system is BuildSystem.AUTOCONF
    ]
    own = directory / "config.site"
    own.write_text("\n".join(lines) + "\n", encoding="utf-8")
    environment = {"CONFIG_SITE": str(own)}
    for system in (BuildSystem.CMAKE, BuildSystem.MESON):
        words = [str(switch) for switch in found if switch.build_system is system]
        environment[f"DH_RUMPRUN_{system.name}"] = "\n".join(words)
    return environment

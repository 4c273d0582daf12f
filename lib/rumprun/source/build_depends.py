# SPDX-License-Identifier: BSD-2-Clause
"""The packages that must be installed on the build machine before a source can be built."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from rumprun.command import base_environment, run
from rumprun.errors import MissingError

_UNMET = re.compile(r"[Uu]nmet build dependencies: (.*)")
_PACKAGE = re.compile(r"([a-z0-9][a-z0-9+.-]+)(?::\w+)?(?: \([^)]*\))?")


def unmet_build_depends(tree: Path, profiles: Iterable[str]) -> tuple[str, ...]:
    """The unmet Build-Depends of ``tree`` under the build ``profiles``, as package names.

    dpkg-checkbuilddeps decides; of alternatives the first is named.
    """
    answer = run(
        ["dpkg-checkbuilddeps", "-I", "-P", ",".join(sorted(profiles)), "debian/control"],
        cwd=tree,
        check=False,
        env={**base_environment(), "LC_ALL": "C.UTF-8"},
    )
    found = _UNMET.search(answer.stderr)
    if not found:
        return ()
    alternatives = re.sub(r" \| [a-z0-9][a-z0-9+.-]+(?::\w+)?(?: \([^)]*\))?", "", found.group(1))
    return tuple(match.group(1) for match in _PACKAGE.finditer(alternatives))


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

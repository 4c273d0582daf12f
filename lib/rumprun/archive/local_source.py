# SPDX-License-Identifier: BSD-2-Clause
"""A source that the user has as a ``.dsc``, in the form of an index's."""

from __future__ import annotations

import hashlib
from pathlib import Path

from debian.deb822 import Dsc

from rumprun.archive.index import parse_package_list
from rumprun.archive.model import ArchiveSource
from rumprun.source.control import read_text
from rumprun.source.dsc import read_dsc


def read_local_source(path: Path) -> ArchiveSource:
    """The source that the ``.dsc`` at ``path`` describes.

    Raises what :func:`read_dsc` raises.
    """
    control = read_dsc(path)
    fields = Dsc(read_text(path))
    return ArchiveSource(
        name=control.name,
        version=control.version,
        digest=hashlib.sha256(path.read_bytes()).hexdigest(),
        section="",
        build_depends=fields.get("Build-Depends", ""),
        build_depends_arch=fields.get("Build-Depends-Arch", ""),
        binaries=tuple(parse_package_list(fields.get("Package-List", ""))),
    )

# SPDX-License-Identifier: BSD-2-Clause
"""Local files as debusine's artifacts; the fields are those of ``artifacts/models.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from debian.deb822 import Deb822, Dsc
from debian.debfile import DebFile

from rumprun.archive.debusine.api import Description
from rumprun.source.control import read_text
from rumprun.source.deb import read_control
from rumprun.source.dsc import read_dsc

BINARY = "debian:binary-package"
BUILD_LOG = "debian:package-build-log"
SOURCE = "debian:source-package"
TARBALL = "debian:system-tarball"
UPLOAD = "debian:upload"


def source_package(path: Path) -> Description:
    """The source package of the ``.dsc`` at ``path``."""
    dsc = read_dsc(path)
    return Description(
        category=SOURCE,
        data={
            "name": dsc.name,
            "version": dsc.version,
            "type": "dpkg",
            "dsc_fields": _plain(Dsc(read_text(path))),
        },
        files={file.name: file for file in (path, *dsc.files)},
    )


def binary_package(deb: Path) -> Description:
    """The package ``deb``; raises :class:`InputError` where it is none."""
    control = read_control(deb)
    with DebFile(filename=str(deb)) as package:
        members = sorted(name.removeprefix("./") for name in package.control)
    return Description(
        category=BINARY,
        data={
            "srcpkg_name": control.source,
            "srcpkg_version": control.source_version,
            "deb_fields": _plain(control.fields),
            "deb_control_files": [name for name in members if name not in ("", ".")],
        },
        files={deb.name: deb},
    )


def system_tarball(path: Path, *, suite: str, architecture: str, mirror: str) -> Description:
    """The build environment in the tarball ``path``."""
    return Description(
        category=TARBALL,
        data={
            "filename": path.name,
            "vendor": "debian",
            "codename": suite,
            "mirror": mirror,
            "components": ["main"],
            "variant": "buildd",
            "pkglist": {},
            "architecture": architecture,
            "with_dev": False,
            "with_init": False,
        },
        files={path.name: path},
    )


def _plain(fields: Deb822) -> dict[str, Any]:
    """``fields`` as JSON has them: lists of files become lists of objects."""
    return {
        key: value if isinstance(value, str) else [dict(row) for row in value]
        for key, value in fields.items()
    }

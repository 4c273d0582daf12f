# SPDX-License-Identifier: BSD-2-Clause
"""What a binary package says of itself in its control file."""

from __future__ import annotations

import lzma
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from debian.arfile import ArError
from debian.deb822 import Deb822
from debian.debfile import DebError, DebFile

from rumprun.errors import InputError


@dataclass(frozen=True, kw_only=True)
class BinaryControl:
    """The names and versions of a package and of its source, and all ``fields``."""

    name: str
    version: str
    source: str
    source_version: str
    fields: Deb822


def read_control(deb: Path) -> BinaryControl:
    """The control file of the package ``deb``.

    Raises :class:`InputError` for a file that is no Debian package, and for a damaged one.
    """
    try:
        with DebFile(filename=str(deb)) as package:
            fields = package.debcontrol()
        name, version = fields["Package"], fields["Version"]
    except (ArError, DebError, OSError, tarfile.TarError, EOFError, ValueError) as error:
        raise InputError(f"{deb}: no Debian package: {error}", hint="remove it") from error
    except (KeyError, lzma.LZMAError, zlib.error) as error:
        raise InputError(f"{deb}: damaged package: {error}", hint="remove it") from error
    # Policy 5.6.1: "Source: name (version)" where the name or the version differs.
    source, _, source_version = fields.get("Source", name).partition(" ")
    return BinaryControl(
        name=name,
        version=version,
        source=source,
        source_version=source_version.strip("()") or version,
        fields=fields,
    )

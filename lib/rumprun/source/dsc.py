# SPDX-License-Identifier: BSD-2-Clause
"""Source packages on disk: the ``.dsc`` and the files that it lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from debian.deb822 import Dsc

from rumprun import ui
from rumprun.command import CommandFailed, base_environment, run
from rumprun.digest import sha256_of
from rumprun.errors import InputError, MissingError, SystemFault, UsageError
from rumprun.source.control import read_text
from rumprun.source.members import check_members
from rumprun.workdir import temporary_tree

_SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----"
_REQUIRED = ("Format", "Source", "Version", "Files")
_FORMATS = ("1.0", "3.0 (quilt)", "3.0 (native)")
_TIMEOUT = 1800.0


@dataclass(frozen=True, kw_only=True)
class SourceControl:
    """A ``.dsc`` whose listed files are there and have the right size.

    ``files`` are the listed ones, beside ``path``, in the order of the .dsc; ``sha256`` are the
    checksums that it gives, in hex by file name.
    """

    path: Path
    name: str
    version: str
    format: str
    files: tuple[Path, ...]
    sha256: Mapping[str, str]
    signed: bool


def read_dsc(path: Path) -> SourceControl:
    """The source package that ``path`` describes.

    Names and sizes of its files are checked here; their hashes when it is unpacked. Raises
    :class:`MissingError` where ``path`` or a listed file is missing, :class:`InputError` for
    what is no .dsc, a listed name that leads out of its directory, and a wrong size.
    """
    if not path.exists():
        raise MissingError(f"{path}: no such file", hint="check the name")
    text = read_text(path)
    dsc = Dsc(text)
    missing = [field for field in _REQUIRED if not dsc.get(field)]
    if missing:
        raise InputError(
            f"{path}: no source control file, it has no {missing[0]} field",
            hint="give the .dsc of a source package",
        )
    if dsc["Format"] not in _FORMATS:
        raise InputError(
            f"{path}: source format {dsc['Format']!r} is not supported",
            hint=f"these are: {', '.join(_FORMATS)}",
        )
    return SourceControl(
        path=path,
        name=dsc["Source"],
        version=dsc["Version"],
        format=dsc["Format"],
        files=tuple(_checked(path, dict(entry)) for entry in dsc["Files"]),
        sha256={entry["name"]: entry["sha256"] for entry in dsc.get("Checksums-Sha256", ())},
        signed=text.startswith(_SIGNED),
    )


def unpack(dsc: Path, destination: Path) -> Path:
    """Unpack the source package ``dsc`` as the new directory ``destination``, patches applied.

    dpkg-source checks every hash, and a signature where it has the key; an unsigned .dsc is
    accepted with a note. Either ``destination`` is complete at the end or it does not exist.
    Raises :class:`UsageError` where it exists before, otherwise as :func:`read_dsc`, and
    :class:`InputError` for content that does not match the .dsc or leads out of the tree.
    """
    if destination.exists():
        raise UsageError(f"{destination} exists already", hint="name a new directory")
    control = read_dsc(dsc)
    if not control.signed:
        ui.note(f"{dsc.name} is not signed; only its hashes are checked")
    for file in control.files:
        if ".tar." in file.name and not file.name.endswith(".asc"):
            _check_hash(file, control)
            check_members(file)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with temporary_tree(parent=destination.parent) as work:
        tree = work / "tree"
        try:
            run(
                ["dpkg-source", "--no-copy", "--extract", dsc.absolute(), tree],
                env=base_environment(),
                timeout=_TIMEOUT,
                hint="install dpkg-dev",
            )
        except CommandFailed as failure:
            raise _explain(failure, dsc) from failure
        tree.replace(destination)
    return destination


def _checked(dsc: Path, entry: dict[str, str]) -> Path:
    """The path of one listed file, which must be a plain name beside the .dsc."""
    name = entry.get("name", "")
    if not name or name in {".", ".."} or "/" in name or name.startswith("-"):
        raise InputError(
            f"{dsc}: lists {name!r}, which is no plain file name",
            hint="do not use this source package",
        )
    path = dsc.parent / name
    if not path.is_file():
        raise MissingError(
            f"{dsc}: lists {name}, which is not beside it", hint="fetch the whole source package"
        )
    wanted, found = entry.get("size", ""), path.stat().st_size
    if str(found) != wanted:
        raise InputError(
            f"{path}: {found} bytes, but {dsc.name} says {wanted}", hint="fetch it again"
        )
    return path


def _check_hash(file: Path, control: SourceControl) -> None:
    """dpkg-source checks all hashes, but what it would unpack is looked at before."""
    found = sha256_of(file)
    if found != control.sha256.get(file.name, found):
        raise InputError(
            f"{file}: its sha256 checksum is not that of {control.path.name}", hint="fetch it again"
        )


def _explain(failure: CommandFailed, dsc: Path) -> InputError | SystemFault:
    """dpkg-source's own reason, on one line."""
    lines = [line.strip() for line in failure.completed.stderr.splitlines() if line.strip()]
    reasons = [line.partition("error: ")[2] for line in lines if "error: " in line]
    reason = reasons[-1] if reasons else (lines[-1] if lines else failure.message)
    if any("No space left on device" in line for line in lines):
        return SystemFault(
            f"{dsc.name}: no space left on the disk", hint="free some, or point TMPDIR elsewhere"
        )
    hint = "fetch it again" if "checksum" in reason else "the source package is broken"
    return InputError(f"{dsc}: {reason}", hint=hint)

# SPDX-License-Identifier: BSD-2-Clause
"""The index of a repository for apt, made with apt-ftparchive(1), signed with gpg(1)."""

from __future__ import annotations

import lzma
from collections.abc import Iterable
from pathlib import Path

from debian.deb822 import Deb822

from rumprun.command import CommandFailed, run
from rumprun.errors import MissingError

COMPONENT = "main"
_ORIGIN = "dh-rumprun"


def write_index(
    directory: Path,
    root: Path,
    debs: Iterable[Path],
    *,
    suite: str,
    key: str | None,
    architecture: str = "amd64",
) -> None:
    """Fill the empty ``directory`` with the index of ``debs``, which lie in the pool of ``root``.

    ``key`` names the key to sign with, as gpg's ``--local-user``; ``None``: it is not signed.
    Raises :class:`MissingError` where gpg does not sign with it.
    """
    known = {str(deb.relative_to(root)) for deb in debs}
    place = directory / COMPONENT / f"binary-{architecture}"
    place.mkdir(parents=True)
    # What a killed build left in the pool is none of the repository's packages.
    said = run(["apt-ftparchive", "packages", "pool"], cwd=root).stdout if known else ""
    stanzas = Deb822.iter_paragraphs(said, use_apt_pkg=False)
    text = "\n".join(stanza.dump() or "" for stanza in stanzas if stanza["Filename"] in known)
    (place / "Packages").write_text(text, encoding="utf-8")
    (place / "Packages.xz").write_bytes(lzma.compress(text.encode()))
    fields = {
        "Origin": _ORIGIN,
        "Label": _ORIGIN,
        "Suite": suite,
        "Codename": suite,
        "Architectures": architecture,
        "Components": COMPONENT,
        "Description": "static rumprun variants",
    }
    options = [f"-oAPT::FTPArchive::Release::{name}={value}" for name, value in fields.items()]
    release = run(["apt-ftparchive", *options, "release", "."], cwd=directory).stdout
    (directory / "Release").write_text(release, encoding="utf-8")
    if key is not None:
        _sign(directory, key)


def write_flat_index(directory: Path) -> None:
    """Make ``directory`` with packages in it one that apt takes as ``deb file:DIR ./``."""
    said = run(["apt-ftparchive", "packages", "."], cwd=directory).stdout
    (directory / "Packages").write_text(said, encoding="utf-8")


def _sign(directory: Path, key: str) -> None:
    """Both forms of signature that apt looks for."""
    common = ["gpg", "--batch", "--yes", "--local-user", key, "--digest-algo", "SHA512"]
    try:
        for how, name in (("--clearsign", "InRelease"), ("--detach-sign", "Release.gpg")):
            run([*common, "--armor", how, "--output", name, "Release"], cwd=directory)
    except CommandFailed as error:
        raise MissingError(
            f"gpg does not sign with the key {key!r}: {error.message}",
            hint="see 'gpg --list-secret-keys'",
        ) from error

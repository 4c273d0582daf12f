# SPDX-License-Identifier: BSD-2-Clause
"""A source control file made of what the archive's index says.

A partial mirror may have all files of a source but its ``.dsc``. The index repeats the fields of
that and, unlike it, is under the archive's own signature (wiki.debian.org/DebianRepository/Format,
"Sources" indices).
"""

from __future__ import annotations

from pathlib import Path

from debian.deb822 import Deb822, Sources

from rumprun.digest import sha256_of
from rumprun.source.apt_root import AptRoot
from rumprun.workdir import atomic_path

_LISTS = ("Files", "Checksums-Sha1", "Checksums-Sha256")

# What an index has for itself alone.
_OF_THE_INDEX = ("Directory", "Priority", "Section")


def dsc_from_index(root: AptRoot, name: str, version: str, directory: Path) -> Path | None:
    """Write the ``.dsc`` of ``name`` beside its other files, which apt left in ``directory``.

    Returns ``None`` where the index has no such source, or one of its other files is not there
    with the checksum that the index gives.
    """
    said = root.run("apt-cache", "showsrc", "--only-source", "--", name, check=False).stdout
    for stanza in Sources.iter_paragraphs(said, use_apt_pkg=False):
        if stanza["Version"] == version and _is_whole(stanza, directory):
            return _write(stanza, directory)
    return None


def _is_whole(stanza: Sources, directory: Path) -> bool:
    entries = [entry for entry in stanza.get("Checksums-Sha256", ()) if not _is_dsc(entry)]
    files = [(directory / Path(entry["name"]).name, entry["sha256"]) for entry in entries]
    return bool(files) and all(
        path.is_file() and sha256_of(path) == wanted for path, wanted in files
    )


def _write(stanza: Sources, directory: Path) -> Path:
    (name,) = {entry["name"] for entry in stanza["Checksums-Sha256"] if _is_dsc(entry)}
    raw = Deb822(stanza.dump())
    dsc = Deb822({"Format": raw["Format"], "Source": raw["Package"]})
    for field, value in raw.items():
        if field in _LISTS:
            lines = value.splitlines(keepends=True)
            dsc[field] = "".join(line for line in lines if not line.rstrip().endswith(".dsc"))
        elif field not in (*_OF_THE_INDEX, "Package"):
            dsc[field] = value
    path = directory / Path(name).name
    with atomic_path(path) as partial:
        partial.write_text(dsc.dump() or "", encoding="utf-8")
    return path


def _is_dsc(entry: dict[str, str]) -> bool:
    return entry["name"].endswith(".dsc")

# SPDX-License-Identifier: BSD-2-Clause
"""Which sources a program was linked from, for Static-Built-Using (Policy 7.8 and deb-control).

The compiler driver leaves one GNU ld map for each program that it links; the map names every
archive whose members went in, and every object file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rumprun.command import run
from rumprun.variant.sysroot import Sysroot

# "LOAD /usr/lib/.../crt1.o": an object or archive that was opened.
_LOAD = re.compile(r"^LOAD (?P<path>\S.*)$")
# "/usr/lib/.../libc.a(printf.o)": a member that was taken, in the map's first section. After a
# short name the member that asked for it follows on the same line.
_MEMBER = re.compile(r"^(?P<path>\S.*?\.(?:a|so[\d.]*))\([^()]+\)(?:\s|$)")
_OUTPUT = re.compile(r"^OUTPUT\((?P<path>.+) [\w-]+\)$")

_QUERY = "${binary:Package}\t${source:Package}\t${source:Version}\n"


@dataclass(frozen=True, kw_only=True)
class LinkRecord:
    """One program's link: the ``output`` as given to the linker, and the files that went in."""

    output: str
    inputs: frozenset[str]


def read_map(text: str) -> LinkRecord | None:
    """What a GNU ld map says; ``None`` where it is cut short, as on a full disk."""
    output = ""
    members: set[str] = set()
    objects: set[str] = set()
    for line in text.splitlines():
        if match := _MEMBER.match(line):
            members.add(match["path"])
        elif match := _LOAD.match(line):
            path = match["path"]
            if path.endswith((".o", ".lo")):
                objects.add(path)
        elif match := _OUTPUT.match(line):
            output = match["path"]
    return LinkRecord(output=output, inputs=frozenset(members | objects)) if output else None


def read_link_log(directory: Path) -> dict[str, frozenset[str]]:
    """All records of ``directory``: the inputs of each program by its base name.

    Programs are matched by name because installing moves and strips them; of two programs of
    one name the inputs are joined, which can only name a source too many, never one too few.
    """
    found: dict[str, frozenset[str]] = {}
    for path in sorted(directory.glob("*.map")):
        record = read_map(path.read_text(encoding="utf-8", errors="replace"))
        if record:
            # libtool links "name" as "lt-name" or ".libs/name" where it links twice.
            name = Path(record.output).name.removeprefix("lt-")
            found[name] = found.get(name, frozenset()) | record.inputs
    return found


def static_built_using(
    programs: Iterable[str], log: Mapping[str, frozenset[str]], sysroot: Sysroot, *, own: str
) -> tuple[str, ...]:
    """The sources that ``programs`` (base names) embed, as ``name (= version)``, sorted.

    ``own`` is the source being built, which is not named. Files that no package and no
    variant owns are the build's own objects. A program without a record, such as one that was
    renamed when it was installed, counts as made of all that any program of the build is.
    """
    everything = frozenset().union(*log.values())
    inputs: set[Path] = set()
    for program in programs:
        found = log.get(program, everything)
        inputs |= {Path(name) for name in found if name.startswith("/")}
    sources = set()
    foreign = []
    for path in sorted(inputs):
        owner = sysroot.owners.get(path)
        if owner:
            variant = sysroot.variants[owner]
            sources.add((variant.source, variant.source_version))
        else:
            foreign.append(path.resolve())
    sources |= _installed_sources(foreign)
    return tuple(f"{name} (= {version})" for name, version in sorted(sources) if name != own)


def _installed_sources(files: Iterable[Path]) -> set[tuple[str, str]]:
    """The sources of the installed packages that own ``files``."""
    names = [str(path) for path in files]
    if not names:
        return set()
    # dpkg-query fails where a file is nobody's, and still answers for the others.
    answer = run(["dpkg-query", "--search", *names], check=False)
    packages: set[str] = set()
    for line in answer.stdout.splitlines():
        owners, _, _path = line.rpartition(": ")
        if not line.startswith("diversion "):
            packages.update(owner.strip() for owner in owners.split(", "))
    if not packages:
        return set()
    listing = run(["dpkg-query", "-W", "-f", _QUERY, *sorted(packages)])
    rows = (line.split("\t") for line in listing.stdout.splitlines())
    return {(source, version) for _name, source, version in rows}

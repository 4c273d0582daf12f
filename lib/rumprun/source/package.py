# SPDX-License-Identifier: BSD-2-Clause
"""A Debian source package, as its unpacked tree describes it."""

from __future__ import annotations

import email.utils
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from debian.changelog import Changelog, ChangelogParseError, VersionError

from rumprun.errors import InputError
from rumprun.source.control import Fields, parse_fields, parse_formula, read_text, relation_names
from rumprun.source.rules import RulesStyle, rules_style

__all__ = ["Binary", "RulesStyle", "SourcePackage", "read_source_tree"]

_RELATIONS = ("Depends", "Pre-Depends")
_BUILD_RELATIONS = ("Build-Depends", "Build-Depends-Arch", "Build-Depends-Indep")


@dataclass(frozen=True, kw_only=True)
class Binary:
    """One binary package stanza of ``debian/control``.

    ``section`` falls back to the source's, as dpkg-gencontrol does; ``package_type`` is
    ``deb`` where the stanza says nothing; ``build_profiles`` and ``depends`` are the raw
    fields. ``fields`` has the whole stanza.
    """

    name: str
    architecture: tuple[str, ...]
    section: str
    multi_arch: str
    package_type: str
    build_profiles: str
    depends: str
    description_synopsis: str
    fields: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class SourcePackage:
    """One source package; ``version`` is in full, with epoch and Debian revision.

    ``timestamp`` is the date of the latest changelog entry in seconds since the epoch: what
    dpkg-buildpackage puts into ``SOURCE_DATE_EPOCH``. ``fields`` has the source stanza.
    """

    name: str
    version: str
    maintainer: str
    format: str
    timestamp: int
    distribution: str
    binaries: tuple[Binary, ...]
    build_depends: str
    build_depends_arch: str
    build_depends_indep: str
    rules_style: RulesStyle
    fields: Mapping[str, str]

    @property
    def is_all(self) -> bool:
        """Whether all of its packages are of ``Architecture: all``."""
        return all(binary.architecture == ("all",) for binary in self.binaries)


def read_source_tree(tree: Path) -> SourcePackage:
    """The source package that is unpacked in ``tree``.

    Raises :class:`InputError` with file and line where ``debian/control``, ``changelog``,
    ``rules`` or ``source/format`` is missing or broken, and where control and changelog
    disagree on the source's name.
    """
    control = tree / "debian" / "control"
    paragraphs = parse_fields(read_text(control), path=control)
    if not paragraphs or "Source" not in paragraphs[0]:
        raise InputError(f"{control}:1: the first stanza has no Source field")
    source, *stanzas = paragraphs
    if not stanzas:
        raise InputError(f"{control}: no binary package stanza")
    for field in _BUILD_RELATIONS:
        _check_relations(source, field, control)
    log = tree / "debian" / "changelog"
    block = _read_changelog(log)[0]
    name = source["Source"].strip()
    if block.package != name:
        raise InputError(f"{log}:1: names {block.package}, but {control.name} says Source: {name}")
    rules = tree / "debian" / "rules"
    if not rules.is_file():
        raise InputError(f"{rules}: no such file", hint="a source package needs one")
    return SourcePackage(
        name=name,
        version=str(block.version),
        maintainer=source.get("Maintainer", "").strip(),
        format=_read_format(tree),
        timestamp=_timestamp(str(block.date), log),
        distribution=str(block.distributions),
        binaries=tuple(_binary(stanza, source, control) for stanza in stanzas),
        build_depends=source.get("Build-Depends", ""),
        build_depends_arch=source.get("Build-Depends-Arch", ""),
        build_depends_indep=source.get("Build-Depends-Indep", ""),
        rules_style=rules_style(tree),
        fields=source,
    )


def _binary(stanza: Fields, source: Fields, control: Path) -> Binary:
    name = stanza.get("Package", "").strip()
    if not name:
        raise InputError(f"{control}: a stanza has no Package field: {dict(stanza)!r:.60}")
    architecture = tuple(stanza.get("Architecture", "").split())
    if not architecture:
        raise InputError(f"{control}: package {name} has no Architecture field")
    for field in _RELATIONS:
        _check_relations(stanza, field, control)
    profiles = stanza.get("Build-Profiles", "")
    if profiles.strip() and not parse_formula(profiles):
        raise InputError(f"{control}: package {name}: Build-Profiles {profiles!r} is no formula")
    description = stanza.get("Description", "")
    return Binary(
        name=name,
        architecture=architecture,
        section=stanza.get("Section", source.get("Section", "")).strip(),
        multi_arch=stanza.get("Multi-Arch", "no").strip(),
        package_type=stanza.get("Package-Type", stanza.get("Xc-Package-Type", "deb")).strip(),
        build_profiles=profiles.strip(),
        depends=stanza.get("Depends", ""),
        description_synopsis=description.partition("\n")[0].strip(),
        fields=stanza,
    )


def _check_relations(stanza: Fields, field: str, control: Path) -> None:
    try:
        relation_names(stanza.get(field, ""))
    except ValueError as error:
        raise InputError(
            f"{control}: {field} has {str(error)!r}, which is no relation",
            hint="see deb-src-control(5)",
        ) from error


def _read_changelog(path: Path) -> Changelog:
    text = read_text(path)
    try:
        changelog = Changelog(text, max_blocks=1, strict=True)
    except (ChangelogParseError, VersionError) as error:
        raise InputError(f"{path}:{_blamed_line(text, str(error))}: {error}") from error
    if not len(changelog) or changelog[0].version is None:
        raise InputError(f"{path}:1: no changelog entry")
    return changelog


def _blamed_line(text: str, complaint: str) -> int:
    """The first line that python-debian quotes in ``complaint``; it gives no number."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and line.strip() in complaint:
            return number
    return 1


def _timestamp(date: str, path: Path) -> int:
    try:
        return int(email.utils.parsedate_to_datetime(date).timestamp())
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: {date!r} is no date", hint="see deb-changelog(5)") from error


def _read_format(tree: Path) -> str:
    path = tree / "debian" / "source" / "format"
    if not path.exists():
        return "1.0"
    text = read_text(path).strip()
    if not text:
        raise InputError(f"{path}:1: empty", hint="write '3.0 (quilt)' or '3.0 (native)'")
    return text.splitlines()[0].strip()

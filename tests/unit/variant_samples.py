# SPDX-License-Identifier: BSD-2-Clause
"""Sources, candidates and staged trees for the tests of the variant modules."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from rumprun.source.naming import Candidate, Kind, variant_name
from rumprun.source.package import Binary, SourcePackage
from rumprun.source.rules import RulesStyle
from rumprun.target.descriptor import load_target
from rumprun.variant.harvest import Harvested

TARGET = load_target()
T = TARGET.triple
PREFIX = f"/usr/{T}"
TREE = PurePosixPath(PREFIX.lstrip("/"))

# An archive with one empty member, and the start of an ELF file: what a stage is full of.
ARCHIVE = b"!<arch>\n" + b"a.o/".ljust(16) + b"0".ljust(12) * 1 + b"\0" * 32
ELF = b"\x7fELF" + bytes(60)


def binary(name: str, **fields: str) -> Binary:
    """A binary package stanza with the fields that tests look at."""
    return Binary(
        name=name,
        architecture=("any",),
        section=fields.get("section", "libs"),
        multi_arch="same",
        package_type=fields.get("package_type", "deb"),
        build_profiles="",
        depends=fields.get("depends", ""),
        description_synopsis=fields.get("synopsis", f"the {name} package"),
        fields={},
    )


def source(*names: str, **fields: str) -> SourcePackage:
    """A source that builds the packages ``names``."""
    return SourcePackage(
        name=fields.get("name", "foo"),
        version=fields.get("version", "1:2.0-3"),
        maintainer="Jane Roe <jane@example.org>",
        format="3.0 (quilt)",
        timestamp=1_600_000_000,
        distribution="unstable",
        binaries=tuple(binary(name) for name in names),
        build_depends=fields.get("build_depends", ""),
        build_depends_arch=fields.get("build_depends_arch", ""),
        build_depends_indep="",
        rules_style=RulesStyle.DH,
        fields={"Homepage": "https://example.org/"},
    )


def candidate(name: str, **fields: str) -> Candidate:
    """The variant of the package ``name``."""
    kind = Kind.DEV if name.endswith("-dev") else Kind.PROGRAM
    return Candidate(original=binary(name, **fields), variant=variant_name(name), kind=kind)


def stage(tree: Path, files: Mapping[str, bytes | str]) -> Path:
    """Fill ``tree/debian`` with ``files``; a text is the goal of a symbolic link."""
    for name, content in files.items():
        path = tree / "debian" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.symlink_to(content)
        else:
            path.write_bytes(content)
    return tree


def harvested(root: Path, name: str, files: Mapping[str, bytes | str], **fields: str) -> Harvested:
    """A variant of the package ``name`` with ``files`` below the prefix."""
    stage(root.parent, {f"../{root.name}/{TREE}/{place}": c for place, c in files.items()})
    return Harvested(candidate=candidate(name, **fields), root=root)


def with_depends(one: Candidate, depends: str) -> Candidate:
    """``one``, whose original has this Depends field."""
    return dataclasses.replace(one, original=dataclasses.replace(one.original, depends=depends))

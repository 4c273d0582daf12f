# SPDX-License-Identifier: BSD-2-Clause
"""A small archive for the tests of plans: sources and what they are built with, as text."""

from __future__ import annotations

from collections.abc import Mapping

from rumprun.archive.closure import Choices
from rumprun.archive.model import ArchiveBinary, ArchivePackage, ArchiveSource

CHOICES = Choices(architecture="amd64")


class Samples:
    """An archive in which each source NAME makes one package libNAME-dev.

    ``needs`` maps a source to its Build-Depends, where ``#`` in front of a library says that
    its own -dev package depends on it; ``sections`` are those of sources.
    """

    def __init__(
        self, needs: Mapping[str, str], *, sections: Mapping[str, str] | None = None
    ) -> None:
        self.needs = needs
        self.sections = sections or {}
        self.version: dict[str, str] = {}

    def source(self, name: str) -> ArchiveSource | None:
        if name not in self.needs:
            return None
        return ArchiveSource(
            name=name,
            version=self.version.get(name, "1-1"),
            digest=f"digest of {name}",
            section=self.sections.get(name, "libs"),
            build_depends=self.needs[name].replace("#", ""),
            build_depends_arch="",
            binaries=(
                ArchiveBinary(
                    name=f"lib{name}-dev",
                    package_type="deb",
                    section="libdevel",
                    architecture=("any",),
                    build_profiles="",
                ),
            ),
        )

    def package(self, name: str) -> ArchivePackage | None:
        source = name.removeprefix("lib").removesuffix("-dev")
        if source not in self.needs or name != f"lib{source}-dev":
            return None
        words = (word.strip() for word in self.needs[source].split(","))
        return ArchivePackage(
            name=name,
            version="1-1",
            source=source,
            section="libdevel",
            multi_arch="same",
            depends=", ".join(word[1:] for word in words if word.startswith("#")),
        )

    def suggestion(self, name: str) -> str:
        return f"not {name}"

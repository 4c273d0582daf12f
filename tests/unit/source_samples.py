# SPDX-License-Identifier: BSD-2-Clause
"""Source trees for tests: as little as a debian/ directory needs to be one."""

from __future__ import annotations

from pathlib import Path

from rumprun.source.package import SourcePackage, read_source_tree

DH_RULES = "#!/usr/bin/make -f\n%:\n\tdh $@\n"

CHANGELOG = """\
sample (1:2.0-3) unstable; urgency=medium

  * Something.

 -- A Person <person@example.org>  Mon, 26 Dec 2022 16:30:00 +0100
"""

SOURCE = """\
Source: sample
Section: libs
Priority: optional
Maintainer: A Person <person@example.org>
Build-Depends: debhelper-compat (= 13)
"""

LIBRARY = """
Package: libsample1
Architecture: any
Depends: ${shlibs:Depends}, ${misc:Depends}
Description: sample library
 It is for tests.

Package: libsample-dev
Section: libdevel
Architecture: any
Multi-Arch: same
Depends: libsample1 (= ${binary:Version}), ${misc:Depends}
Description: sample library - development files
 It is for tests.
"""


def stanza(name: str, *fields: str) -> str:
    """A further stanza, of a program unless ``fields`` say another architecture or Depends."""
    given = list(fields)
    if not any(field.startswith("Architecture:") for field in fields):
        given.insert(0, "Architecture: any")
    if not any(field.startswith("Depends:") for field in fields):
        given.append("Depends: ${shlibs:Depends}")
    return "\n" + "\n".join([f"Package: {name}", *given, "Description: sample", " For tests.", ""])


def write_tree(
    tree: Path,
    *,
    control: str = SOURCE + LIBRARY,
    rules: str = DH_RULES,
    changelog: str = CHANGELOG,
) -> Path:
    """An unpacked source package in ``tree``."""
    debian = tree / "debian"
    debian.mkdir(parents=True, exist_ok=True)
    (debian / "control").write_text(control, encoding="utf-8")
    (debian / "rules").write_text(rules, encoding="utf-8")
    (debian / "changelog").write_text(changelog, encoding="utf-8")
    return tree


def read_source(tree: Path, *stanzas: str, source: str = SOURCE) -> SourcePackage:
    """The source package with ``stanzas`` in its control file."""
    return read_source_tree(write_tree(tree, control=source + "".join(stanzas)))

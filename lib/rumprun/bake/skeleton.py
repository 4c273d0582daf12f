# SPDX-License-Identifier: BSD-2-Clause
"""A new source package that bakes an image: all of its ``debian`` directory."""

from __future__ import annotations

import email.utils
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rumprun.bake.kernel import DEFAULT_PACKAGE
from rumprun.bake.manifest import SUFFIX
from rumprun.errors import UsageError
from rumprun.templates import load_template
from rumprun.workdir import temporary_tree

# Policy 5.6.1, without the epochs and revisions that only versions have.
_PACKAGE_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")

# debian/<name> and the template that it is made of.
_FILES = {
    "changelog": "changelog.j2",
    "control": "control.j2",
    "copyright": "copyright.j2",
    "rules": "rules.j2",
}


@dataclass(frozen=True, kw_only=True)
class PackagedProgram:
    """A program of a variant package; ``path`` is its end, None where the package has one."""

    package: str
    path: str | None

    @property
    def name(self) -> str:
        """What a reader calls it."""
        return Path(self.path).name if self.path else self.package.removesuffix("-rumprun")


@dataclass(frozen=True, kw_only=True)
class Skeleton:
    """What the new package says: its name, what it bakes, who maintains it, and since when.

    ``date`` is in seconds since 1970.
    """

    name: str
    programs: tuple[PackagedProgram, ...]
    maintainer: str
    date: int


def parse_program(word: str) -> PackagedProgram:
    """``PACKAGE`` or ``PACKAGE:PATH``; :class:`UsageError` for anything else."""
    package, _colon, path = word.partition(":")
    check_name(package)
    if not re.fullmatch(r"[A-Za-z0-9+._/-]*", path):
        raise UsageError(f"{word}: {path!r} is no path of a program", hint="write PACKAGE:bin/NAME")
    return PackagedProgram(package=package, path=path or None)


def check_name(name: str) -> None:
    """See that ``name`` can be a package's; :class:`UsageError` where it cannot."""
    if not _PACKAGE_NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name of a package", hint="use a-z, 0-9, plus, dash and dot"
        )


def find_maintainer(environment: Mapping[str, str] | None = None) -> str:
    """``Name <address>`` as dch(1) finds it: DEBFULLNAME or NAME, DEBEMAIL or EMAIL.

    Raises :class:`UsageError` where one is missing.
    """
    variables = os.environ if environment is None else environment
    name = variables.get("DEBFULLNAME") or variables.get("NAME", "")
    address = variables.get("DEBEMAIL") or variables.get("EMAIL", "")
    if not name or not address:
        raise UsageError(
            "who maintains the package?", hint="set DEBFULLNAME and DEBEMAIL, or use --maintainer"
        )
    return f"{name} <{address}>"


def write_skeleton(skeleton: Skeleton, directory: Path) -> None:
    """Write the source package into ``directory``, which appears whole or not at all.

    Raises :class:`UsageError` where it is there already.
    """
    if directory.exists() or directory.is_symlink():
        raise UsageError(f"{directory} is there already", hint="choose another name")
    directory.absolute().parent.mkdir(parents=True, exist_ok=True)
    values = _values(skeleton)
    with temporary_tree(parent=directory.absolute().parent) as scratch:
        tree = scratch / "new"
        debian = tree / "debian"
        (debian / "source").mkdir(parents=True)
        files = {
            **_FILES,
            f"{skeleton.name}{SUFFIX}": "manifest.j2",
            f"{skeleton.name}.lintian-overrides": "lintian-overrides.j2",
        }
        for file, template in files.items():
            text = load_template(f"image/{template}").render(values)
            (debian / file).write_text(text, encoding="utf-8")
        (debian / "rules").chmod(0o755)
        (debian / "source" / "format").write_text("3.0 (native)\n", encoding="ascii")
        tree.rename(directory)


def _values(skeleton: Skeleton) -> dict[str, object]:
    needed = sorted({program.package for program in skeleton.programs})
    return {
        "name": skeleton.name,
        "section": "misc",
        "maintainer": skeleton.maintainer,
        "build_depends": ["dh-sequence-rumprun", DEFAULT_PACKAGE, "rumprun-toolchain", *needed],
        "programs": skeleton.programs,
        "kernel": DEFAULT_PACKAGE,
        "date": email.utils.formatdate(skeleton.date),
        "year": time.gmtime(skeleton.date).tm_year,
    }

# SPDX-License-Identifier: BSD-2-Clause
"""Programs that a variant does without, because they need another language's library.

Where a source compiles such a program whatever its options say, the pass is repeated with a
compiler that puts a stand-in in its place (``debhelper/pass/left_out.py``). A stand-in is not
harvested; a library that has one in it is refused, for it would lack a part of itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rumprun import paths
from rumprun.errors import BuildError
from rumprun.source.package import SourcePackage
from rumprun.target.descriptor import Target
from rumprun.variant.diagnose import diagnose
from rumprun.variant.harvest import staged_files

# The failure class that this is the answer to: see failure_classes.toml.
_CLASS = "language-binding"
_HEADER = ".h"
_MARK = b"rumprun-left-out: "
_LIBRARY = (".a", ".so")
_COMPILERS = ("c++", "cc", "g++", "gcc")


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """One program that is left out, by its name in the stage, and the header that it needs."""

    name: PurePosixPath
    header: str

    def __str__(self) -> str:
        """One line for a person."""
        return f"without /{self.name}, which needs {self.header}"


def header_to_leave_out(log: str) -> str | None:
    """The header of another language that the build with this ``log`` failed for, if it did."""
    found = diagnose(log)
    if found is None or found.name != _CLASS or not (found.subject or "").endswith(_HEADER):
        return None
    return found.subject


def put_compilers(target: Target, commands: Path) -> None:
    """Put the compiler that makes stand-ins in front, by links in the directory ``commands``."""
    for name in _COMPILERS:
        (commands / f"{target.triple}-{name}").symlink_to(paths.DEBHELPER / "pass" / "left_out.py")


def remove_left_out(tree: Path, source: SourcePackage) -> tuple[LeftOut, ...]:
    """Take the stand-ins out of the stage in ``tree``; returns what they stood for.

    Raises :class:`BuildError` for a library that has one in it.
    """
    found: list[LeftOut] = []
    for file in staged_files(tree, source):
        if file.path.is_symlink():
            continue
        header = next(_headers(file.path), None)
        if header is None:
            continue
        if any(suffix in _LIBRARY for suffix in file.name.suffixes):
            raise BuildError(
                f"{source.name}: a part of /{file.name} needs {header}",
                hint="switch off with a recipe what that part is for",
            )
        file.path.unlink()
        found.append(LeftOut(name=file.name, header=header))
    return tuple(sorted(set(found), key=lambda item: item.name))


def _headers(path: Path) -> Iterator[str]:
    content = path.read_bytes()
    place = content.find(_MARK)
    if place >= 0:
        yield content[place + len(_MARK) :].partition(b"\n")[0].decode(errors="replace")


def to_json(left_out: Sequence[LeftOut]) -> list[dict[str, str]]:
    """What was left out, for a report."""
    return [{"file": f"/{item.name}", "needs": item.header} for item in left_out]

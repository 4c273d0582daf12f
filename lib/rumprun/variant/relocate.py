# SPDX-License-Identifier: BSD-2-Clause
"""Text that names installation paths, rewritten for the prefix that a variant moves to.

Concerned are ``.pc`` files, ``*-config`` scripts and CMake package files. The forms are those
that pkgconf, autoconf and CMake's own export generator write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from rumprun.target.descriptor import Target

_MAX_SCRIPT = 1 << 20

# "/usr" as a whole prefix: before one of its directories, or at the end of a word.
_USR = re.compile(
    r"(?<![\w.}/-])/usr(?=/(?:include|lib|bin|sbin|libexec|share)\b|[\s\"';:)]|$)", re.MULTILINE
)
# "/lib" of a package that keeps its shared library on the root file system.
_ROOT_LIB = re.compile(r"(?<![\w.}/-])/lib(?=/[\w.+-]+\.(?:so|a)\b)")

_IMPORT_LADDER = re.compile(
    r'(get_filename_component\(_IMPORT_PREFIX "\$\{CMAKE_CURRENT_LIST_FILE\}" PATH\)\n)'
    r'(?:get_filename_component\(_IMPORT_PREFIX "\$\{_IMPORT_PREFIX\}" PATH\)\n)+'
)
_IMPORT_STEP = 'get_filename_component(_IMPORT_PREFIX "${_IMPORT_PREFIX}" PATH)\n'
_PACKAGE_PREFIX = re.compile(r'("\$\{CMAKE_CURRENT_LIST_DIR\}/)(?:\.\./)*\.\.(/?)(")')
_SHARED_LOCATION = re.compile(r"(/lib[\w.+-]*?)\.so(?:\.\d+)*(?=\")")
_SONAME = re.compile(r"^\s*IMPORTED_SONAME\w* .*\n", re.MULTILINE)


def names_paths(relative: PurePosixPath, path: Path) -> bool:
    """Whether the file at ``path``, to be installed at ``relative``, is one to rewrite."""
    if relative.suffix in (".pc", ".cmake"):
        return True
    if relative.parts[0] not in ("bin", "sbin") or path.stat().st_size > _MAX_SCRIPT:
        return False
    with path.open("rb") as file:
        return file.read(2) == b"#!"


def relocate_text(
    text: str,
    relative: PurePosixPath,
    target: Target,
    *,
    replacements: Mapping[str, str] | None = None,
) -> str:
    """``text`` of the file ``relative`` (below the prefix), for the target's prefix.

    ``replacements`` are literal strings to replace first, such as the directory in which the
    variants lay that the build used.
    """
    for old, new in (replacements or {}).items():
        text = text.replace(old, new)
    text = re.sub(rf"/(lib|include)/{re.escape(target.triple)}\b(?!/(?:lib|include))", r"/\1", text)
    text = _USR.sub(str(target.prefix), text)
    if relative.suffix == ".cmake":
        text = _relocate_cmake(text, relative, target)
    return text


def _relocate_cmake(text: str, relative: PurePosixPath, target: Target) -> str:
    """CMake finds its prefix by counting directories upwards, of which there are fewer now."""
    depth = len(relative.parent.parts)
    text = _IMPORT_LADDER.sub(lambda match: match.group(1) + _IMPORT_STEP * depth, text)
    ladder = "/".join([".."] * depth)
    text = _PACKAGE_PREFIX.sub(rf"\g<1>{ladder}\g<2>\g<3>", text)
    text = text.replace(" SHARED IMPORTED)", " STATIC IMPORTED)")
    text = _SONAME.sub("", text)
    text = _ROOT_LIB.sub(f"{target.prefix}/lib", text)
    return _SHARED_LOCATION.sub(r"\1.a", text)

# SPDX-License-Identifier: BSD-2-Clause
"""Text that names installation paths, rewritten for the prefix that a variant moves to.

Concerned are ``.pc`` files, ``*-config`` scripts and CMake package files. The forms are those
that pkgconf, autoconf and CMake's own export generator write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from rumprun.target.descriptor import Target

_MAX_SCRIPT = 1 << 20

# A path starts here: not within another one, and not after a variable that names its start, but
# also right after an option of the compiler.
_START = r"(?:(?<![\w.}/-])|(?<=-[ILBRF])|(?<=-isystem))"
_END = r"(?![\w.+-])"
_WORD_END = r"/?(?![\w.+/-])"

# "/usr" as a whole prefix: before one of its directories, or at the end of a word.
_USR = re.compile(rf"{_START}/usr(?=/(?:include|lib|bin|sbin|libexec|share){_END}|{_WORD_END})")
# In a script, /usr/bin/perl is the build machine's, and the script runs there.
_USR_IN_SCRIPT = re.compile(
    rf"{_START}/usr(?=/(?:include|lib|libexec|share){_END}|/s?bin{_WORD_END}|{_WORD_END})"
)
_INTERPRETER = re.compile(r"\A#!.*")
# "/lib" of a package that keeps its shared library on the root file system.
_ROOT_LIB = re.compile(rf"{_START}/lib(?=/[\w.+-]+\.(?:so|a)\b)")
_ROOT_LIBDIR = re.compile(r"^libdir=/lib$", re.MULTILINE)

_IMPORT_STEP = 'get_filename_component(_IMPORT_PREFIX "${_IMPORT_PREFIX}" PATH)\n'
_IMPORT_LADDER = re.compile(rf"(?:^{re.escape(_IMPORT_STEP)})+", re.MULTILINE)
_DIRECTORY_LADDER = re.compile(r"(?<=\$\{CMAKE_CURRENT_LIST_DIR\})(?:/\.\.)+(?!/\.\.|[\w.])")
_SHARED_IMPORTED = re.compile(r" SHARED IMPORTED(?=[\s)])")
_SHARED_LOCATION = re.compile(rf"(/lib[\w.+-]*?)\.so(?:\.\d+)*{_END}")
_SONAME = re.compile(r"\s*\bIMPORTED_SONAME(?:_\w+)?\s+(?:\"[^\"]*\"|[^\s\")]+)")


def names_paths(relative: PurePosixPath, path: Path) -> bool:
    """Whether the file at ``path``, to be installed at ``relative``, is one to rewrite."""
    if relative.suffix in (".pc", ".cmake") or relative.name.endswith(("Conf.sh", "Config.sh")):
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
    text = _flatten(text, target)
    if relative.parts[0] in ("bin", "sbin"):
        first = _INTERPRETER.match(text)
        at = first.end() if first else 0
        return text[:at] + _USR_IN_SCRIPT.sub(str(target.prefix), text[at:])
    text = _USR.sub(str(target.prefix), text)
    if relative.suffix == ".cmake":
        return _relocate_cmake(text, relative, target)
    return _ROOT_LIBDIR.sub(f"libdir={target.prefix}/lib", text)


def _flatten(text: str, target: Target) -> str:
    """``text`` without multiarch directories, which a prefix for one architecture has not."""
    multiarch = rf"(?:/{re.escape(target.triple)})+{_END}"
    text = re.sub(rf"{_START}/lib{multiarch}", f"{target.prefix}/lib", text)
    return re.sub(rf"(/lib|/include|\$\{{(?:lib|include)dir\}}){multiarch}", r"\1", text)


def _relocate_cmake(text: str, relative: PurePosixPath, target: Target) -> str:
    """CMake finds its prefix by counting directories upwards, of which there may be fewer now."""
    depth = len(relative.parent.parts)

    def shortened(step: str) -> Callable[[re.Match[str]], str]:
        # Only a ladder that went up to the prefix from a multiarch directory is a step too long.
        return lambda match: step * depth if match[0] == step * (depth + 1) else match[0]

    text = _IMPORT_LADDER.sub(shortened(_IMPORT_STEP), text)
    text = _DIRECTORY_LADDER.sub(shortened("/.."), text)
    text = _SHARED_IMPORTED.sub(" STATIC IMPORTED", text)
    text = _SONAME.sub("", text)
    text = _ROOT_LIB.sub(f"{target.prefix}/lib", text)
    return _SHARED_LOCATION.sub(r"\1.a", text)

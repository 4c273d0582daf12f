# SPDX-License-Identifier: BSD-2-Clause
"""Risks in makefiles and in the files of build systems, told from single lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rumprun.source.scan.files import File, Files, Places, Use
from rumprun.source.scan.model import Context, Risk, Severity


@dataclass(frozen=True, kw_only=True)
class _Pattern:
    """A kind of line, in the files for ``uses``; its text begins after a newline."""

    name: str
    severity: Severity
    subject: str
    uses: tuple[Use, ...]
    regex: re.Pattern[str]


def _pattern(name: str, severity: Severity, subject: str, regex: str, *uses: Use) -> _Pattern:
    return _Pattern(
        name=name, severity=severity, subject=subject, uses=uses, regex=re.compile(regex)
    )


# What only needs a look is translated by the compiler, or is not part of what is packed.
_PATTERNS = (
    _pattern(
        "explicit-shared-link", Severity.WATCH, "links a shared object by an explicit option",
        r"(?<=[ \t=\"'])-shared(?=[ \t\n\"'])", Use.MAKE, Use.RULES,
    ),
    _pattern(
        "explicit-shared-link", Severity.WATCH, "links a shared object by an explicit option",
        r"\badd_library[ \t]*\([ \t]*[^\s()]+[ \t\n]+SHARED\b", Use.CMAKE,
    ),
    _pattern(
        "explicit-shared-link", Severity.WATCH, "links a shared object by an explicit option",
        r"(?<![\w'])shared_library[ \t]*\(", Use.MESON,
    ),
    _pattern(
        "plug-ins", Severity.LOST, "plug-ins",
        r"\badd_library[ \t]*\([ \t]*[^\s()]+[ \t\n]+MODULE\b", Use.CMAKE,
    ),
    _pattern(
        "plug-ins", Severity.LOST, "plug-ins", r"(?<![\w'])shared_module[ \t]*\(", Use.MESON,
    ),
    _pattern(
        "plug-ins", Severity.LOST, "plug-ins",
        r"\n(?P<library>\w+)_la_LDFLAGS[ \t]*\+?=(?:[^\n\\]|\\\n)*[ \t]-module\b", Use.MAKE,
    ),
    # config.site answers for configure; a test of the regex itself may still tell the two apart.
    _pattern(
        "libc-regex", Severity.WATCH, "asks for glibc's regex in the libc",
        r"--without-included-regex\b", Use.RULES,
    ),
    # Asked for as shared then, whose links the compiler translates (variant/features/).
    _pattern(
        "refuses-static", Severity.WATCH, "configure refuses to build static libraries",
        r"AC_MSG_ERROR\(\[?(?:(?!shared)[^\])]){0,60}\bstatic\b[^\])]{0,25}(?:not |un)supported",
        Use.AUTOCONF,
    ),
    _pattern(
        "kernel-module", Severity.LOST, "kernel modules",
        r"\nobj-m[ \t]*[:+]?=", Use.MAKE,
    ),
    _pattern(
        "multilib", Severity.WATCH, "builds for another word size",
        r"(?<=[ \t=\"'])-m(?:32|x32)(?=[ \t\n\"'])", Use.MAKE, Use.RULES,
    ),
    _pattern(
        "hard-path", Severity.WATCH, "names paths of the build machine",
        r"(?:-[IL]|[ \t=\"'])/usr/(?:include|lib/x86_64-linux-gnu)\b",
        Use.MAKE, Use.CMAKE, Use.MESON, Use.RULES,
    ),
    _pattern(
        "network", Severity.WATCH, "may fetch things while it is built",
        r"\n[^\n#]*?(?:\bgit[ \t]+clone\b|\b(?:wget|curl)[ \t][^\n]{0,200}https?://|\bFetchContent_Declare"
        r"|\bExternalProject_Add\b)", Use.MAKE, Use.CMAKE, Use.RULES,
    ),
    _pattern(
        "runs-built-program", Severity.WATCH, "runs programs that it has built",
        r"\n\t[@-]*(?:\./|\$\((?:top_)?builddir\)/)[\w./-]+(?:\$\(EXEEXT\))?[ \t][^\n]*>",
        Use.MAKE,
    ),
)  # fmt: skip

_COMMENTED = re.compile(r"[ \t]*(?:#|dnl\b)")

# A language that only this line names: CMake compiles C and C++ unless it is told otherwise.
_PROJECT = re.compile(r"\n[ \t]*project[ \t]*\(\s*([^()]*)\)", re.IGNORECASE)
_CXX_IN_MESON = re.compile(r"\n[ \t]*project[ \t]*\(([^()]*)", re.IGNORECASE)
_ASKS_FOR_CXX = re.compile(r"--enable-(?:cxx|cplusplus|c\+\+)(?!=no)(?![\w-])")
_CXX_SOURCES = re.compile(r"\n[ \t]*\w+_SOURCES[ \t]*\+?=[^\n]*\.(?:cc|cpp|cxx)\b")


def find_build_risks(files: Files, context: Context) -> Iterator[Risk]:
    """The risks that lines of build files show, and whether a C++ compiler is missed."""
    found: dict[tuple[str, Severity, str], Places] = {}
    for pattern in _PATTERNS:
        for file in files.of(*pattern.uses):
            for match in pattern.regex.finditer(file.text):
                if not _is_commented(file, match.end() - 1) and _is_installed(file, match):
                    key = (pattern.name, pattern.severity, pattern.subject)
                    found.setdefault(key, Places()).add(file, match.end() - 1)
    for (name, severity, subject), places in found.items():
        yield places.risk(name, severity, subject)
    if not context.has_cxx:
        yield from _cxx_risks(files)


_NOT_INSTALLED = re.compile(r"\n[ \t]*(?:check|noinst|EXTRA)_\w+[ \t]*\+?=((?:[^\n\\]|\\\n)*)")


def _is_installed(file: File, match: re.Match[str]) -> bool:
    """Whether automake installs the library that ``match`` is about, if it is about one."""
    library = match.groupdict().get("library")
    kept = (word for row in _NOT_INSTALLED.finditer(file.text) for word in row.group(1).split())
    return library is None or library not in {
        re.sub(r"\W", "_", word.removesuffix(".la")) for word in kept
    }


def _is_commented(file: File, place: int) -> bool:
    start = file.text.rfind("\n", 0, place) + 1
    return bool(_COMMENTED.match(file.text, start))


def _cxx_risks(files: Files) -> Iterator[Risk]:
    """Where C++ is compiled for sure; configure's mere check for a compiler is no need."""
    needed = Places()
    for file in files.of(Use.CMAKE):
        match = _PROJECT.search(file.text)
        if match and _enables_cxx(match.group(1)):
            needed.add(file, match.end() - 1)
    for file in files.of(Use.MESON):
        match = _CXX_IN_MESON.search(file.text)
        if match and re.search(r"'cpp'", match.group(1)):
            needed.add(file, match.start() + 1)
    for file in files.of(Use.RULES):
        for match in _ASKS_FOR_CXX.finditer(file.text):
            needed.add(file, match.start())
    for file in files.of(Use.MAKE):
        match = _CXX_SOURCES.search(file.text)
        if match:
            needed.add(file, match.end() - 1)
    if needed.count:
        yield needed.risk("needs-cxx", Severity.BLOCKER, "needs C++, which the toolchain lacks")


def _enables_cxx(arguments: str) -> bool:
    words = arguments.split()
    if "LANGUAGES" in words:
        return "CXX" in words[words.index("LANGUAGES") :]
    keywords = {"VERSION", "DESCRIPTION", "HOMEPAGE_URL"}
    listed = [word for word in words[1:] if word in ("C", "CXX", "ASM", "NONE")]
    return "CXX" in listed or (not listed and (len(words) == 1 or bool(keywords & set(words))))

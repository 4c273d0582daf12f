# SPDX-License-Identifier: BSD-2-Clause
"""Risks in ``debian/``: what packages list, languages without a compiler, old config.sub."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rumprun.source.naming import Candidate, Kind
from rumprun.source.package import RulesStyle, SourcePackage
from rumprun.source.scan.files import Files, Places, Use, shown
from rumprun.source.scan.model import Evidence, Needs, Risk, Severity

_PLACES_SHOWN = 3

# A shared object in a directory of its own is opened at run time: libtool's -module, a meson
# shared_module, an engine.
_PLUG_IN = re.compile(r"\n/?(usr/lib/(?:\*|\$\{?\w+\}?)/(?!lib[^/\s]*\.so)[^\s/]+/[^\s]*\.so)\b")
_SHARED_ONLY = re.compile(r"\.so(?:\.[\w.*]+)?\*?$")

# The languages that only another compiler compiles, by what a source builds with.
_COMPILERS = {
    "Ada": r"gnat(?:-\d+)?",
    "D": r"gdc(?:-\d+)?|ldc|dmd",
    "Fortran": r"gfortran(?:-\d+)?",
    "Go": r"golang-(?:any|go)|gccgo.*|dh-golang",
    "Haskell": r"ghc|haskell-devscripts.*",
    "Java": r"default-jdk.*|openjdk-.*|javahelper",
    "OCaml": r"ocaml(?:-nox|-compiler-libs)?|dh-ocaml",
    "Pascal": r"fpc|fp-compiler.*",
    "Rust": r"cargo|rustc|dh-cargo",
    "C#": r"mono-(?:devel|mcs)",
}

_BINDINGS = {
    "Guile": r"guile-[\d.]+-dev|guile-snarf",
    "Java": r"default-jdk.*|openjdk-.*",
    "Lua": r"lua5\.\d|liblua.*-dev|dh-lua",
    "OCaml": r"ocaml|ocaml-nox|dh-ocaml",
    "PHP": r"php.*-dev|dh-php",
    "Perl": r"libperl-dev|perl-xs-dev",
    "Python": r"(?:lib)?python3?(?:-all)?-dev|python3-all|dh-python|cython3?",
    "Ruby": r"ruby(?:-all)?-dev|gem2deb",
    "Tcl": r"(?:tcl|tk)(?:[\d.]+)?-dev",
    "GObject introspection": r"(?:lib)?gobject-?introspection.*|gir1\.2-.*|valac.*",
}


def is_binding(name: str) -> bool:
    """Whether the package ``name`` is what a library is bound to another language with."""
    return any(re.fullmatch(pattern, name) for pattern in _BINDINGS.values())


def find_debian_risks(
    source: SourcePackage, candidates: Sequence[Candidate], files: Files, needs: Needs
) -> Iterator[Risk]:
    """The risks that ``debian/`` shows."""
    control = _Control(source, files)
    if not candidates:
        yield Risk(
            name="no-candidates",
            severity=Severity.BLOCKER,
            subject="no package of it gets a variant",
            evidence=(control.line("Source: "),),
        )
        return
    yield from _languages(files, control, needs)
    yield from _listed(candidates, files)
    yield from _old_config_sub(source, files)
    if source.rules_style is RulesStyle.CDBS:
        yield Risk(
            name="cdbs",
            severity=Severity.WATCH,
            subject="debian/rules is written with cdbs",
            evidence=(Evidence(file="debian/rules", line=1, text="#!/usr/bin/make -f"),),
        )


class _Control:
    """The lines of debian/control, for evidence."""

    def __init__(self, source: SourcePackage, files: Files) -> None:
        self.relations = ", ".join(filter(None, (source.build_depends, source.build_depends_arch)))
        path = files.tree / "debian" / "control"
        self.lines = path.read_text(encoding="utf-8", errors="replace").splitlines()

    def line(self, word: str) -> Evidence:
        """The first line with ``word``."""
        for number, text in enumerate(self.lines, start=1):
            if (
                re.search(rf"(?<![\w.+-]){re.escape(word)}(?![\w.+-])", text)
                or word == text[: len(word)]
            ):
                return Evidence(file="debian/control", line=number, text=shown(text))
        return Evidence(file="debian/control", line=1, text=shown(self.lines[0]))


def evidence_for(source: SourcePackage, files: Files, word: str) -> Evidence:
    """The line of debian/control that has ``word``."""
    return _Control(source, files).line(word)


def _languages(files: Files, control: _Control, needs: Needs) -> Iterator[Risk]:
    """Compilers that a build asks for and the target does not have, and bindings."""
    wanted = {*needs.tools, *needs.missing}
    compiled = sum(files.main_languages.get(name, 0) for name in ("C", "C++", "assembly"))
    for language, pattern in _COMPILERS.items():
        packages = sorted(name for name in wanted if re.fullmatch(pattern, name))
        own = files.main_languages.get(language, 0)
        if packages and (own > compiled or not compiled):
            yield Risk(
                name="foreign-language",
                severity=Severity.BLOCKER,
                subject=f"is written in {language}, for which there is no compiler",
                evidence=tuple(map(control.line, packages[:_PLACES_SHOWN])),
            )
        elif packages and own and language not in _BINDINGS:
            yield Risk(
                name="foreign-language",
                severity=Severity.LOST,
                subject=f"parts in {language}",
                evidence=tuple(map(control.line, packages[:_PLACES_SHOWN])),
            )
    if not compiled and not any(files.main_languages.get(name) for name in _COMPILERS):
        yield Risk(
            name="foreign-language",
            severity=Severity.BLOCKER,
            subject="has no C, C++ or assembly to compile",
            evidence=(control.line("Source: "),),
        )
    for language, pattern in _BINDINGS.items():
        packages = sorted(name for name in wanted if re.fullmatch(pattern, name))
        if packages:
            yield Risk(
                name="binding",
                severity=Severity.LOST,
                subject=f"{language} bindings",
                evidence=tuple(map(control.line, packages[:_PLACES_SHOWN])),
            )


def _listed(candidates: Sequence[Candidate], files: Files) -> Iterator[Risk]:
    """Plug-ins that packages list, and -dev packages that list shared objects alone."""
    plug_ins = Places()
    for file in files.of(Use.INSTALL):
        for match in _PLUG_IN.finditer(file.text):
            plug_ins.add(file, match.start(1))
    if plug_ins.count:
        yield plug_ins.risk("plug-ins", Severity.LOST, "plug-ins")
    by_name = {file.name: file for file in files.of(Use.INSTALL)}
    for candidate in candidates:
        listing = by_name.get(f"debian/{candidate.original.name}.install")
        lines = (
            [line.split()[0] for line in listing.text.splitlines() if line.strip()]
            if listing
            else []
        )
        rows = [line for line in lines if not line.startswith("#")]
        if listing and rows and all(_SHARED_ONLY.search(row) for row in rows):
            lost = len(candidates) > 1 or candidate.kind is Kind.PROGRAM
            yield Risk(
                name="only-shared-listed",
                severity=Severity.LOST if lost else Severity.BLOCKER,
                subject=f"{candidate.variant}: only shared objects are listed for it",
                evidence=(listing.evidence(1),),
            )


# The names of the C library in a triple are known to config.sub since 2012.
_KNOWS_TRIPLE = re.compile(r"linux-musl|musl")
_REFRESHES = re.compile(
    r"dh_update_autotools_config|dh_autotools-dev_updateconfig|dh_autoreconf|autoreconf"
    r"|/usr/share/misc/config\.|--with[ =]\S*autotools|autotools\.mk"
)


def _old_config_sub(source: SourcePackage, files: Files) -> Iterator[Risk]:
    """A config.sub that does not know the triple, in rules that do not replace it."""
    if source.rules_style is RulesStyle.DH:
        return  # dh_update_autotools_config is part of the sequence
    rules = next(iter(files.of(Use.RULES)), None)
    if rules is None or _REFRESHES.search(rules.text):
        return
    for file in files.of(Use.CONFIG_SUB):
        if not _KNOWS_TRIPLE.search(file.text):
            places = Places()
            stamp = re.search(r"timestamp=", file.text)
            places.add(file, stamp.start() if stamp else 1)
            yield places.risk(
                "old-config-sub", Severity.BLOCKER, "config.sub is too old to know the target"
            )

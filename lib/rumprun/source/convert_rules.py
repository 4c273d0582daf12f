# SPDX-License-Identifier: BSD-2-Clause
"""Changes to debian/rules, so that a source builds variants and its native packages as before.

One package more, and the first of ``Architecture: all``, changes two things that debhelper
does for the packages that were there:

* In a source with one binary package, ``dh_auto_install`` installs into ``debian/PACKAGE``;
  with two, into ``debian/tmp``. debhelper counts all stanzas, also those that a build profile
  leaves out. Each call of the command therefore gets ``--destdir=debian/PACKAGE``.
* Where rules have a target for the architecture-dependent packages alone, such as
  ``override_dh_auto_build-arch``, dh runs the plain command for the others, of which there were
  none. For the commands that act on the whole tree (a second configure, build or install) it is
  switched off with an empty ``-indep`` target.
"""

from __future__ import annotations

import re
from pathlib import Path

from rumprun.errors import InputError
from rumprun.source.package import RulesStyle, SourcePackage
from rumprun.source.rules import Targets, read_targets

# Commands that act on the tree as a whole rather than on one package after another.
_WHOLE_TREE = (
    "dh_autoreconf",
    "dh_auto_configure",
    "dh_auto_build",
    "dh_auto_test",
    "dh_auto_install",
    "dh_missing",
)
_INCLUDED = "/usr/share/dh-rumprun/rumprun.mk"
_NOTE = "# Added by 'rumpdeb convert': the native packages stay as they were."
_NOTE_CLASSIC = "# Added by 'rumpdeb convert': fills and packs the -rumprun packages."
_INSTALL = re.compile(r"(?<![\w./-])dh_auto_install(?![\w-])")
_SINGLE_BINARY = re.compile(r"--with[= ]\s*[\w,-]*\bsingle[-_]binary\b")


def convert_rules(tree: Path, source: SourcePackage) -> str:
    """The text of ``tree``'s debian/rules, changed for ``source`` to build variants too.

    Raises :class:`InputError` for rules that are no makefile, and for those where the change
    cannot be made with certainty.
    """
    path = tree / "debian" / "rules"
    text = path.read_text(encoding="utf-8")
    if "make" not in text.partition("\n")[0]:
        raise InputError(f"{path}:1: not a makefile", hint="convert works on makefiles only")
    added: list[str] = []
    targets = read_targets(tree)
    if len(source.binaries) == 1:
        package = source.binaries[0].name
        text = _install_into(text, package, path)
        added += _single_binary(source, package, targets, path)
    if source.rules_style is RulesStyle.DH:
        added += _empty_indep_targets(source, targets)
    block = [_NOTE, *added] if added else []
    if source.rules_style is not RulesStyle.DH:
        block += [_NOTE_CLASSIC, f"-include {_INCLUDED}"]
    if not block:
        return text
    return text.rstrip("\n") + "\n\n" + "\n".join(block) + "\n"


def _install_into(text: str, package: str, path: Path) -> str:
    """``text`` with the destination named in each call of ``dh_auto_install``."""
    if _SINGLE_BINARY.search(text):
        raise InputError(
            f"{path}: asks for the single-binary add-on, which refuses a second package",
            hint=f"drop it and give dh_auto_install --destdir=debian/{package}",
        )
    # A command may go on over several lines, and its --destdir be on any of them.
    logical = re.split(r"(?<!\\)(\n)", text)
    return "".join(
        _INSTALL.sub(f"dh_auto_install --destdir=debian/{package}", line)
        if line.startswith("\t") and not line.lstrip().startswith("#") and "--destdir" not in line
        else line
        for line in logical
    )


def _single_binary(source: SourcePackage, package: str, targets: Targets, path: Path) -> list[str]:
    if source.rules_style is RulesStyle.CDBS:
        return [f"DEB_DESTDIR = $(CURDIR)/debian/{package}/"]
    if source.rules_style is RulesStyle.CLASSIC:
        return []
    overrides = {f"override_dh_auto_install{suffix}" for suffix in ("", "-arch", "-indep")}
    conditional = sorted(overrides & targets.conditional)
    if conditional:
        raise InputError(
            f"{path}: {conditional[0]} is defined under a condition",
            hint=f"give dh_auto_install --destdir=debian/{package} in either case",
        )
    if overrides & targets.always:
        return []
    return ["override_dh_auto_install:", f"\tdh_auto_install --destdir=debian/{package}"]


def _empty_indep_targets(source: SourcePackage, targets: Targets) -> list[str]:
    """Empty ``-indep`` targets beside those that are for the architecture alone."""
    if any("all" in binary.architecture for binary in source.binaries):
        return []
    defined = targets.always | targets.conditional
    return [
        f"override_{command}-indep:"
        for command in _WHOLE_TREE
        if any(
            f"{hook}_{command}-arch" in defined
            for hook in ("override", "execute_before", "execute_after")
        )
        and not {f"override_{command}", f"override_{command}-indep"} & defined
    ]

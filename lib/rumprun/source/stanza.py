# SPDX-License-Identifier: BSD-2-Clause
"""The ``-rumprun`` stanzas of debian/control, from a template."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rumprun.source.control import parse_formula
from rumprun.source.naming import Candidate, Kind
from rumprun.source.needs import conflicting_variants, provided_variants
from rumprun.source.package import SourcePackage
from rumprun.templates import load_template

_TEMPLATE = "control-stanza.j2"

# Policy 3.4.1 asks for a synopsis of less than 80 characters.
_SYNOPSIS_LENGTH = 79
_SYNOPSIS_SUFFIX = {
    Kind.DEV: " (static variant for rumprun)",
    Kind.PROGRAM: " (static program for rumprun)",
}
_TEXT_WIDTH = 75

_DESCRIPTION = {
    Kind.DEV: (
        "This package has the headers and static libraries of {original}, built a second time"
        " from the same source for rumprun. Programs that are linked with them are static: they"
        " run in unikernels and in Xen stub domains, and on any Linux system."
    ),
    Kind.PROGRAM: (
        "This package has the programs of {original}, built a second time from the same source"
        " for rumprun. They are static: they can be baked into unikernel images and Xen stub"
        " domains, and run on any Linux system."
    ),
}


def disabling_profile(source: str) -> str:
    """The build profile under which ``source`` builds without its variants."""
    return f"pkg.{source}.norumprun"


def render_stanzas(source: SourcePackage, chosen: Sequence[Candidate]) -> str:
    """The stanzas for ``chosen``, each after an empty line, to append to debian/control."""
    template = load_template(_TEMPLATE)
    return "".join(
        "\n"
        + template.render(
            variant=candidate.variant,
            section=_section(source, candidate),
            build_profiles=_build_profiles(source.name, candidate),
            provides=provided_variants(candidate.original),
            conflicts=conflicting_variants(candidate.original),
            synopsis=synopsis,
            description=textwrap.wrap(
                _DESCRIPTION[candidate.kind].format(original=candidate.original.name),
                width=_TEXT_WIDTH,
                break_on_hyphens=False,
                break_long_words=False,
            ),
        )
        for candidate, synopsis in zip(chosen, _synopses(chosen), strict=True)
    )


def _section(source: SourcePackage, candidate: Candidate) -> str:
    """The section to write, empty where it is the source's: libdevel, or the program's own.

    The area stays the original's, for a variant is as free as its source.
    """
    section = candidate.original.section
    if candidate.kind is Kind.DEV:
        area, slash, _name = section.rpartition("/")
        section = f"{area}{slash}libdevel"
    return "" if section == source.fields.get("Section") else section


def _build_profiles(source: str, candidate: Candidate) -> str:
    """The original's formula, with each alternative excluding the disabling profile."""
    formula = parse_formula(candidate.original.build_profiles) or ((),)
    disabled = (False, disabling_profile(source))
    return " ".join(
        "<"
        + " ".join(f"{'' if wanted else '!'}{name}" for wanted, name in (*terms, disabled))
        + ">"
        for terms in formula
    )


def _synopses(chosen: Sequence[Candidate]) -> list[str]:
    """A synopsis each, all different, and none too long."""
    found: list[str] = []
    for candidate in chosen:
        suffix = _SYNOPSIS_SUFFIX[candidate.kind]
        original = candidate.original.description_synopsis
        synopsis = _shortened(original, _SYNOPSIS_LENGTH - len(suffix)) + suffix
        if not original or synopsis in found:
            synopsis = f"static variant of {candidate.original.name} for rumprun"
        found.append(synopsis)
    return found


def _shortened(text: str, length: int) -> str:
    """``text`` cut at a word's end to ``length``, with no bracket or punctuation left open."""
    if len(text) <= length:
        return text
    kept = text[: length + 1].rpartition(" ")[0] or text[:length]
    if kept.count("(") > kept.count(")"):
        kept = kept.rpartition("(")[0]
    return kept.rstrip(" ,;:.-")

# SPDX-License-Identifier: BSD-2-Clause
"""Control files (deb822) read with their comments and layout, and with line numbers in errors.

The parser is python-debian's round-trip safe one: what it reads it can write back unchanged,
so that ``debian/control`` can be edited without disturbing the maintainer's formatting.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from debian._deb822_repro import parse_deb822_file
from debian._deb822_repro.parsing import Deb822KeyValuePairElement
from debian.deb822 import PkgRelation

from rumprun.errors import InputError

_SUBSTVAR = re.compile(r"\$\{[^}]*\}")
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9.+-]*")
# It tells of relations that it cannot parse there; ours are errors, told by the caller.
logging.getLogger("debian.deb822").addHandler(logging.NullHandler())

# Field name to value, as the file writes it but without comments.
Fields = Mapping[str, str]


def read_text(path: Path) -> str:
    """The text of ``path``.

    Raises :class:`InputError` where it is missing, no regular file or not UTF-8 (Debian
    Policy 5.1 wants UTF-8 in control files).
    """
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise InputError(f"{path}: no such file", hint="is this a Debian source tree?") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(f"{path}:{line}: not UTF-8", hint="convert it with iconv(1)") from error


def parse_document(text: str, *, path: Path) -> Any:
    """``text`` as python-debian's round-trip file element; ``path`` is for messages only.

    Raises :class:`InputError` with the line for anything that is no deb822 syntax.
    """
    lines = text.splitlines(keepends=True)
    document = parse_deb822_file(
        lines, accept_files_with_error_tokens=True, accept_files_with_duplicated_fields=True
    )
    broken = document.find_first_error_element()
    if broken is not None:
        content = broken.convert_to_text()
        line = _line_of(document, broken)
        raise InputError(
            f"{path}:{line}: neither a field nor its continuation: {content.strip()[:60]!r}",
            hint="see deb822(5)",
        )
    for paragraph in document:
        _refuse_duplicates(paragraph, document, path)
    return document


def parse_fields(text: str, *, path: Path) -> tuple[Fields, ...]:
    """The paragraphs of ``text``, each as field name to value.

    Names are looked up as written in Policy (``Build-Depends``); another capitalisation in the
    file is normalised. Raises :class:`InputError` as :func:`parse_document` does.
    """
    return tuple(
        {_canonical(str(name)): str(paragraph[name]) for name in paragraph}
        for paragraph in parse_document(text, path=path)
    )


def parse_formula(profiles: str) -> tuple[tuple[tuple[bool, str], ...], ...]:
    """A ``Build-Profiles`` value as alternatives of (wanted, profile) conjunctions."""
    if not profiles.strip():
        return ()
    # The syntax is that of a restriction in a build dependency, for which there is a parser.
    parsed = PkgRelation.parse_relations(f"x {profiles}")[0][0]["restrictions"] or []
    return tuple(tuple((term.enabled, term.profile) for term in terms) for terms in parsed)


def formula_holds(profiles: str, active: frozenset[str]) -> bool:
    """Whether a package with this ``Build-Profiles`` is built under the ``active`` profiles.

    As dpkg evaluates it: one alternative must hold in full; no formula always holds.
    """
    formula = parse_formula(profiles)
    return not formula or any(
        all((profile in active) is wanted for wanted, profile in terms) for terms in formula
    )


def relation_names(relations: str) -> frozenset[str]:
    """The package names in a relation field, alternatives included.

    Substitution variables that stand for whole relations are passed over. Raises
    :class:`ValueError`, naming the entry, for what is no relation.
    """
    names = set()
    for entry in without_substvars(relations):
        # The parser does not know variables; where one stands for a version any will do.
        (alternatives,) = PkgRelation.parse_relations(_SUBSTVAR.sub("0", entry))
        names |= {relation["name"] for relation in alternatives}
        broken = [relation for relation in alternatives if not _NAME.fullmatch(relation["name"])]
        if broken:
            raise ValueError(entry)
    return frozenset(names - {"0"})


def without_substvars(relations: str) -> tuple[str, ...]:
    """The entries of a relation field, without those that are a substitution variable alone."""
    entries = (" ".join(entry.split()) for entry in relations.split(","))
    return tuple(entry for entry in entries if entry and not _SUBSTVAR.fullmatch(entry))


def _canonical(name: str) -> str:
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


def _line_of(document: Any, element: Any) -> int:
    wanted = next(iter(element.iter_tokens()))
    line = 1
    for token in document.iter_tokens():
        if token is wanted:
            break
        line += token.text.count("\n")
    return line


def _refuse_duplicates(paragraph: Any, document: Any, path: Path) -> None:
    seen: set[str] = set()
    for pair in paragraph.iter_parts_of_type(Deb822KeyValuePairElement):
        name = str(pair.field_name).lower()
        if name in seen:
            raise InputError(
                f"{path}:{_line_of(document, pair)}: a second field {pair.field_name}",
                hint="merge the two",
            )
        seen.add(name)

# SPDX-License-Identifier: BSD-2-Clause
"""Changes to debian/control that leave the maintainer's formatting and comments alone."""

from __future__ import annotations

from pathlib import Path

from debian._deb822_repro import LIST_COMMA_SEPARATED_INTERPRETATION

from rumprun.errors import InputError
from rumprun.source.control import parse_document

_FIELD = "Build-Depends"


def add_build_depends(text: str, relation: str, *, path: Path) -> str:
    """``text`` of a control file with ``relation`` as the last of the source's Build-Depends.

    A field with one relation a line gets one line more, in its own style (trailing or leading
    commas, indentation); where there is no such field it is added. ``path`` is for messages.
    """
    document = parse_document(text, path=path)
    source = next(iter(document))
    pair = source.get_kvpair_element(_FIELD, use_get=True)
    if pair is None or not pair.value_element.convert_to_text().strip():
        source[_FIELD] = relation
        return str(document.dump())
    before = 0
    first = next(iter(pair.value_element.iter_tokens()))
    for token in document.iter_tokens():
        if token is first:
            break
        before += len(token.text)
    value = pair.value_element.convert_to_text()
    changed = _with_relation(value, relation)
    return text[:before] + changed + text[before + len(value) :]


def drop_build_depends(text: str, name: str, *, path: Path) -> str:
    """``text`` of a control file without the package ``name`` in the source's Build-Depends."""
    document = parse_document(text, path=path)
    source = next(iter(document))
    if _FIELD not in source:
        return text
    view = source.as_interpreted_dict_view(LIST_COMMA_SEPARATED_INTERPRETATION)
    dropped = False
    with view[_FIELD] as relations:
        for reference in relations.iter_value_references():
            if reference.value.split()[0] == name:
                reference.remove()
                dropped = True
    return str(document.dump()) if dropped else text


def append_stanzas(text: str, stanzas: str, *, path: Path) -> str:
    """``text`` of a control file followed by ``stanzas``, which still parses.

    Raises :class:`InputError` where it does not.
    """
    whole = text.rstrip("\n") + "\n" + stanzas
    before = sum(1 for _ in parse_document(text, path=path))
    added = sum(1 for _ in parse_document(stanzas, path=path))
    if sum(1 for _ in parse_document(whole, path=path)) != before + added:
        raise InputError(f"{path}: cannot take a further stanza", hint="look at its last lines")
    return whole


def _with_relation(value: str, relation: str) -> str:
    """The raw ``value`` of a relation field, newline and comments included, with one more."""
    lines = value.split("\n")
    last = max(number for number, line in enumerate(lines) if _has_relation(line))
    content = lines[last].rstrip()
    trailing = content.endswith(",")
    indent = content[: len(content) - len(content.lstrip())]
    if last > 0 and content.lstrip().startswith(","):
        lines[last : last + 1] = [content, f"{indent}, {relation}"]
    elif last > 0:
        lines[last : last + 1] = [content.rstrip(", ") + ",", indent + relation + "," * trailing]
    else:
        lines[last] = f"{content.rstrip(', ')}, {relation}"
    return "\n".join(lines)


def _has_relation(line: str) -> bool:
    return bool(line.strip(" \t,")) and not line.startswith("#")

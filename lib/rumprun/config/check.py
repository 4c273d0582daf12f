# SPDX-License-Identifier: BSD-2-Clause
"""Whether a text is an acceptable runtime configuration, and all that is wrong where it is not."""

from __future__ import annotations

from collections.abc import Collection

from rumprun.config.complaint import Complaint, ConfigError
from rumprun.config.document import Document, build_document
from rumprun.config.rules import rule_complaints
from rumprun.config.schema import complaints_about
from rumprun.config.text import Refused, parse_text


def find_complaints(
    data: bytes, *, programs: Collection[str] | None = None
) -> tuple[Document | None, list[Complaint]]:
    """The document that ``data`` is, or None, and what is wrong with it.

    ``programs`` are the names of an image's programs; None: entries may name any. A document
    that keeps to the schema is returned with its complaints, if there are some.
    """
    try:
        values = parse_text(data)
    except Refused as refused:
        return None, [refused.complaint]
    complaints = complaints_about(values)
    if complaints:
        # What else is wrong by our schema may well be right by that of another version.
        of_version = [complaint for complaint in complaints if complaint.path == ("version",)]
        return None, of_version or complaints
    document = build_document(values)
    return document, rule_complaints(document, programs)


def parse_document(data: bytes, *, where: str, programs: Collection[str] | None = None) -> Document:
    """The document that ``data`` is; ``where`` is its name in messages.

    Raises :class:`ConfigError` with all complaints where it is not acceptable.
    """
    document, complaints = find_complaints(data, programs=programs)
    if complaints or document is None:
        raise ConfigError(where, complaints)
    return document

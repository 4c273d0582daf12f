# SPDX-License-Identifier: BSD-2-Clause
"""control-field: a variant's control file says what a variant is."""

from __future__ import annotations

from collections.abc import Iterator

from rumprun.variant.audit.finding import Fault
from rumprun.variant.audit.subject import Rule, Subject

_FILE = "DEBIAN/control"
_WANTED = {"Architecture": "all", "Multi-Arch": "foreign"}


class ControlField:
    """Architecture all, Multi-Arch foreign, a description; programs name what is in them."""

    name = "control-field"
    remedy = "correct the package's stanza in debian/control"

    def check(self, subject: Subject) -> Iterator[Fault]:
        """Look at the control fields of a .deb; other subjects have none."""
        if subject.control is None:
            return
        fields = {name.lower(): value.strip() for name, value in subject.control.items()}
        for name, wanted in _WANTED.items():
            found = fields.get(name.lower(), "")
            if found != wanted:
                detail = f"{name} is {found}, not {wanted}" if found else f"no {name}: {wanted}"
                yield Fault(file=_FILE, detail=detail)
        if not fields.get("description"):
            yield Fault(file=_FILE, detail="no Description")
        if any(subject.programs()) and not fields.get("static-built-using"):
            yield Fault(
                file=_FILE,
                detail="no Static-Built-Using, though there are programs",
                remedy="name the sources that were linked in, as name (= version)",
            )


RULE: Rule = ControlField()

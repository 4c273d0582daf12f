# SPDX-License-Identifier: BSD-2-Clause
"""libdep-library: what an archive says is to be linked with it can be found."""

from __future__ import annotations

from collections.abc import Iterator

from rumprun.variant.audit.finding import Fault
from rumprun.variant.audit.subject import Rule, Subject


class LibdepLibrary:
    """Each ``-l`` that a ``__.LIBDEP`` member records names an archive of the closure."""

    name = "libdep-library"
    remedy = "add the variant that has the library to the dependencies"

    def check(self, subject: Subject) -> Iterator[Fault]:
        """Look each recorded library up as ld would."""
        for entry in subject.archives():
            for member in entry.members:
                words = member.libraries or ()
                places = [word[2:] for word in words if word.startswith("-L/")]
                for word in words:
                    name = word[2:]
                    if word.startswith("-l") and not subject.closure.find_library(name, places):
                        yield Fault(file=entry.path, detail=f"records -l{name}, which is nowhere")


RULE: Rule = LibdepLibrary()

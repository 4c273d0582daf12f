# SPDX-License-Identifier: BSD-2-Clause
"""undefined-symbol: all that an archive refers to is defined somewhere in the closure."""

from __future__ import annotations

from collections.abc import Iterator

from rumprun.variant.audit.finding import Fault
from rumprun.variant.audit.links import Unresolved, listed
from rumprun.variant.audit.subject import Rule, Subject

# A whole library that is missing leaves thousands; the first ones tell which it is.
_MOST = 50


class UndefinedSymbol:
    """Each strong reference of each member has a definition, pulled in or not."""

    name = "undefined-symbol"
    remedy = "add the variant that defines it to the dependencies, or configure its use away"

    def check(self, subject: Subject) -> Iterator[Fault]:
        """Report per symbol, up to a limit for each file, then how many more there are."""
        by_file: dict[str, list[Unresolved]] = {}
        for missing in subject.unresolved:
            if not missing.glibc_only:
                by_file.setdefault(missing.path, []).append(missing)
        for path, found in by_file.items():
            yield from (self._fault(missing) for missing in found[:_MOST])
            if len(found) > _MOST:
                yield Fault(file=path, detail=f"{len(found) - _MOST} further undefined symbols")

    def _fault(self, missing: Unresolved) -> Fault:
        detail = f"nothing defines {missing.symbol}"
        if any(missing.members):
            detail += f", which {listed(missing.members)} needs"
        remedy = ""
        if missing.native.startswith(("libc.", "libm.")):
            detail += f"; glibc's {missing.native} has it"
            remedy = "configure its use away: glibc has it, the target's C library does not"
        elif missing.native:
            detail += f"; natively {missing.native} has it"
            remedy = f"add the variant of the package with {missing.native} to the dependencies"
        return Fault(file=missing.path, detail=detail, remedy=remedy)


RULE: Rule = UndefinedSymbol()

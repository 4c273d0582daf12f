# SPDX-License-Identifier: BSD-2-Clause
"""build-path: no trace of the directory it was built in."""

from __future__ import annotations

import gzip
import mmap
import re
import zlib
from collections.abc import Iterator

from rumprun.variant.audit.finding import Fault
from rumprun.variant.audit.subject import Rule, Subject
from rumprun.variant.audit.tree import Entry, Kind

# More than any changelog; beyond it, a file is a bomb or no documentation.
_MOST_UNPACKED = 64 << 20


class BuildPath:
    """No file and no link names a build directory; packed documentation is looked into."""

    name = "build-path"
    remedy = "compile with -ffile-prefix-map, and keep paths out of generated files"

    def check(self, subject: Subject) -> Iterator[Fault]:
        """Search every byte for every forbidden directory, at a component's end."""
        patterns = [
            (path, re.compile(re.escape(path.encode(errors="surrogateescape")) + rb"(?![\w+~-])"))
            for path in subject.forbidden
        ]
        for entry in subject.entries if patterns else ():
            try:
                yield from self._search(entry, patterns)
            except (OSError, EOFError, zlib.error):
                continue  # unreadable-file, or a .gz that only bears the name

    def _search(
        self, entry: Entry, patterns: list[tuple[str, re.Pattern[bytes]]]
    ) -> Iterator[Fault]:
        if entry.kind is Kind.LINK:
            for path, pattern in patterns:
                if pattern.search(entry.link.encode(errors="surrogateescape")):
                    yield Fault(file=entry.path, detail=f"points into {path}")
        if entry.kind not in (Kind.ELF, Kind.ARCHIVE, Kind.OTHER) or not entry.size:
            return
        with entry.real.open("rb") as stream:
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
                for path, pattern in patterns:
                    if match := pattern.search(data):
                        where = _member_at(entry, match.start())
                        yield Fault(file=entry.path, detail=f"{where}contains {path}")
            if entry.name.endswith(".gz"):
                stream.seek(0)
                unpacked = gzip.GzipFile(fileobj=stream).read(_MOST_UNPACKED)
                for path, pattern in patterns:
                    if pattern.search(unpacked):
                        yield Fault(file=entry.path, detail=f"contains {path}, packed")


def _member_at(entry: Entry, offset: int) -> str:
    for member in entry.members:
        if member.start <= offset < member.start + member.size:
            return f"member {member.name} "
    return ""


RULE: Rule = BuildPath()

# SPDX-License-Identifier: BSD-2-Clause
"""host-script: what tells builds where to look does not send them to the build host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from rumprun.variant.audit.cmake import without_dead_guards
from rumprun.variant.audit.finding import Fault
from rumprun.variant.audit.subject import Rule, Subject
from rumprun.variant.audit.tree import Entry, Kind

_MOST_TEXT = 4 << 20

# A directory of the build host that holds its own libraries or headers.
HOST_DIRECTORY = re.compile(
    r"(?<![\w./}])(?:-[LIR]\s*|-isystem\s*)?"
    r"(?P<path>/usr/(?:local/)?(?:lib(?:32|64|x32)?(?:/[\w.]+-linux-gnu\w*)?|include)"
    r"|/lib(?:32|64)?/[\w.]+-linux-gnu\w*)(?![\w.+-])"
)
_PREFIX = re.compile(
    r"^\s*(?:export\s+)?(?:exec_)?prefix=[\"']?(?P<path>/[^\s\"';]*)", re.MULTILINE
)
_NATIVE_TOOL = re.compile(
    r"(?:^|[`(;|&]|\bif\s|\bexec\s)\s*(?P<tool>pkg-?conf(?:ig)?)\s+-", re.MULTILINE
)
_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)


class HostScript:
    """``*-config`` scripts and .cmake files name the target's prefix only; .la files stay out."""

    name = "host-script"
    remedy = "have it name the target's prefix, or leave it out"

    def check(self, subject: Subject) -> Iterator[Fault]:
        """Look at the text of scripts and cmake files, and at the names of the others."""
        prefix = subject.target.prefix
        for entry in subject.files():
            if entry.name.endswith(".la"):
                yield Fault(
                    file=entry.path,
                    detail="is a libtool file, which names directories of the build",
                    remedy="leave it out: pkg-config does its work",
                )
            elif entry.kind is Kind.OTHER and not entry.damage and entry.size:
                script = entry.name.endswith("-config")
                if script or entry.name.endswith(".cmake"):
                    text = without_dead_guards(_read(entry), entry.path)
                    yield from self._text(entry, text, PurePosixPath(prefix), script)

    def _text(
        self, entry: Entry, text: str, prefix: PurePosixPath, script: bool
    ) -> Iterator[Fault]:
        hosts = {match["path"] for match in HOST_DIRECTORY.finditer(text)}
        for path in sorted(hosts):
            yield Fault(file=entry.path, detail=f"names {path}, which is the build host's")
        if not script:
            return
        for path in sorted({match["path"] for match in _PREFIX.finditer(text)}):
            if not PurePosixPath(path).is_relative_to(prefix) and path not in hosts:
                yield Fault(file=entry.path, detail=f"says that its prefix is {path}")
        if match := _NATIVE_TOOL.search(text):
            yield Fault(file=entry.path, detail=f"calls {match['tool']} of the build host")


def _read(entry: Entry) -> str:
    with entry.real.open(encoding="utf-8", errors="replace") as stream:
        return _COMMENT.sub("", stream.read(_MOST_TEXT))


RULE: Rule = HostScript()

# SPDX-License-Identifier: BSD-2-Clause
"""A trial link: a program with all objects of a package's archives, and what else is named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from rumprun.command import run
from rumprun.variant.audit import archive
from rumprun.variant.audit.links import judged, listed
from rumprun.variant.audit.subject import Subject
from rumprun.variant.audit.tree import Entry

_SECONDS = 600.0
_UNDEFINED = re.compile(r"undefined reference to [`'](.+?)'")
_TELLING = re.compile(
    r"error|cannot find|undefined|not recognized|relocation|mismatch", re.IGNORECASE
)
_PLAIN_SYMBOL = re.compile(r"[A-Za-z_.$][\w.$]*")
_CXX = re.compile(r"_ZN?K?St|_ZT[IV]|__cxa_|__gxx_personality_|_Zn[wa]|_Zd[la]")

# A .pc file may hold any option of the compiler, also those that load plug-ins or write files.
_LINK_WORD = re.compile(
    r"-l[^/].*|-L.*|/.*|-pthread|-fopenmp|-Wl,-u,[\w.$]+|-Wl,--undefined=[\w.$]+"
    r"|-Wl,--(?:no-)?whole-archive|-Wl,--(?:start|end)-group"
)


def link(
    subject: Subject, work: Path, env: dict[str, str], own: Sequence[Path], words: Sequence[str]
) -> Iterator[str]:
    """Why a static program with all of the archives ``own`` and ``words`` does not link, if so.

    ``work`` is a directory to write to. What undefined-symbol or foreign-object already says is
    not said again: those symbols are supplied.
    """
    entries = [entry for entry in subject.archives() if entry.real.absolute() in own]
    if any(_explained_elsewhere(subject, entry) for entry in entries):
        return
    sources = [work / "trial.c", work / "supplied.s"]
    sources[0].write_text("int main(void)\n{\n\treturn 0;\n}\n", encoding="utf-8")
    sources[1].write_text(_supplied(subject), encoding="utf-8")
    whole = [
        _without_libdep(subject, entry, work / f"own{number}.a")
        for number, entry in enumerate(entries)
    ]
    recorded = [word for entry in entries for m in entry.members for word in m.libraries or ()]
    argv: list[str | Path] = [_compiler(subject), "-o", work / "trial", *sources]
    # Members that stand for one another may share an archive, and one may have a main.
    argv += ["-Wl,-z,muldefs", "-Wl,--whole-archive", *whole, "-Wl,--no-whole-archive"]
    argv += [word for word in (*words, *recorded) if _LINK_WORD.fullmatch(word)]
    done = run(argv, env=env, cwd=work, timeout=_SECONDS, check=False)
    if done.returncode != 0:
        yield f"does not link: {_reason(done.stderr, subject)}"


def _explained_elsewhere(subject: Subject, entry: Entry) -> bool:
    """Whether members are such that other rules report them and ld would stop at them."""
    sound = sum(1 for _ in judged(entry, subject.target))
    return sound != sum(1 for member in entry.members if member.libraries is None)


def _compiler(subject: Subject) -> Path:
    """The driver that brings the C++ library in, where the package needs it and there is one."""
    objects = (part for found in subject.symbols.values() for part in found.objects)
    needs_cxx = any(_CXX.match(name) for part in objects for name in part.undefined)
    cxx = needs_cxx and subject.closure.find_library("stdc++") is not None
    return subject.target.tool("g++" if cxx else "gcc")


def _reason(stderr: str, subject: Subject) -> str:
    """What ld complains of, in one line, with the libraries that would help."""
    definers = subject.closure.definers
    undefined = list(dict.fromkeys(_UNDEFINED.findall(stderr)))
    if undefined:
        shown = [f"{n} ({definers[n]} has it)" if n in definers else n for n in undefined]
        return f"undefined {listed(shown)}"
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.search(line)]
    return (telling or lines or ["the linker fails"])[0]


def _supplied(subject: Subject) -> str:
    """Assembler that defines what is known to be undefined."""
    names = {missing.symbol for missing in subject.unresolved}
    lines = [f".globl {name}\n{name}:" for name in sorted(names) if _PLAIN_SYMBOL.fullmatch(name)]
    return "\n".join([".data", *lines, '.section .note.GNU-stack,"",@progbits', ""])


def _without_libdep(subject: Subject, entry: Entry, copy: Path) -> Path:
    """The archive as ld takes it whole, without the dependency metadata, which is no object."""
    if not any(member.name == archive.LIBDEP for member in entry.members):
        return entry.real.absolute()
    copy.write_bytes(entry.real.read_bytes())
    run([subject.target.tool("ar"), "d", copy, archive.LIBDEP], timeout=_SECONDS)
    return copy

# SPDX-License-Identifier: BSD-2-Clause
"""Reads a command line of gcc for the netbsd target: what it does, and what of it is passed on.

It runs for each source file of a build, so it imports little: no pathlib, no dataclasses.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from shared_link_options import GCC_VALUED

_STOPS = frozenset({"-c", "-S", "-E", "-M", "-MM", "-fsyntax-only"})

# A program is linked into a file that the baker links once more, statically, at a fixed address.
_DROPPED = frozenset(
    {
        *("-pie", "-static-pie", "-static", "-rdynamic", "-shared-libgcc", "-static-libgcc"),
        *("-static-libstdc++", "-fPIE", "-fpie", "-s"),
        *("-Wl,-z,relro", "-Wl,-z,now", "-Wl,--as-needed", "-Wl,--no-as-needed", "-Wl,-s"),
        *("-Wl,-Bstatic", "-Wl,-Bdynamic", "-Wl,--gc-sections", "-Wl,--build-id", "-Wl,-E"),
        *("-Wl,--export-dynamic", "-Wl,--no-undefined", "-Wl,-z,defs", "-Wl,-O1"),
    }
)
_DROPPED_STARTS = ("-Wl,-rpath", "-Wl,-R", "-Wl,-soname", "-Wl,--version-script", "-flto")

# In NetBSD's libc, which the baker adds; a second copy of a part of it would be another libc.
IN_LIBC = frozenset({"-lc", "-ldl", "-lpthread", "-lrt", "-lgcc", "-lgcc_s", "-lgcc_eh"})

_HOST = frozenset(
    f"{top}{kind}{below}"
    for top in ("/usr", "/usr/local", "")
    for kind in ("/include", "/lib", "/lib64")
    for below in ("", "/x86_64-linux-gnu")
)

_CHECKS = ("conftest.", "CMakeScratch/", "CMakeTmp/", "/meson-private/")


class Command:
    """One command line: ``words`` to pass on, and what they say."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.inputs: list[str] = []
        self.libraries: list[str] = []
        self.directories: list[str] = []
        self.output = ""
        self.stops_early = False
        self.shared = False
        self.relocatable = False

    @property
    def is_check(self) -> bool:
        """Whether it is a check of autoconf, cmake or meson."""
        return any(mark in word for word in self.words for mark in _CHECKS)


def expand(words: Iterable[str]) -> list[str]:
    """``words`` with those of response files in their place, as gcc reads them."""
    found: list[str] = []
    for word in words:
        if word.startswith("@") and os.path.isfile(word[1:]):
            import shlex  # noqa: PLC0415 - seldom wanted

            with open(word[1:], encoding="utf-8", errors="surrogateescape") as file:
                found += expand(shlex.split(file.read()))
        else:
            found.append(word)
    return found


def read_command(words: Sequence[str], *, installed: str, overlay: str, root: str) -> Command:
    """Read the words after the compiler's name.

    A directory below ``installed`` is looked for in ``overlay`` and ``root``.
    """
    command = Command()
    rest = expand(words)
    while rest:
        word = rest.pop(0)
        if word in ("-I", "-L", "-isystem", "-idirafter", "-l") and rest:
            word += rest.pop(0)
        if word.startswith(("-I", "-L", "-isystem", "-idirafter")):
            _directory(command, word, installed, (overlay, root))
        elif word in GCC_VALUED and rest:
            value = rest.pop(0)
            command.output = value if word == "-o" else command.output
            command.words += [word, value]
        else:
            _word(command, word, overlay)
    return command


def _directory(command: Command, word: str, installed: str, places: Sequence[str]) -> None:
    option = next(o for o in ("-isystem", "-idirafter", "-I", "-L") if word.startswith(o))
    directory = word.removeprefix(option)
    if directory.startswith(installed):
        below = directory.removeprefix(installed).lstrip("/")
        there = [f"{place}/{below}" for place in places if os.path.exists(f"{place}/{below}")]
        directory = there[0] if there else directory
    if directory.rstrip("/") in _HOST:
        return
    if option == "-L":
        command.directories.append(directory)
    command.words.append(f"{option}{directory}")


def _word(command: Command, word: str, overlay: str) -> None:
    if word.startswith("-l"):
        _library(command, word, overlay)
        return
    if word in _DROPPED or word.startswith(_DROPPED_STARTS):
        return
    if not word.startswith("-") or word == "-":
        command.inputs.append(word)
        if word.endswith((".a", ".so")):
            command.libraries.append(word)
    elif word.startswith("-o"):
        command.output = word[2:]
    command.stops_early |= word in _STOPS
    command.shared |= word in ("-shared", "--shared")
    command.relocatable |= word in ("-r", "-Wl,-r", "-Wl,--relocatable")
    command.words.append(word)


def _library(command: Command, word: str, overlay: str) -> None:
    """A translated shared library has no name that ld looks for in a static link."""
    name = word[2:]
    if word in IN_LIBC:
        return
    command.inputs.append(word)
    command.libraries.append(word)
    for place in (*command.directories, f"{overlay}/lib"):
        if os.path.isfile(f"{place}/lib{name}.a"):
            break
        if os.path.isfile(f"{place}/lib{name}.so"):
            word = f"-l:lib{name}.so"
            break
    command.words.append(word)

# SPDX-License-Identifier: BSD-2-Clause
"""Reads the command line of a link with ``-shared``: pure, it opens no file.

The options are those of gcc(1) and ld(1), binutils 2.40 and gcc 12.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePath

from shared_link_options import GCC_VALUED, LD_VALUED, words_of

# What only concerns the link itself; a compilation of a source on the same line has no use for it.
_LINK_ONLY = words_of(
    """
    -shared --shared -static -static-pie -pie -no-pie -nopie -rdynamic -nostdlib -nostartfiles
    -nodefaultlibs -nolibc -shared-libgcc -static-libgcc -static-libstdc++ -symbolic -s -r
    """
)
_LINK_ONLY_VALUED = words_of(
    """
    -T -u -z -e -Tbss -Tdata -Ttext --entry -L
    """
)

_LANGUAGES = {
    ".c": "c",
    ".i": "cpp-output",
    ".s": "assembler",
    ".S": "assembler-with-cpp",
    ".sx": "assembler-with-cpp",
    ".cc": "c++",
    ".cp": "c++",
    ".cpp": "c++",
    ".cxx": "c++",
    ".c++": "c++",
    ".CPP": "c++",
    ".ii": "c++-cpp-output",
    ".C": "c++",
}


class PlanError(Exception):
    """The command line cannot be understood; the text says why and what to do."""


class Kind(Enum):
    """What an input of a link is, as far as its name tells."""

    SOURCE = "source"
    FILE = "file"
    LIBRARY = "library"


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input, in the order of the command line.

    ``name`` is a path, or for a library what stands behind ``-l``; ``whole`` says that it came
    after ``--whole-archive``; ``language`` is a source's, as ``-x`` names it.
    """

    kind: Kind
    name: str
    whole: bool = False
    language: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a link with ``-shared`` asks for, without what a static archive has no use for."""

    output: str = "a.out"
    inputs: tuple[Input, ...] = ()
    directories: tuple[str, ...] = ()
    undefined: tuple[str, ...] = ()
    compile_options: tuple[str, ...] = ()


def read_command_line(syntax: str, words: Sequence[str]) -> Plan:
    """The plan for ``words``, the arguments of ``gcc`` or ``ld`` as ``syntax`` says.

    Response files must have been replaced by their words. Raises :class:`PlanError` where an
    option lacks its value.
    """
    reader = _Reader()
    if syntax == "ld":
        reader.read_linker_words(words)
    else:
        reader.read_compiler_words(words)
    if reader.awaiting:
        raise PlanError(f"{reader.awaiting} lacks its value; add it")
    return reader.plan()


class _Reader:
    """The state along a command line."""

    def __init__(self) -> None:
        self.output = "a.out"
        self.inputs: list[Input] = []
        self.directories: list[str] = []
        self.undefined: list[str] = []
        self.compile_options: list[str] = []
        self.language = ""
        self.whole = False
        self.pushed: list[bool] = []
        # An option of ld that waits for its value, which may come in another -Wl.
        self.awaiting = ""

    def plan(self) -> Plan:
        """What has been read so far."""
        return Plan(
            output=self.output,
            inputs=tuple(self.inputs),
            directories=tuple(self.directories),
            undefined=tuple(self.undefined),
            compile_options=tuple(self.compile_options),
        )

    def read_linker_words(self, words: Sequence[str]) -> None:
        """Read words as ld does."""
        for word in words:
            self._linker_word(word)

    def read_compiler_words(self, words: Sequence[str]) -> None:
        """Read words as gcc does."""
        remaining = iter(words)
        for word in remaining:
            if word == "-" or not word.startswith("-"):
                self._add_file(word)
            elif word.startswith("-Wl,"):
                self.read_linker_words(word[len("-Wl,") :].split(","))
            elif word in GCC_VALUED:
                self._compiler_pair(word, _value_of(word, remaining))
            else:
                self._compiler_word(word)

    def _compiler_pair(self, option: str, value: str) -> None:
        match option:
            case "-o":
                self.output = value
            case "-x":
                self.language = "" if value == "none" else value
            case "-l":
                self._add_library(value)
            case "-L":
                self.directories.append(value)
            case "-u":
                self.undefined.append(value)
            case "-Xlinker":
                self._linker_word(value)
            case _ if option not in _LINK_ONLY_VALUED:
                self.compile_options += [option, value]

    def _compiler_word(self, word: str) -> None:
        for option in ("-o", "-x", "-l", "-L", "-u"):
            if word.startswith(option):
                self._compiler_pair(option, word[len(option) :])
                return
        # -z and -T are options of the linker alone, also with their value joined.
        if word not in _LINK_ONLY and not word.startswith(("-z", "-T")):
            self.compile_options.append(word)

    def _linker_word(self, word: str) -> None:
        if self.awaiting:
            option, self.awaiting = self.awaiting, ""
            self._linker_pair(option, word)
        elif not word.startswith("-") or word == "-":
            self._add_file(word)
        elif word[1] in "lLou" and not word.startswith("--"):
            self._short_linker_option(word)
        else:
            self._long_linker_option(word.removeprefix("-").removeprefix("-"))

    def _short_linker_option(self, word: str) -> None:
        if len(word) > 2:
            self._linker_pair(word[1], word[2:])
        else:
            self.awaiting = word[1]

    def _long_linker_option(self, name: str) -> None:
        name, has_value, value = name.partition("=")
        if has_value:
            self._linker_pair(name, value)
        elif name in LD_VALUED:
            self.awaiting = name
        elif name in ("whole-archive", "no-whole-archive"):
            self.whole = name == "whole-archive"
        elif name == "push-state":
            self.pushed.append(self.whole)
        elif name == "pop-state" and self.pushed:
            self.whole = self.pushed.pop()

    def _linker_pair(self, option: str, value: str) -> None:
        match option:
            case "o" | "output":
                self.output = value
            case "l" | "library":
                self._add_library(value)
            case "L" | "library-path":
                self.directories.append(value)
            case "u" | "undefined":
                self.undefined.append(value)

    def _add_library(self, name: str) -> None:
        self.inputs.append(Input(kind=Kind.LIBRARY, name=name, whole=self.whole))

    def _add_file(self, path: str) -> None:
        language = self.language or _LANGUAGES.get(PurePath(path).suffix, "")
        kind = Kind.SOURCE if language else Kind.FILE
        self.inputs.append(Input(kind=kind, name=path, whole=self.whole, language=language))


def _value_of(option: str, remaining: Iterator[str]) -> str:
    try:
        return next(remaining)
    except StopIteration:
        raise PlanError(f"{option} lacks its value; add it") from None

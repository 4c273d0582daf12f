#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Turns a link with ``-shared`` into a static archive of the name that was asked for.

``shared_link.py gcc|ld WORDS...`` is what the compiler driver calls; ``shared_link.py --settle
ARCHIVE...`` takes the directories of the build out of what archives record, for packing them.
It is part of the toolchain package and needs nothing but Python.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# python3 -I leaves the script's own directory out.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from shared_link_ar import ArchiveError, is_archive, read_archive, recorded_libraries
from shared_link_plan import Input, Kind, Plan, PlanError, read_command_line

# A toolchain for another target has a file that says which.
_NAMED = Path(__file__).resolve().with_name("triple")
TRIPLE = _NAMED.read_text().strip() if _NAMED.is_file() else "x86_64-rumprun-linux-musl"
HOST = "x86_64-linux-gnu"

_ELF_MAGIC = b"\x7fELF"
_ET_REL = 1
_ET_DYN = 3

# Every link has them at its end, so they need not be recorded.
_LIBGCC = frozenset({"gcc", "gcc_eh", "gcc_s"})
_MUSL = Path("/usr/lib/x86_64-linux-musl")

_INCLUDED = re.compile(r"^(?P<archive>\S.*)\((?P<member>[^()]+)\)(\s|$)")


class TranslationError(Exception):
    """The link cannot be translated; the text says what, where, and what to do."""


@dataclass
class Parts:
    """What goes into the archive: objects in order, and recorded words for ar's modifier l."""

    objects: list[Path] = field(default_factory=list)
    searched: list[Path] = field(default_factory=list)
    directories: list[str] = field(default_factory=list)
    libraries: list[str] = field(default_factory=list)

    def record(self, library: str, directory: Path | None) -> None:
        """Note ``library`` as ``-lNAME``, to be found in ``directory`` or in a sysroot."""
        if directory and str(directory) not in self.directories:
            self.directories.append(str(directory))
        if library not in self.libraries:
            self.libraries.append(library)


def run_tool(argv: Sequence[str | Path]) -> None:
    """Run one tool of the toolchain; what it says goes to our standard error.

    Raises :class:`TranslationError` where it fails or does not exist.
    """
    try:
        ended = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
    except FileNotFoundError as error:
        raise TranslationError(f"{argv[0]}: not found; install the toolchain again") from error
    if ended.returncode != 0:
        raise TranslationError(f"{Path(argv[0]).name} failed; see its message above")


def tool(name: str) -> Path:
    """The tool that belongs to the toolchain in which this script is."""
    return Path(__file__).resolve().parents[2] / "bin" / f"{TRIPLE}-{name}"


def sysroots() -> tuple[Path, ...]:
    """The directories of variants and of the toolchain; the driver names them to us."""
    names = ("RUMPRUN_SYSROOT", "RUMPRUN_TOOLCHAIN_SYSROOT")
    return tuple(Path(os.environ[name]) for name in names if os.environ.get(name))


class Translation:
    """One link at work: ``plan`` says what is asked for, ``work`` is a directory of our own."""

    def __init__(self, plan: Plan, work: Path) -> None:
        self.plan = plan
        self.work = work
        self.parts = Parts()
        self.search_path = [Path(name) for name in plan.directories]
        self.search_path += [root / "lib" for root in sysroots()]
        self.taken: set[str] = set()

    def make(self) -> None:
        """Write the archive; nothing is left behind if it fails.

        Raises :class:`TranslationError`, or OSError where a file cannot be read or written.
        """
        for item in self.plan.inputs:
            match item.kind:
                case Kind.SOURCE:
                    self.parts.objects.append(self._compile(item))
                case Kind.LIBRARY:
                    self._add_library(item)
                case Kind.FILE:
                    self._add_file(item)
        self.parts.objects += self._members_needed()
        write_archive(Path(self.plan.output), self.parts, self.work)

    def _compile(self, item: Input) -> Path:
        result = self._name_for(f"{Path(item.name).stem}.o")
        run_tool(
            [
                tool("gcc"),
                *self.plan.compile_options,
                "-c",
                *("-o", result),
                *("-x", item.language),
                item.name,
            ]
        )
        return result

    def _add_library(self, item: Input) -> None:
        if item.name in _LIBGCC:
            return
        path = self._find_library(item.name)
        if path.resolve().parent == _MUSL:
            return
        if item.whole:
            self._merge(path)
        elif _in_sysroot(path):
            self.parts.record(f"-l{item.name}", None)
        elif _is_called_shared(path):
            self.parts.record(f"-l{item.name}", path.parent.resolve())
        else:
            self.parts.searched.append(path)

    def _find_library(self, name: str) -> Path:
        """The file that ld takes for ``-lNAME``, among archives only."""
        names = [name[1:]] if name.startswith(":") else [f"lib{name}.so", f"lib{name}.a"]
        for directory in self.search_path:
            for file_name in names:
                path = directory / file_name
                if path.is_file() and is_archive(path):
                    return path
        raise TranslationError(
            f"cannot find -l{name}; build it before, or add the variant that has it"
        )

    def _add_file(self, item: Input) -> None:
        path = Path(item.name)
        if is_archive(path):
            if item.whole:
                self._merge(path)
            elif _is_called_shared(path):
                self._record_file(path)
            else:
                self.parts.searched.append(path)
            return
        elf_type = _elf_type(path)
        if elf_type == _ET_REL:
            self.parts.objects.append(self._link_to(path))
        elif elf_type is not None:
            raise TranslationError(
                f"{path}: a dynamic library or a program; give the archive or its objects"
            )
        # Any other file is a script for ld, such as a list of versions: of no use in an archive.

    def _record_file(self, path: Path) -> None:
        directory = None if _in_sysroot(path) else path.parent.resolve()
        stem, _, _ = path.name.partition(".so")
        plain = [path.with_name(f"{stem}{suffix}") for suffix in (".so", ".a")]
        if stem.startswith("lib") and any(each.is_file() for each in plain):
            self.parts.record(f"-l{stem.removeprefix('lib')}", directory)
        else:
            self.parts.record(f"-l:{path.name}", directory)

    def _merge(self, path: Path) -> None:
        """Take all of an archive, and what it records in its turn."""
        objects, recorded = self._unpack(path)
        self.parts.objects += objects
        for word in recorded:
            if word.startswith("-L"):
                self.parts.directories.append(word.removeprefix("-L"))
            else:
                self.parts.record(word, None)

    def _unpack(self, path: Path) -> tuple[list[Path], tuple[str, ...]]:
        objects = []
        for member in read_archive(path):
            if member.data.startswith(_ELF_MAGIC):
                target = self._name_for(Path(member.name).name)
                target.write_bytes(member.data)
                objects.append(target)
        return objects, recorded_libraries(path)

    def _members_needed(self) -> list[Path]:
        """The members of searched archives that the link would have pulled: ld is asked.

        Members get names of their own first, so that its answer can be taken literally.
        """
        members: dict[str, Path] = {}
        copies: list[Path] = []
        for number, path in enumerate(dict.fromkeys(self.parts.searched)):
            objects, recorded = self._unpack(path)
            copy = self.work / f"searched-{number}.a"
            run_tool([tool("gcc-ar"), "qcsD", copy, *objects])
            members |= {each.name: each for each in objects}
            copies.append(copy)
            for word in recorded:
                if word.startswith("-l"):
                    self.parts.record(word, None)
        if not members or not (self.parts.objects or self.plan.undefined):
            return []
        needed = self._dry_link(copies)
        return [path for name, path in members.items() if name in needed]

    def _dry_link(self, archives: Sequence[Path]) -> set[str]:
        map_file = self.work / "dry.map"
        run_tool(
            [
                tool("gcc"),
                *("-r", "-nostdlib", f"-Wl,-Map={map_file}"),
                *("-o", self.work / "dry.o"),
                *(f"-Wl,-u,{symbol}" for symbol in self.plan.undefined),
                *self.parts.objects,
                "-Wl,--start-group",
                *archives,
                "-Wl,--end-group",
            ]
        )
        return _members_in_map(map_file.read_text(errors="replace"))

    def _link_to(self, path: Path) -> Path:
        target = self._name_for(path.name)
        target.symlink_to(path.resolve())
        return target

    def _name_for(self, name: str) -> Path:
        """A path for a member: objects of the same name from different places all survive."""
        stem, suffix = Path(name).stem, Path(name).suffix
        candidate, number = name, 1
        while candidate in self.taken:
            number += 1
            candidate = f"{stem}.{number}{suffix}"
        self.taken.add(candidate)
        directory = self.work / "members"
        directory.mkdir(exist_ok=True)
        return directory / candidate


def write_archive(output: Path, parts: Parts, work: Path) -> None:
    """Make the archive ``output`` of ``parts``, whole or not at all.

    Raises :class:`TranslationError` or OSError.
    """
    objects = parts.objects
    recorded = [f"-L{name}" for name in parts.directories] + parts.libraries
    if parts.libraries and not objects:
        # ld refuses an archive that has members but no index, and ar indexes only objects.
        empty = work / "empty.o"
        run_tool([tool("as"), "-o", empty, "/dev/null"])
        objects = [empty]
    flags = ["qcsDl", " ".join(recorded)] if parts.libraries else ["qcsD"]
    made = work / "made.a"
    run_tool([tool("gcc-ar"), *flags, made, *objects])
    if output.is_dir():
        raise TranslationError(f"{output}: is a directory; name a file with -o")
    if output.exists() and not output.is_file():
        return  # -o /dev/null, to try an option
    partial = output.with_name(f".{output.name}.{os.getpid()}.partial")
    try:
        shutil.copyfile(made, partial)
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)


def settle(archive: Path) -> None:
    """Take the directories out of what ``archive`` records: installed libraries lie together.

    A file name that was recorded as ``-l:libNAME.so.N`` becomes ``-lNAME``. Raises
    :class:`TranslationError`, ArchiveError or OSError.
    """
    recorded = recorded_libraries(archive)
    wanted = []
    for word in recorded:
        match = re.fullmatch(r"-l:lib(.+?)\.so[.0-9]*", word)
        if match:
            wanted.append(f"-l{match[1]}")
        elif not word.startswith("-L"):
            wanted.append(word)
    if list(recorded) == wanted:
        return
    with tempfile.TemporaryDirectory(prefix="rumprun-link.") as name:
        copy = Path(name) / "copy.a"
        shutil.copyfile(archive, copy)
        run_tool([tool("ar"), "dD", copy, "__.LIBDEP"])
        run_tool([tool("ar"), "qcsDl", " ".join(wanted), copy])
        partial = archive.with_name(f".{archive.name}.{os.getpid()}.partial")
        try:
            shutil.copyfile(copy, partial)
            partial.replace(archive)
        finally:
            partial.unlink(missing_ok=True)


def _in_sysroot(path: Path) -> bool:
    directory = path.parent.resolve()
    return any(directory == (root / "lib").resolve() for root in sysroots())


def _is_called_shared(path: Path) -> bool:
    return re.search(r"\.so(\.[0-9]+)*$", path.name) is not None


def _elf_type(path: Path) -> int | None:
    with path.open("rb") as file:
        header = file.read(18)
    return int.from_bytes(header[16:18], "little") if header.startswith(_ELF_MAGIC) else None


def _members_in_map(text: str) -> set[str]:
    """The members that ld's map says were included from archives."""
    found: set[str] = set()
    for line in text.splitlines():
        match = _INCLUDED.match(line)
        if match:
            found.add(match["member"])
    return found


@contextlib.contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn every failure into one line on standard error and exit status 1."""
    try:
        yield
    except (TranslationError, PlanError, ArchiveError) as error:
        sys.exit(f"{TRIPLE}: {what}: {error}")
    except OSError as error:
        name = error.filename or "a file"
        sys.exit(f"{TRIPLE}: {what}: {name}: {error.strerror}; see that it can be used")


def main(words: Sequence[str]) -> int:
    """Translate one link, or settle archives; the exit status."""
    # make(1) ends its children with TERM: leave as for an error, which removes what is unfinished.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))
    if not words:
        sys.exit("usage: shared_link.py gcc|ld WORDS... | --settle ARCHIVE...")
    if words[0] == "--settle":
        for name in words[1:]:
            with explained(name):
                settle(Path(name))
        return 0
    with explained("-shared"):
        plan = read_command_line(words[0], words[1:])
    with explained(plan.output), tempfile.TemporaryDirectory(prefix="rumprun-link.") as name:
        Translation(plan, Path(name)).make()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

#!/usr/bin/python3 -IS
# SPDX-License-Identifier: BSD-2-Clause
"""x86_64-rumprun-netbsd-{gcc,cc,c99,g++,c++,cpp,ld,pkg-config,strip}: upstream Rumprun's tools.

One program; the end of the name that it is called by says which. What upstream calls
fermenting, the link of a program into a relocatable file, is done here as its own front end does
it, because that one fails with a compiler that makes position-independent programs unless told
otherwise, and knows no options that build systems ask every gcc about. Backing compiler, flags and
specs are those of the prefix. It is part of the toolchain's tree and needs nothing but Python, and
little of that: it runs for each source file of a build.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Sequence

# python3 -I leaves the script's own directory out.
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)

from netbsd_words import IN_LIBC, Command, read_command

TRIPLE = "x86_64-rumprun-netbsd"
PREFIX = f"{HERE}/prefix"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
SYSROOT = f"{ROOT}/usr/{TRIPLE}"
BIN = f"{ROOT}/usr/bin/{TRIPLE}"

# Not those: gcc of the build machine must not find more than we say.
_UNWANTED = (
    *("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH"),
    *("COMPILER_PATH", "GCC_EXEC_PREFIX", "LD_RUN_PATH"),
)

_SETTING = re.compile(r'\.asciz "rumprun_(\w+): (.*)"')

# Fortified calls go to functions that NetBSD's libc lacks.
_COMPILE = ("-U_FORTIFY_SOURCE", "-no-integrated-cpp")

# What upstream's front end adds for C++.
_CXX_LIBRARIES = ("-lc++", "-lunwind")

# A map tells the packager which archives went into a program; one of a check is of no use.
_LOG = "RUMPRUN_LINK_LOG"


def settings() -> dict[str, str]:
    """What the prefix records in each program: ``tooldir``, ``backingcc``, ``cflags``."""
    path = f"{PREFIX}/rumprun-x86_64/share/{TRIPLE}-recipe.s"
    try:
        with open(path, encoding="utf-8") as file:
            return dict(_SETTING.findall(file.read()))
    except OSError as error:
        sys.exit(f"{TRIPLE}: {path}: {error.strerror}; run 'rumpdeb targets'")


def overlay() -> str:
    """The directory with the variants that a build uses."""
    return os.environ.get("RUMPRUN_SYSROOT") or SYSROOT


def become(argv: list[str]) -> None:
    """Be that program from now on."""
    try:
        os.execv(argv[0], argv)
    except OSError as error:
        sys.exit(f"{TRIPLE}: {argv[0]}: {error.strerror}; run 'rumpdeb targets'")


def run(argv: list[str]) -> None:
    """Run to the end; end as it does where it fails."""
    try:
        status = os.spawnv(os.P_WAIT, argv[0], argv)
    except OSError as error:
        sys.exit(f"{TRIPLE}: {argv[0]}: {error.strerror}; run 'rumpdeb targets'")
    if status:
        sys.exit(status if status > 0 else 128 - status)


class Compiler:
    """One call of gcc or g++."""

    def __init__(self, command: Command, *, cxx: bool) -> None:
        self.command = command
        self.cxx = cxx
        known = settings()
        backing = known["backingcc"]
        self.backing = f"{backing.removesuffix('gcc')}c++" if cxx else backing
        self.flags = known["cflags"].split()
        # Upstream's default is plain C++11, for which NetBSD's headers hide much of C99.
        if cxx and not any(word.startswith("-std=") for word in command.words):
            self.flags.append("-std=gnu++11")
        self.root = f"{known['tooldir']}/rumprun-x86_64"
        self.recipe = f"{self.root}/share/{TRIPLE}-recipe.s"

    def base(self, specs: str) -> list[str]:
        """The words that each call of the backing compiler begins with."""
        specs = f"-specs={self.root}/lib/{specs}"
        return [self.backing, *self.flags, "--sysroot", self.root, specs]

    def includes(self) -> list[str]:
        """The variants' headers, recorded by the name that they are installed under."""
        words = [f"-isystem{overlay()}/include", f"-ffile-prefix-map={overlay()}=/usr/{TRIPLE}"]
        words.append(f"-ffile-prefix-map={self.root}=/usr/{TRIPLE}")
        tree = os.environ.get("RUMPRUN_BUILD_TREE")
        return words + ([f"-ffile-prefix-map={tree}=."] if tree else [])

    def compile(self) -> None:
        """Compile, and no more."""
        compiled = [*self.base("specs-compile_or_ferment"), *_COMPILE, *self.includes()]
        become([*compiled, *self.command.words])

    def partial(self) -> None:
        """What the caller himself wants relocatable: no program."""
        become([self.backing, *self.flags, "-nostdlib", "-no-pie", *self.command.words])

    def ferment(self) -> None:
        """Link a program into a relocatable file, if it has all that it needs."""
        output = self.command.output or "a.out"
        words = [*self.command.words, *self._libraries()]
        run(
            [
                *self.base("specs-compile_or_ferment"),
                *_COMPILE,
                *self.includes(),
                *("-no-pie", "-Wl,-r", "-Wl,-u,main", "-Wl,--no-warn-execstack"),
                f"-L{overlay()}/lib",
                *self._map(output),
                *words,
                self.recipe,
                *(_CXX_LIBRARIES if self.cxx else ()),
            ]
        )
        if os.path.isfile(output):
            self._try(output)
            os.chmod(output, os.stat(output).st_mode | 0o111)

    def _try(self, output: str) -> None:
        """See that upstream's libraries have all that ``output`` lacks; else it goes."""
        try:
            run(
                [
                    *self.base("specs-stub"),
                    *("-no-pie", "-Wl,--no-warn-execstack", "-Wl,--no-warn-rwx-segments"),
                    *(output, "-o", "/dev/null"),
                ]
            )
        except SystemExit:
            os.unlink(output)
            raise

    def _libraries(self) -> list[str]:
        """The libraries that the inputs record, and those record in turn."""
        if not self.command.libraries:
            return []
        from pathlib import Path  # noqa: PLC0415 - seldom wanted, and slow

        from shared_link_ar import ArchiveError, recorded_libraries  # noqa: PLC0415

        places = [*self.command.directories, f"{overlay()}/lib"]
        waiting = list(self.command.libraries)
        seen: set[str] = set()
        found: list[str] = []
        while waiting:
            path = find_library(waiting.pop(0), places)
            if path is None or path in seen:
                continue
            seen.add(path)
            try:
                words = recorded_libraries(Path(path))
            except (ArchiveError, OSError):
                continue
            places += [word[2:] for word in words if word.startswith("-L")]
            more = [word for word in words if word.startswith("-l") and word not in IN_LIBC]
            waiting += more
            found += [find_library(word, places) or word for word in more]
        return found

    def _map(self, output: str) -> list[str]:
        directory, name = os.environ.get(_LOG), os.path.basename(output)
        if not directory or name.startswith("conftest") or self.command.is_check:
            return []
        return [f"-Wl,-Map={directory}/{name}.{time.time_ns()}.{os.getpid()}.map"]


def is_archive(path: str) -> bool:
    """Whether ``path`` is a file that begins like an archive."""
    try:
        with open(path, "rb") as file:
            return file.read(8) in (b"!<arch>\n", b"!<thin>\n")
    except OSError:
        return False


def find_library(word: str, places: Sequence[str]) -> str | None:
    """The archive that ``word`` means: a path, or ``-lNAME``, also if called libNAME.so."""
    if not word.startswith("-l"):
        return word if is_archive(word) else None
    name = word[2:]
    names = [name[1:]] if name.startswith(":") else [f"lib{name}.a", f"lib{name}.so"]
    for place in places:
        for candidate in names:
            if is_archive(f"{place}/{candidate}"):
                return f"{place}/{candidate}"
    return None


def answer(words: Sequence[str]) -> bool:
    """Answer what any gcc is asked about itself, for the target; whether it was such a question."""
    for word in words:
        option = word.removeprefix("-").removeprefix("-") if word.startswith("-") else ""
        if option in ("dumpmachine", "print-multiarch"):
            print(TRIPLE)
        elif option == "print-sysroot":
            print(SYSROOT)
        elif option == "print-search-dirs":
            print(f"install: {PREFIX}/\nprograms: ={ROOT}/usr/bin/")
            print(f"libraries: ={overlay()}/lib/:{SYSROOT}/lib/")
        elif option.startswith("print-file-name="):
            print_file_name(option.partition("=")[2])
        elif option.startswith("print-prog-name="):
            print_program_name(option.partition("=")[2])
        else:
            continue
        return True
    return False


def print_file_name(name: str) -> None:
    """A file of ours, or libgcc.a and headers of the backing compiler; else the name again."""
    for place in (overlay(), SYSROOT):
        if os.path.exists(f"{place}/lib/{name}"):
            print(f"{place}/lib/{name}")
            return
    if name.startswith("lib") and not name.startswith("libgcc"):
        print(name)
        return
    become([settings()["backingcc"], f"-print-file-name={name}"])


def print_program_name(name: str) -> None:
    """A tool of ours, or one of the backing compiler's own."""
    if os.path.exists(f"{BIN}-{name}"):
        print(f"{BIN}-{name}")
    else:
        become([settings()["backingcc"], f"-print-prog-name={name}"])


def run_compiler(name: str, words: Sequence[str]) -> None:
    """Be gcc, g++ or cpp."""
    if answer(words):
        return
    command = read_command(words, installed=f"/usr/{TRIPLE}", overlay=overlay(), root=SYSROOT)
    compiler = Compiler(command, cxx=name.endswith("++"))
    if name == "cpp":
        become([*compiler.base("specs-compile_or_ferment"), *_COMPILE, "-E", *command.words])
    if command.stops_early or not command.inputs:
        compiler.compile()
    elif command.shared:
        translate("gcc", command.words)
    elif command.relocatable:
        compiler.partial()
    else:
        compiler.ferment()


def translate(syntax: str, words: Sequence[str]) -> None:
    """A link with -shared yields a static archive: shared_link.py knows how."""
    os.environ["RUMPRUN_SYSROOT"] = overlay()
    os.environ["RUMPRUN_TOOLCHAIN_SYSROOT"] = SYSROOT
    become([sys.executable, "-I", f"{HERE}/shared_link.py", syntax, *words])


def run_linker(words: Sequence[str]) -> None:
    """Be ld: what it links is no program, for which gcc is needed."""
    if {"-shared", "--shared", "-Bshareable"} & set(words):
        translate("ld", [word for word in words if word not in IN_LIBC])
    become([f"{settings()['tooldir']}/bin/{TRIPLE}-ld", *words])


def run_strip(words: Sequence[str]) -> None:
    """Be strip: a program that the baker is to link keeps the symbols that are looked for."""
    whole = {"-s", "--strip-all", "--strip-unneeded", "-S", "-d", "-g"}
    kept = [word for word in words if word not in whole]
    become([f"{settings()['tooldir']}/bin/{TRIPLE}-strip", "--strip-debug", *kept])


def run_pkg_config(words: Sequence[str]) -> None:
    """Be pkg-config, which knows the variants alone."""
    places = (overlay(), SYSROOT)
    for name in ("PKG_CONFIG_PATH", "PKG_CONFIG_SYSROOT_DIR"):
        os.environ.pop(name, None)
    found = [f"{place}/{sub}/pkgconfig" for place in places for sub in ("lib", "share")]
    os.environ["PKG_CONFIG_LIBDIR"] = ":".join(found)
    roots = (*places, f"/usr/{TRIPLE}")
    for kind, below in (("INCLUDE", "include"), ("LIBRARY", "lib")):
        system = ":".join(f"{root}/{below}" for root in roots)
        os.environ[f"PKG_CONFIG_SYSTEM_{kind}_PATH"] = system
    become(["/usr/bin/pkgconf", "--static", "--define-prefix", *words])


def main() -> None:
    """Find out which tool is wanted, and be that."""
    for name in _UNWANTED:
        os.environ.pop(name, None)
    called, words = os.path.basename(sys.argv[0]), sys.argv[1:]
    if called.endswith("pkg-config"):
        run_pkg_config(words)
    name = called.rpartition("-")[2]
    if name in ("gcc", "cc", "c99", "g++", "c++", "cpp"):
        run_compiler(name, ["-std=c99", *words] if name == "c99" else words)
    elif name == "ld":
        run_linker(words)
    elif name == "strip":
        run_strip(words)
    else:
        sys.exit(f"{TRIPLE}: {called}: unknown name")


if __name__ == "__main__":
    main()

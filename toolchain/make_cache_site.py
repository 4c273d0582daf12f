#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes cache.site: answers for configure scripts that cannot differ from what they would find.

``make_cache_site.py GCC OUTPUT`` probes what autoconf probes, for the C library alone: headers
that compile, functions that link, sizes of types. Only *yes* is recorded: a function that musl
lacks may come from a library that the package links.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

_HEADERS = Path("/usr/include/x86_64-linux-musl")
_LIBC = Path("/usr/lib/x86_64-linux-musl/libc.a")

# What autoconf includes before the header that it checks (AC_INCLUDES_DEFAULT).
_DEFAULT_INCLUDES = (
    "stddef.h",
    "stdio.h",
    "stdlib.h",
    "string.h",
    "inttypes.h",
    "stdint.h",
    "strings.h",
    "sys/types.h",
    "sys/stat.h",
    "unistd.h",
)

_TYPES = (
    *("char", "signed char", "unsigned char", "short", "short int", "unsigned short", "int"),
    *("unsigned int", "unsigned", "long", "long int", "unsigned long", "long long"),
    *("long long int", "unsigned long long", "float", "double", "long double", "void *", "void*"),
    *("char *", "size_t", "ssize_t", "off_t", "time_t", "wchar_t", "ptrdiff_t", "intmax_t"),
    *("uintmax_t", "intptr_t", "uintptr_t", "pid_t", "uid_t", "gid_t", "mode_t"),
)

_PROGRAM = "".join(f"#include <{name}>\n" for name in _DEFAULT_INCLUDES)


def _succeeds(argv: Sequence[str | Path], source: str) -> bool:
    ended = subprocess.run(argv, input=source, text=True, capture_output=True, check=False)
    return ended.returncode == 0


def working_headers(gcc: Path) -> list[str]:
    """The headers of musl that compile after autoconf's default ones."""
    names = sorted(str(path.relative_to(_HEADERS)) for path in _HEADERS.rglob("*.h"))
    compile_only = (gcc, "-fsyntax-only", "-x", "c", "-")
    return [
        name
        for name in names
        if not name.startswith("bits/")
        and _succeeds(compile_only, f"{_PROGRAM}#include <{name}>\n")
    ]


def linked_functions(gcc: Path, nm: Path) -> list[str]:
    """The functions of libc.a, checked by one program that links them all.

    Raises SystemExit where that program does not link.
    """
    listing = subprocess.run(
        (nm, "-g", "--defined-only", "--format=posix", _LIBC),
        text=True,
        capture_output=True,
        check=True,
    ).stdout
    found = re.findall(r"^([A-Za-z][A-Za-z0-9_]*) [TW] ", listing, re.MULTILINE)
    names = sorted(set(found) - {"main"})
    source = "".join(f"char {name}(void);\n" for name in names)
    table = ", ".join(f"(void *){name}" for name in names)
    source += f"void *volatile table[] = {{{table}}};\nint main(void) {{ return !table[0]; }}\n"
    with tempfile.TemporaryDirectory(prefix="rumprun-cache.") as work:
        link = (gcc, "-w", "-fno-builtin", "-o", Path(work) / "probe", "-x", "c", "-")
        if not _succeeds(link, source):
            sys.exit(f"{_LIBC}: its functions do not link; see that musl-dev is complete")
    return names


def type_sizes(gcc: Path, nm: Path) -> dict[str, int]:
    """The size of each type, in bytes, read from an object file."""
    source = _PROGRAM + "".join(
        f"char size_{number}[sizeof({name})] = {{1}};\n" for number, name in enumerate(_TYPES)
    )
    with tempfile.TemporaryDirectory(prefix="rumprun-cache.") as work:
        result = Path(work) / "sizes.o"
        if not _succeeds((gcc, "-c", "-o", result, "-x", "c", "-"), source):
            sys.exit("the sizes of types cannot be compiled; see that musl-dev is complete")
        listing = subprocess.run(
            (nm, "--format=posix", result), text=True, capture_output=True, check=True
        ).stdout
    sizes = re.findall(r"^size_(\d+) D \S+ ([0-9a-f]+)$", listing, re.MULTILINE)
    return {_TYPES[int(number)]: int(size, 16) for number, size in sizes}


def shell_name(text: str) -> str:
    """``text`` as autoconf writes it in the name of a variable (AS_TR_SH)."""
    return re.sub(r"[^A-Za-z0-9_]", "_", text.replace("*", "p"))


def main(words: Sequence[str]) -> int:
    """Write the file; the exit status."""
    gcc, output = Path(words[0]), Path(words[1])
    nm = gcc.with_name(gcc.name.removesuffix("gcc") + "nm")
    answers = {f"ac_cv_header_{shell_name(name)}": "yes" for name in working_headers(gcc)}
    answers |= {f"ac_cv_func_{name}": "yes" for name in linked_functions(gcc, nm)}
    answers |= {
        f"ac_cv_sizeof_{shell_name(name)}": str(size) for name, size in type_sizes(gcc, nm).items()
    }
    lines = [f': "${{{name}={value}}}"' for name, value in sorted(answers.items())]
    header = "# Made by make_cache_site.py from the installed musl-dev.\n"
    output.write_text(header + "\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The compiler, for a pass that does without programs of a language's headers.

Called by the compiler's own name, it runs the real one, which comes later in PATH. Where that
fails for one of the headers in ``DH_RUMPRUN_LEFT_OUT``, or because an input is a stand-in already,
a stand-in takes the place of what was asked for: it says of itself that it is one, so whoever
collects what was built can leave it out. It is part of the variant pass: see
``rumprun.variant.left_out``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# The same as in rumprun.variant.left_out.
MARK = "rumprun-left-out: "

_MISSING = re.compile(r"fatal error: ([\w./+-]{1,120}): No such file or directory")
# What configure, cmake and meson compile to learn something must fail as it does.
_CHECKS = ("conftest", "CMakeScratch/", "CMakeTmp/", "/meson-private/")
_OBJECTS = (".o", ".lo", ".obj", ".a")

_SOURCE = """\
#include <unistd.h>
static const char why[] = "{mark}{why}\\n";
{what}
"""
_PROGRAM = "int main(void) { write(2, why, sizeof(why) - 1); return 127; }"
_OBJECT = "const char *const rumprun_left_out __attribute__((weak)) = why;"


def real_compiler(name: str) -> str:
    """The program called ``name`` that comes after ourselves in PATH."""
    own = Path(__file__).resolve()
    for directory in os.environ.get("PATH", "").split(":"):
        path = Path(directory) / name
        if path.is_file() and path.resolve() != own:
            return str(path)
    sys.exit(f"{name}: not found")


def run(argv: Sequence[str]) -> tuple[int, str]:
    """Run ``argv``, show what it says on standard error, and return that with its status."""
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            sys.stderr.write(line)
            said.append(line)
    return process.returncode, "".join(said)


def why_left_out(words: Sequence[str], said: str) -> str | None:
    """The header that it failed for, if the pass does without; of a link, that of its inputs."""
    left_out = os.environ.get("DH_RUMPRUN_LEFT_OUT", "").split()
    if any(mark in word for word in words for mark in _CHECKS) or {"-E", "-S"} & set(words):
        return None
    for header in _MISSING.findall(said):
        if header in left_out:
            return str(header)
    mark = MARK.encode()
    for word in words:
        if word.endswith(_OBJECTS) and Path(word).is_file():
            content = Path(word).read_bytes()
            place = content.find(mark)
            if place >= 0:
                rest = content[place + len(mark) :]
                return rest.partition(b"\n")[0].decode(errors="replace")
    return None


def stand_in(compiler: str, words: Sequence[str], why: str) -> int:
    """Make the stand-in for what ``words`` ask for, and the file of dependencies with it."""
    output = words[words.index("-o") + 1] if "-o" in words else None
    is_object = "-c" in words
    sources = [word for word in words if re.search(r"\.(?:c|cc|cpp|cxx|C)$", word)]
    if output is None:
        output = f"{Path(sources[0]).stem}.o" if is_object and sources else "a.out"
    if "-MF" in words:
        Path(words[words.index("-MF") + 1]).write_text(f"{output}:\n", encoding="utf-8")
    text = _SOURCE.format(mark=MARK, why=why, what=_OBJECT if is_object else _PROGRAM)
    argv = [compiler, "-x", "c", "-fPIC", "-w", "-o", output, "-"]
    argv[1:1] = ["-c"] if is_object else []
    made = subprocess.run(argv, input=text, text=True, check=False)
    if made.returncode == 0:
        print(f"{output} is left out: it needs {why}", file=sys.stderr)
    return made.returncode


def main() -> int:
    """Run the compiler, and mend its failure where that can be."""
    compiler = real_compiler(Path(sys.argv[0]).name)
    words = sys.argv[1:]
    status, said = run([compiler, *words])
    why = why_left_out(words, said) if status > 0 else None
    return stand_in(compiler, words, why) if why is not None else status


if __name__ == "__main__":
    sys.exit(main())

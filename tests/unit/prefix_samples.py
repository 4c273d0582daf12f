# SPDX-License-Identifier: BSD-2-Clause
"""A prefix in miniature: shell scripts with the names and places of upstream's, and nothing else.

It compiles nothing: its "backing compiler" writes down what it is called with, and its baker
copies. What it makes says so, lest anybody take it for the real one.
"""

from __future__ import annotations

from pathlib import Path

TRIPLE = "x86_64-rumprun-netbsd"

_COMPILER = """#!/bin/sh
# Not a compiler: a stand-in of the tests.
case $* in
*-dumpversion*) echo 0; exit ;;
*--version*) echo 'miniature 0'; exit ;;
*-print-*) exit ;;
esac
printf '%s\\n' "$@" >>"${0%/*}/said"
while [ $# -gt 0 ]; do
    if [ "$1" = -o ] && [ "$2" != /dev/null ]; then echo miniature >"$2"; fi
    shift
done
"""

_BAKER = """#!/bin/sh
# Not a baker: a stand-in of the tests.
if [ "$1" = list ]; then
    echo 'hw_virtio       : miniature of virtio'
    echo 'hw_generic      : miniature of all'
    echo 'xen_pv          : miniature of Xen'
    exit
fi
cat "$3" >"$2"
"""


def write_prefix(path: Path, *, platforms: tuple[str, ...] = ("hw",)) -> Path:
    """Write a prefix below ``path``; return that."""
    backing = path / "libexec" / "rumprun-x86_64-hw" / "x86_64--netbsd-gcc"
    machine = path / "rumprun-x86_64"
    for directory in (backing.parent, path / "bin", machine / "share", machine / "include/sys"):
        directory.mkdir(parents=True)
    (machine / "include" / "stdio.h").touch()
    for platform in platforms:
        (machine / "lib" / f"rumprun-{platform}").mkdir(parents=True)
        (machine / "lib" / f"rumprun-{platform}" / "specs-bake").touch()
    (machine / "lib").mkdir(exist_ok=True)
    (machine / "lib" / "libc.a").write_bytes(b"!<arch>\n")
    recipe = machine / "share" / f"{TRIPLE}-recipe.s"
    said = {"tuple": TRIPLE, "tooldir": path, "backingcc": backing, "cflags": "-mno-red-zone"}
    lines = [f'\t.asciz "rumprun_{name}: {value}"\n' for name, value in said.items()]
    recipe.write_text("".join(lines), encoding="ascii")
    scripts = {backing: _COMPILER, path / "bin" / "rumprun-bake": _BAKER}
    scripts[path / "bin" / f"{TRIPLE}-gcc"] = "#!/bin/sh\nexit 1\n"
    for script, text in scripts.items():
        script.write_text(text, encoding="ascii")
        script.chmod(0o755)
    return path

# SPDX-License-Identifier: BSD-2-Clause
"""A prefix of upstream's Rumprun as the Debian package ``rumprun-toolchain-netbsd``.

Upstream's scripts name the directory that they were installed to, so the copy in the package names
its own. Compiled parts do not, which is checked. The licences are those that the files themselves
carry, each text once.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rumprun.command import CommandFailed, run
from rumprun.errors import InputError
from rumprun.target.prefix import Prefix, compiler_version
from rumprun.target.tools import write_tools
from rumprun.workdir import temporary_tree

PACKAGE: Final = "rumprun-toolchain-netbsd"

# What the driver and the names of the backing compiler call.
_DEPENDS: Final = ("binutils", "g++", "gcc", "libc6", "pkgconf", "python3")

_SECONDS = 600.0

# Manual pages are NetBSD's, of no use to a compiler.
_LEFT_OUT: Final = (Path("share") / "man",)

_COMMENT = re.compile(r"/\*.*?\*/|(?:^[ \t]*#[^\n]*\n)+", re.DOTALL | re.MULTILINE)
_HOLDER = re.compile(r"Copyright[ \t]*(?:\(c\)|©)?[^\n]*", re.IGNORECASE)
_MARKS = re.compile(r"^[ \t]*(?:/\*-?|\*/|\*|#+)?[ \t]?|[ \t]*\*/$", re.MULTILINE)

_SEPARATOR = f"\n{'-' * 70}\n\n"


@dataclass(frozen=True, kw_only=True)
class PackOptions:
    """The package's ``version`` and ``maintainer``, and further files of ``licences``."""

    version: str
    maintainer: str
    licences: tuple[Path, ...] = ()


def pack_prefix(prefix: Prefix, options: PackOptions, output: Path) -> Path:
    """Make the package of ``prefix`` in the directory ``output``; return its file.

    Raises :class:`InputError` for a prefix whose compiled files name its directory, and for one
    whose files carry no licence, :class:`MissingError` where binutils or dpkg-deb are not there.
    """
    deb = output / f"{PACKAGE}_{options.version.partition(':')[2] or options.version}_amd64.deb"
    with temporary_tree() as work:
        root = work / "root"
        place = Path("/usr/lib") / PACKAGE / "prefix"
        write_tools(prefix, root, inside=place)
        copy = root / place.relative_to("/")
        shutil.copytree(prefix.path, copy, symlinks=True, ignore=_ignore(prefix))
        _strip(copy)
        _relocate(copy, prefix.tooldir, place)
        documents = root / "usr" / "share" / "doc" / PACKAGE
        documents.mkdir(parents=True)
        text = licences(prefix, options.licences)
        (documents / "copyright").write_text(text, encoding="utf-8")
        (root / "DEBIAN").mkdir()
        (root / "DEBIAN" / "control").write_text(_control(prefix, options, root), encoding="utf-8")
        _set_modes(root)
        output.mkdir(parents=True, exist_ok=True)
        _build(root, work / deb.name, epoch=int(prefix.recipe.stat().st_mtime))
        shutil.move(work / deb.name, deb)
    return deb


def licences(prefix: Prefix, more: Iterable[Path] = ()) -> str:
    """Each licence that a text file of ``prefix`` begins with, with its holders, and ``more``.

    Raises :class:`InputError` where there is none at all.
    """
    texts: dict[str, set[str]] = {}
    for path in _text_files(prefix.path):
        content = path.read_text(encoding="utf-8", errors="replace")
        for comment in _COMMENT.findall(content[:20000])[:2]:
            plain = _MARKS.sub("", comment).strip()
            holders = {line.strip().rstrip(".") for line in _HOLDER.findall(plain)}
            if holders and "edistribut" in plain:
                terms = " ".join(_HOLDER.sub("", plain).split())
                texts.setdefault(terms, set()).update(holders)
    if not texts and not more:
        raise InputError(
            f"{prefix.path}: no file carries a licence", hint="give upstream's with --licence FILE"
        )
    parts = [path.read_text(encoding="utf-8") for path in more]
    for terms, holders in sorted(texts.items()):
        parts.append("\n".join([*sorted(holders), "", terms, ""]))
    head = f"What of {PACKAGE} is upstream's carries these licences, each text here once.\n"
    return head + "".join(_SEPARATOR + part for part in parts)


def _text_files(top: Path) -> Iterator[Path]:
    for path in sorted(top.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 1 << 20:
            with path.open("rb") as file:
                if b"\0" not in file.read(4096):
                    yield path


def _ignore(prefix: Prefix) -> Callable[[str, list[str]], list[str]]:
    left_out = {prefix.path / name for name in _LEFT_OUT}

    def ignored(directory: str, names: list[str]) -> list[str]:
        return [name for name in names if Path(directory) / name in left_out]

    return ignored


def _strip(copy: Path) -> None:
    """Without what is for debuggers, which is most of it and names the directory of the build."""
    for path in sorted(copy.rglob("*")):
        if path.suffix in (".a", ".o") and path.is_file() and not path.is_symlink():
            run(["strip", "--strip-debug", "--enable-deterministic-archives", path])


def _relocate(copy: Path, old: Path, new: Path) -> None:
    """Let text name ``new`` where it named ``old``; refuse what else does."""
    before = str(old).encode()
    for path in sorted(copy.rglob("*")):
        if path.is_symlink():
            goal = path.readlink()
            if goal.is_absolute() and goal.is_relative_to(old):
                path.unlink()
                path.symlink_to(new / goal.relative_to(old))
            continue
        if not path.is_file():
            continue
        content = path.read_bytes()
        if before not in content:
            continue
        if b"\0" in content:
            raise InputError(
                f"{path.relative_to(copy)} is compiled and names {old}",
                hint="build the prefix with a compiler that is outside of it",
            )
        path.write_bytes(content.replace(before, str(new).encode()))


def _set_modes(root: Path) -> None:
    for directory, _, files in os.walk(root):
        Path(directory).chmod(0o755)
        for name in files:
            path = Path(directory) / name
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def _control(prefix: Prefix, options: PackOptions, root: Path) -> str:
    size = sum(path.lstat().st_size for path in root.rglob("*") if not path.is_dir())
    depends = ", ".join((*_DEPENDS, *_compiler_packages(prefix)))
    boards = [name for name in prefix.boards if name.partition("_")[0] in prefix.platforms]
    return (
        f"Package: {PACKAGE}\nVersion: {options.version}\nArchitecture: amd64\n"
        f"Maintainer: {options.maintainer}\nInstalled-Size: {-(-size // 1024)}\n"
        f"Depends: {depends}\nSection: devel\nPriority: optional\n"
        "Description: upstream Rumprun as a target of dh-rumprun\n"
        f" An installed Rumprun, packed by 'rumpdeb toolchain pack', for {prefix.triple}.\n"
        f" Its backing compiler is {compiler_version(prefix)}.\n"
        f" Platforms: {', '.join(prefix.platforms)}. Boards: {', '.join(boards)}.\n"
    )


def _compiler_packages(prefix: Prefix) -> list[str]:
    """The packages of the very compiler behind the backing one, such as cpp-12."""
    said = run([prefix.compiler, "-print-prog-name=cc1"], check=False).stdout.strip()
    if not Path(said).is_absolute():
        return []
    answer = run(["dpkg-query", "--search", Path(said).resolve()], check=False).stdout
    names = [line.partition(":")[0] for line in answer.splitlines()]
    return [name.replace("cpp-", "gcc-") for name in names if name.startswith("cpp-")]


def _build(root: Path, deb: Path, *, epoch: int) -> None:
    environment = {
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        # dpkg-deb clamps all dates to it (dpkg-deb(1), ENVIRONMENT).
        "SOURCE_DATE_EPOCH": str(epoch),
    }
    for path in sorted(root.rglob("*")):
        os.utime(path, (epoch, epoch), follow_symlinks=False)
    try:
        argv: list[str | Path] = ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", root, deb]
        run(argv, env=environment, timeout=_SECONDS)
    except CommandFailed as error:
        raise InputError(
            error.message, hint="see that --version and --maintainer are as Debian has them"
        ) from error

# SPDX-License-Identifier: BSD-2-Clause
"""What every file of ours keeps to, as far as a program can tell."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from debian.changelog import Changelog

from rumprun.version import VERSION

ROOT = Path(__file__).resolve().parents[2]

MODULE_LINES = 400
FUNCTION_LINES = 40

# File, or file and function, to the reason why it may be longer.
LONGER: dict[str, str] = {
    "tests/integration/test_audit.py": "one case for each rule, and the samples that they share",
    "tests/integration/test_toolchain.py": "one case for each promise of the driver",
}

# These are part of the toolchain's package, which needs nothing of ours but Python.
MAY_RUN_PROGRAMS = {
    "debhelper/pass/confined.py",
    "debhelper/pass/left_out.py",
    "lib/rumprun/command.py",
    "toolchain/make_cache_site.py",
    "toolchain/netbsd/driver.py",
    "toolchain/shared_link.py",
}

_SKIPPED = {".git", "build", "__pycache__", ".hypothesis", ".debhelper", ".pc"}
# Where dpkg-buildpackage stages the packages.
_STAGED = {
    "dh-rumprun",
    "rumprun-board-pvh",
    "rumprun-check-xen",
    "rumprun-lab",
    "rumprun-toolchain",
    "rumprun-toolchain-c++",
    "tmp",
}
# Sources of packages that stand for other people's, and so look like them.
_OTHERS = ROOT / "tests" / "packages"
_NEEDS_SPDX = {".c", ".cmake", ".h", ".meson", ".mk", ".pl", ".pm", ".pod", ".py", ".sh", ".svg",
               ".toml"}  # fmt: skip

# Traces of a desk or of unfinished work, each written so that it does not match itself.
_FORBIDDEN = re.compile(
    r"""
    \bTOD[O]\b | \bFIXM[E]\b
    | \bDESIG[N]\.md\b | \bSTYL[E]\.md\b
    | (?<![\w.}$/])/wor[k]/ | /tmp/brie[f]
    | \bclaud[e]\b | \bchatgp[t]\b | \blanguage[ ]mode[l]\b | \ba\.?i\.?[ ]assistan[t]\b
    | \bpromp[t]\b
    """,
    re.IGNORECASE | re.VERBOSE,
)


def our_files() -> Iterator[Path]:
    for directory, names, files in os.walk(ROOT):
        here = Path(directory)
        skipped = _SKIPPED | (_STAGED if here == ROOT / "debian" else set())
        names[:] = sorted(name for name in names if name not in skipped and "_cache" not in name)
        for name in sorted(files):
            if not (here / name).is_symlink():
                yield here / name


def first_line(path: Path) -> str:
    with path.open("rb") as file:
        return file.readline(200).decode("utf-8", errors="replace")


def python_files() -> Iterator[Path]:
    for path in our_files():
        if path.suffix == ".py" or re.match(r"#!.*\bpython3$", first_line(path).rstrip()):
            yield path


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from ``def`` to the end, without those of the docstring."""
    assert function.end_lineno is not None
    total = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is None:
        return total
    text = function.body[0]
    assert text.end_lineno is not None
    return total - (text.end_lineno - text.lineno + 1)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def test_the_walk_finds_the_tree() -> None:
    names = {name_of(path) for path in python_files()}
    assert {"rumpdeb", "lib/rumprun/command.py", "tests/unit/test_style.py"} <= names


def test_modules_are_short() -> None:
    sizes = {name_of(path): len(path.read_text().splitlines()) for path in python_files()}
    assert {
        name: size for name, size in sizes.items() if size > MODULE_LINES and name not in LONGER
    } == {}


def test_functions_are_short() -> None:
    long = {}
    for path in python_files():
        for function in functions(parsed(path)):
            size = length(function)
            name = f"{name_of(path)}:{function.name}"
            if size > FUNCTION_LINES and name not in LONGER:
                long[name] = size
    assert long == {}


def test_the_exceptions_are_needed() -> None:
    for name in LONGER:
        path, _colon, function = name.partition(":")
        lines = len((ROOT / path).read_text().splitlines())
        if function:
            found = [node for node in functions(parsed(ROOT / path)) if node.name == function]
            assert found, name
            assert max(length(node) for node in found) > FUNCTION_LINES
        else:
            assert lines > MODULE_LINES, name


def test_every_python_file_says_what_it_is_for() -> None:
    mute = [
        name_of(path)
        for path in python_files()
        if parsed(path).body and not ast.get_docstring(parsed(path))
    ]
    assert mute == []


def test_every_source_file_names_its_licence() -> None:
    lacking = []
    for path in our_files():
        if path.is_relative_to(_OTHERS) or path.parts[-1] == "LICENSE":
            continue
        script = first_line(path).startswith("#!")
        if path.suffix in _NEEDS_SPDX or path.name == "Makefile" or script:
            start = path.read_text(encoding="utf-8")[:600]
            if "SPDX-License-Identifier: BSD-2-Clause" not in start:
                lacking.append(name_of(path))
    assert lacking == []


def imported_modules(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_one_module_runs_programs() -> None:
    offenders = []
    for path in python_files():
        name = name_of(path)
        if name in MAY_RUN_PROGRAMS or name.startswith("tests/"):
            continue
        tree = parsed(path)
        modules = set(imported_modules(tree)) & {"subprocess", "pty", "asyncio.subprocess"}
        calls = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "os"
            and re.match(r"system$|popen$|spawn|exec[lv]|posix_spawn|fork", node.attr)
        }
        offenders += [f"{name}: {what}" for what in sorted(modules | calls)]
    assert offenders == []


def test_only_commands_exit() -> None:
    offenders = []
    for path in python_files():
        name = name_of(path)
        if not name.startswith("lib/"):
            continue
        for node in ast.walk(parsed(path)):
            leaves = isinstance(node, ast.Attribute) and node.attr in ("exit", "_exit")
            if leaves or (isinstance(node, ast.Name) and node.id == "SystemExit"):
                offenders.append(f"{name}:{node.lineno}")
    assert offenders == []


def test_nothing_speaks_of_a_desk_or_of_unfinished_work() -> None:
    found = []
    for path in our_files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [f"{name_of(path)}: {match.group()}" for match in _FORBIDDEN.finditer(text)]
    assert found == []


@pytest.mark.parametrize("text", ["TO~DO: later", "see /wo~rk/shared", "DE~SIGN.md", "a prom~pt"])
def test_the_traces_are_recognised(text: str) -> None:
    assert _FORBIDDEN.search(text.replace("~", ""))


def test_the_version_is_that_of_the_changelog() -> None:
    with (ROOT / "debian" / "changelog").open(encoding="utf-8") as file:
        assert str(Changelog(file).version) == VERSION


def test_no_two_test_modules_share_a_name() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py"]
    assert sorted(names) == sorted(set(names))

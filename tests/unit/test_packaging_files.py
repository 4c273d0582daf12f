# SPDX-License-Identifier: BSD-2-Clause
"""Our own packages: what debian/ says agrees with what the code needs."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from debian.copyright import Copyright
from debian.deb822 import Deb822, Sources

from rumprun.errors import BuildError

ROOT = Path(__file__).resolve().parents[2]
DEBIAN = ROOT / "debian"

# Top-level modules that are not Python's own, to the Debian package that has them.
PACKAGE_OF = {
    "apt": "python3-apt",
    "apt_pkg": "python3-apt",
    "debian": "python3-debian",
    "elftools": "python3-pyelftools",
    "jinja2": "python3-jinja2",
    "jsonschema": "python3-jsonschema",
    "lz4": "python3-lz4",
    "requests": "python3-requests",
    "rich": "python3-rich",
}

_OURS = {"rumprun", "__future__"}


def paragraphs(path: Path) -> list[Deb822]:
    with path.open(encoding="utf-8") as file:
        return list(Deb822.iter_paragraphs(file, use_apt_pkg=False))


def names_in(field: str) -> set[str]:
    """The package names of a relation field, without versions, profiles and substvars."""
    words = (word.strip() for word in re.split(r"[,|]", field))
    return {re.split(r"[\s(<\[:]", word)[0] for word in words if word and not word.startswith("$")}


def stanza(name: str) -> Deb822:
    return next(item for item in paragraphs(DEBIAN / "control") if item.get("Package") == name)


def imports_of(directory: Path) -> set[str]:
    found = set()
    for path in directory.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - _OURS


def groups() -> dict[str, set[str]]:
    """The package groups of scripts/install-deps, with those that they include."""
    text = (ROOT / "scripts" / "install-deps").read_text(encoding="utf-8")
    found: dict[str, set[str]] = {}
    for name, _quote, words in re.findall(r"^(\w+)=(['\"])([^'\"]+)\2$", text, re.MULTILINE):
        found[name] = set()
        for word in words.split():
            found[name] |= found[word[1:]] if word.startswith("$") else {word}
    return found


def test_the_library_imports_only_what_the_package_depends_on() -> None:
    needed = imports_of(ROOT / "lib")
    assert needed <= PACKAGE_OF.keys()
    wanted = {PACKAGE_OF[name] for name in needed}
    assert wanted == {
        name for name in names_in(stanza("dh-rumprun")["Depends"]) if name.startswith("python3-")
    }


def test_the_toolchain_is_alone_with_python() -> None:
    own = {path.stem for path in (ROOT / "toolchain").rglob("*.py")}
    assert imports_of(ROOT / "toolchain") <= own


def test_the_toolchain_depends_on_the_tools_that_it_becomes() -> None:
    depends = names_in(stanza("rumprun-toolchain")["Depends"])
    assert {"binutils", "cpp", "gcc", "linux-libc-dev", "musl-dev", "pkgconf"} == depends


def test_commands_are_linked_and_documented() -> None:
    links = (DEBIAN / "dh-rumprun.links").read_text().split()
    commands = [Path(name).name for name in links[1::2]]
    assert sorted(commands) == ["dh_rumprun", "dh_rumprun_prepare", "rumpdeb"]
    for source, command in zip(links[::2], commands, strict=True):
        assert Path(source) == Path("usr/share/dh-rumprun") / command
        assert os.access(ROOT / command, os.X_OK)
        assert (ROOT / "doc" / "man" / f"{command}.pod").is_file()


def test_debhelper_finds_the_add_on() -> None:
    assert "dh-sequence-rumprun" in names_in(stanza("dh-rumprun")["Provides"])
    assert (ROOT / "debhelper/Debian/Debhelper/Sequence/rumprun.pm").is_file()


def test_the_list_of_packages_covers_what_debian_control_asks_for() -> None:
    known = groups()
    source = next(Sources.iter_paragraphs((DEBIAN / "control").read_text(), use_apt_pkg=False))
    needed = names_in(source["Build-Depends"]) - {"debhelper-compat"}
    tests_only = set(re.findall(r"([\w.+-]+) <!nocheck>", source["Build-Depends"]))
    # The demo leaves the C++ library out, and so do the unit tests.
    cxx_only = set(re.findall(r"([\w.+-]+) <!pkg\.dh-rumprun\.nocxx>", source["Build-Depends"]))
    # This one is no package of the archive: rumpdeb makes it.
    needed -= set(re.findall(r"([\w.+-]+) <pkg\.dh-rumprun\.net>", source["Build-Depends"]))
    assert cxx_only == known["cxx"]
    assert needed - tests_only - cxx_only <= known["demo"]
    assert needed - cxx_only <= known["fast"] <= known["check"]
    assert cxx_only <= known["check"]
    ours = {"rumprun-toolchain", "dh-rumprun", "rumprun-lab"}
    for package in ours:
        assert names_in(stanza(package)["Depends"]) - ours <= known["demo"]
    cxx = names_in(stanza("rumprun-toolchain-c++")["Depends"])
    assert cxx == {"g++", "rumprun-toolchain"}
    # The demo has no use for what builds a kernel.
    recommended = names_in(stanza("dh-rumprun")["Recommends"])
    recommended -= {"rumprun-board-pvh", "rumprun-lab"}
    assert known["slim"] <= recommended <= known["demo"] | known["slim"]
    assert known["slim"] <= known["check"]
    assert names_in(stanza("dh-rumprun")["Suggests"]) <= known["check"]


def test_the_licence_is_the_same_everywhere() -> None:
    with (DEBIAN / "copyright").open(encoding="utf-8") as file:
        document = Copyright(file, strict=True)
    (paragraph,) = document.all_license_paragraphs()
    licence: Any = paragraph.license
    assert licence.synopsis == "BSD-2-Clause"
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert licence.text.split() == text.split("\n", 2)[2].split()
    assert text.splitlines()[0] == "Copyright (c) 2026 The dh-rumprun developers"


def test_every_lintian_override_has_a_reason() -> None:
    for path in DEBIAN.glob("*.lintian-overrides"):
        assert path.read_text(encoding="utf-8").startswith("# ")


def test_autopkgtests_are_there() -> None:
    named = {
        word for item in paragraphs(DEBIAN / "tests" / "control") for word in item["Tests"].split()
    }
    assert named == {path.name for path in (DEBIAN / "tests").iterdir()} - {"control"}
    for name in named:
        assert os.access(DEBIAN / "tests" / name, os.X_OK)


@pytest.fixture(name="demo")
def load_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """scripts/demo.py as a module, with its work below a directory of the test."""
    specification = importlib.util.spec_from_file_location("demo", ROOT / "scripts" / "demo.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, "demo", module)
    specification.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "WORK", tmp_path / "build" / "demo")
    monkeypatch.setattr(module, "LOGS", tmp_path / "build" / "demo" / "logs")
    return module


def test_a_failing_step_of_the_demo_is_named_with_its_log(
    demo: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = []

    def fail(_demo: object) -> str:
        raise BuildError("the mill stands still")

    def work(_demo: object) -> str:
        ran.append("work")
        return "flour"

    steps = (("grind", work), ("sift it", fail), ("bake", work))
    monkeypatch.setattr(demo, "STEPS", steps)
    with pytest.raises(BuildError) as caught:
        demo.main(["--prepared", "7"])
    assert "in the step 'sift it': the mill stands still" in caught.value.message
    assert "build/demo/logs/2-sift-it.log" in caught.value.hint
    assert (demo.LOGS / "2-sift-it.log").is_file()
    assert ran == ["work"]
    table = capsys.readouterr().out
    assert re.search(r"install what it needs +7\.0 +done", table)
    assert re.search(r"grind +0\.\d +flour", table)
    assert "bake" not in table


def test_the_demo_ends_well_only_with_all_steps(
    demo: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "STEPS", (("grind", lambda _demo: "flour"),))
    assert demo.main([]) == 0
    assert "flour" in capsys.readouterr().out


def test_the_demo_wants_to_see_what_the_program_says(demo: ModuleType) -> None:
    assert demo._success("kernel talk\nall of it, and back: the same\n") == (
        "all of it, and back: the same"
    )
    with pytest.raises(BuildError, match="did not say"):
        demo._success("kernel talk\n")

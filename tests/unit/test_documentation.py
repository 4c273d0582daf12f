# SPDX-License-Identifier: BSD-2-Clause
"""What the man pages and the other documents say, compared with what is there."""

from __future__ import annotations

import argparse
import ast
import os
import re
import shlex
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from debian.deb822 import Deb822

from rumprun import errors
from rumprun.cli.main import make_parser, split_program_arguments

ROOT = Path(__file__).resolve().parents[2]
MAN = ROOT / "doc" / "man"
PAGES = sorted(MAN.glob("*.pod"))
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "doc").glob("*.md"))]

_FORMAT = re.compile(r"[BIFCL]<([^<>]*)>")


def stem_of(path: Path) -> str:
    return path.stem


def name_of(path: Path) -> str:
    return path.name


def plain(text: str) -> str:
    """A line of pod without its formatting codes."""
    return _FORMAT.sub(r"\1", text)


def sections(text: str, level: int) -> dict[str, str]:
    """The parts of a pod document under the headings of ``level``."""
    parts = re.split(rf"^=head{level} (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def page(name: str) -> str:
    return (MAN / f"{name}.pod").read_text(encoding="utf-8")


def items(text: str) -> list[str]:
    return [plain(line) for line in re.findall(r"^=item (.+)$", text, re.MULTILINE)]


def subparsers() -> dict[str, argparse.ArgumentParser]:
    for action in make_parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise AssertionError("rumpdeb has no subcommands")


def actions_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Its arguments, and those of what it has below it."""
    found = list(parser._actions)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found += [each for below in action.choices.values() for each in actions_of(below)]
    return found


def option_strings(parser: argparse.ArgumentParser) -> set[str]:
    found = {text for action in actions_of(parser) for text in action.option_strings}
    return found - {"-h", "--help"}


def documented_options(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", "\n".join(items(text))))


def test_the_page_has_every_subcommand_and_no_other() -> None:
    documented = sections(sections(page("rumpdeb"), 1)["SUBCOMMANDS"], 2)
    assert list(documented) == list(subparsers())
    synopsis = plain(sections(page("rumpdeb"), 1)["SYNOPSIS"])
    assert re.findall(r"^rumpdeb (\w+)", synopsis, re.MULTILINE) == list(subparsers())


@pytest.mark.parametrize("name", sorted(subparsers()))
def test_the_page_has_every_option_and_no_other(name: str) -> None:
    text = sections(sections(page("rumpdeb"), 1)["SUBCOMMANDS"], 2)[name]
    assert documented_options(text) == option_strings(subparsers()[name])


def test_the_general_options_are_there() -> None:
    text = sections(page("rumpdeb"), 1)["GENERAL OPTIONS"]
    assert documented_options(text) == {
        text for action in make_parser()._actions for text in action.option_strings
    } | {"-h", "--help"}


@pytest.mark.parametrize("name", sorted(subparsers()))
def test_values_have_the_same_names_and_defaults(name: str) -> None:
    text = sections(sections(page("rumpdeb"), 1)["SUBCOMMANDS"], 2)[name]
    documented = {option: line for line in items(text) for option in line.split() if option}
    for action in actions_of(subparsers()[name]):
        option = next((text for text in action.option_strings if text.startswith("--")), None)
        if option is None or action.nargs == 0:
            continue
        line = documented.get(option) or documented[f"{option},"]
        if action.choices:
            assert all(str(choice) in line for choice in action.choices), option
        else:
            assert str(action.metavar or action.dest.upper()) in line, option
        if isinstance(action.default, str | int) and option != "--jobs":
            assert str(action.default) in plain(text), option


def test_every_exit_status_is_documented() -> None:
    classes = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.RumprunError)
    ]
    expected = {0, 130, *(each.exit_code for each in classes)}
    documented = items(sections(page("rumpdeb"), 1)["EXIT STATUS"])
    assert sorted(int(word) for word in documented) == sorted(expected)


def test_every_variable_of_ours_is_documented() -> None:
    # Set for the variant pass by ourselves, and read there by ourselves.
    # The last one is upstream's own.
    internal = {"RUMPRUN_TOOLCHAIN_SYSROOT", "RUMPRUN_WARNING_STFU"}
    used = set()
    for directory in ("lib", "toolchain"):
        for path in (ROOT / directory).rglob("*"):
            if path.suffix in {".py", ".c", ".cmake", ".specs"}:
                text = path.read_text(encoding="utf-8")
                used |= set(re.findall(r"(?<![\w])RUMPRUN_[A-Z_]+(?=[\"'`} )])", text))
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    documented = set(re.findall(r"B<(RUMPRUN_\w+)>", text))
    assert used - internal == documented


@pytest.mark.parametrize("path", PAGES, ids=stem_of)
def test_pages_have_what_a_page_has(path: Path) -> None:
    parts = sections(path.read_text(encoding="utf-8"), 1)
    assert list(parts)[:3] == ["NAME", "SYNOPSIS", "DESCRIPTION"]
    assert re.fullmatch(r"\S+(, \S+)* - \S.{10,70}", parts["NAME"].strip())
    assert parts["NAME"].split()[0].rstrip(",") == path.stem
    assert "SEE ALSO" in parts


def test_pages_of_ours_that_are_named_exist() -> None:
    own = {path.stem for path in PAGES}
    for path in [*PAGES, *DOCUMENTS]:
        text = plain(path.read_text(encoding="utf-8"))
        named = set(re.findall(r"\b((?:dh_)?rump[\w-]*|x86_64-rumprun[\w-]*)\(\d\)", text))
        assert named <= own, path


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def command_lines(text: str) -> list[str]:
    """The command lines in a document: those indented by four, or in a fenced block."""
    fenced = "\n".join(re.findall(r"^```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    indented = re.findall(r"^ {2,4}(?:\$ )?(\S.*)$", text, re.MULTILINE)
    return [*fenced.splitlines(), *indented]


@pytest.mark.parametrize("path", [*DOCUMENTS, *PAGES], ids=name_of)
def test_command_lines_are_understood(path: Path) -> None:
    for line in command_lines(path.read_text(encoding="utf-8")):
        if not line.startswith("rumpdeb ") or "[" in line:
            continue
        words, _program = split_program_arguments(shlex.split(line)[1:])
        make_parser().parse_args(words)


def test_the_readme_shows_a_command_line_for_each_subcommand_of_the_tour() -> None:
    lines = command_lines((ROOT / "README.md").read_text(encoding="utf-8"))
    shown = {line.split()[1] for line in lines if line.startswith("rumpdeb ")}
    assert shown == set(subparsers()) - {"recipes"}


def stanza_in(text: str) -> Deb822:
    match = re.search(r"^ *Package: .*\n(?:^ *[\w-]+: .*\n|^   .*\n)+", text, re.MULTILINE)
    assert match
    return Deb822(re.sub(r"^  (?=[A-Z])", "", match.group(), flags=re.MULTILINE))


def test_the_stanza_of_the_readme_is_that_of_the_example() -> None:
    shown = stanza_in((ROOT / "README.md").read_text(encoding="utf-8"))
    with (ROOT / "examples" / "greet" / "debian" / "control").open(encoding="utf-8") as file:
        real = {item.get("Package"): item for item in Deb822.iter_paragraphs(file)}
    example = real[shown["Package"]]
    for field, value in shown.items():
        assert example[field].splitlines()[0] == value, field
    assert "dh-sequence-rumprun" in real[None]["Build-Depends"]


def test_the_stanza_of_the_page_has_the_same_fields() -> None:
    shown = stanza_in((ROOT / "README.md").read_text(encoding="utf-8"))
    of_page = stanza_in(page("dh_rumprun"))
    for field in ("Architecture", "Multi-Arch", "Section", "Depends", "Static-Built-Using"):
        assert of_page[field] == shown[field]


def test_contributing_names_commands_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make ([\w-]+)`", text))
    assert named
    assert named <= targets
    public = targets - {"all", "toolchain", "boards", "lwip"}
    assert public <= named
    paths = re.findall(r"`((?:scripts|tests|lib|\.ci)/[\w./-]+)", text)
    assert {"scripts/lint", ".ci/run"} <= set(paths)
    for path in paths:
        assert (ROOT / path).exists(), path
        if path.startswith(("scripts/", ".ci/")):
            assert os.access(ROOT / path, os.X_OK), path


def test_make_targets_are_one_line_each() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    for recipe in re.findall(r"^[\w-]+:.*\n((?:\t.*\n)*)", text, re.MULTILINE):
        assert recipe.count("\n") <= 1


def claimed_tests() -> list[str]:
    text = (ROOT / "doc" / "claims.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    return [name for row in rows for name in re.findall(r"`([^`]+::[^`]+)`", row)]


def test_every_claim_names_a_test() -> None:
    text = (ROOT / "doc" / "claims.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 10
    for row in rows:
        assert "::" in row, row


@pytest.mark.parametrize("name", sorted(set(claimed_tests())))
def test_the_test_of_a_claim_exists(name: str) -> None:
    path, *names = name.split("::")
    node: ast.AST = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    for wanted in names:
        found = [
            child
            for child in ast.iter_child_nodes(node)
            if isinstance(child, ast.FunctionDef | ast.ClassDef) and child.name == wanted
        ]
        assert found, f"{path} has no {wanted}"
        node = found[0]
    assert names[-1].startswith("test_")


def test_the_picture_is_readable_in_light_and_dark() -> None:
    tree = ET.parse(ROOT / "doc" / "how-it-works.svg")  # noqa: S314 (our own file)
    space = {"svg": "http://www.w3.org/2000/svg"}
    assert tree.findtext("svg:title", namespaces=space)
    assert tree.findtext("svg:desc", namespaces=space)
    style = tree.findtext("svg:style", namespaces=space) or ""
    light, _at, dark = style.partition("@media (prefers-color-scheme: dark)")
    classes = re.compile(r"\.[a-z]+(?=[^{}]*\{[^}]*(?:fill|stroke): #)")
    assert set(classes.findall(light)) == set(classes.findall(dark))
    assert "text {" in light
    assert "text {" in dark

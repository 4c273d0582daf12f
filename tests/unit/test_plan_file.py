# SPDX-License-Identifier: BSD-2-Clause
"""A plan as a file: what was planned is what is built, and what is no plan is refused."""

from __future__ import annotations

import argparse
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rumprun.archive.identity import Circumstances, identity_of
from rumprun.archive.model import Plan
from rumprun.archive.plan import make_plan
from rumprun.archive.plan_file import read_plan
from rumprun.archive.plan_text import as_json
from rumprun.cli import given_plan
from rumprun.cli.main import make_parser
from rumprun.errors import InputError, UsageError
from rumprun.target.descriptor import load_target
from unit.plan_samples import CHOICES, Samples

ARCHIVE = Samples({"abc": "#libdef-dev, libghi-dev", "def": "", "ghi": "#libdef-dev, libxyz-dev"})


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Plan:
    source = ARCHIVE.source

    def with_digest(name: str) -> Any:
        found = source(name)
        return found and type(found)(**{**vars(found), "digest": digest(name)})

    monkeypatch.setattr(ARCHIVE, "source", with_digest)
    target = load_target().name
    return make_plan(["abc", "ghi"], ARCHIVE, CHOICES, target=target, suite="the archive")


def arguments(*words: str) -> argparse.Namespace:
    return make_parser(["build"]).parse_args(["build", *words])


def test_a_plan_is_read_as_it_was_made(plan: Plan) -> None:
    read = read_plan(as_json(plan), name="p")
    assert read == plan
    here = Circumstances(target="t", builder="b")
    for ours, theirs in zip(plan.nodes, read.nodes, strict=True):
        assert identity_of(ours, None, {}, here) == identity_of(theirs, None, {}, here)


def test_a_build_takes_the_plan_from_standard_input_or_a_file(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(given_plan, "plan_for", lambda _arguments, _target: plan)
    direct = given_plan.plan_of(arguments("abc", "ghi"), load_target())
    monkeypatch.setattr("sys.stdin", io.StringIO(as_json(plan)))
    assert given_plan.plan_of(arguments("--plan", "-"), load_target()) == direct
    path = tmp_path / "plan.json"
    path.write_text(as_json(plan), encoding="utf-8")
    assert given_plan.plan_of(arguments("--plan", str(path)), load_target()) == direct


def change(*where: str | int, to: object) -> Callable[[Any], None]:
    def apply(document: Any) -> None:
        for key in where[:-1]:
            document = document[key]
        document[where[-1]] = to

    return apply


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (change("format", to=2), "format 2"),
        (change("nodes", to=[]), "nodes"),
        (change("nodes", 0, "source", to="../def"), "nodes/0/source"),
        (change("nodes", 0, "source", to="-def"), "nodes/0/source"),
        (change("nodes", 0, "version", to="1; rm"), "nodes/0/version"),
        (change("nodes", 0, "version", to="1-1\n"), "nodes/0/version"),
        (change("nodes", 0, "digest", to="0" * 63), "nodes/0/digest"),
        (change("nodes", 0, "because", to="\x1b[2J"), "nodes/0/because"),
        (change("nodes", 0, "variants", to=["a/b"]), "nodes/0/variants/0"),
        (change("nodes", 0, "more", to=1), "nodes/0"),
        (change("suite", to="--help"), "suite"),
        (change("asked", to=["abc", "nobody"]), "nobody is asked for"),
        (change("asked", to=[]), "asked"),
    ],
)
def test_what_is_no_plan_is_refused(
    plan: Plan, spoil: Callable[[dict[str, Any]], None], said: str
) -> None:
    document = json.loads(as_json(plan))
    spoil(document)
    with pytest.raises(InputError, match="plan") as raised:
        read_plan(json.dumps(document), name="the plan")
    assert said in raised.value.message


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "null", '{"format": 1}'])
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        read_plan(text, name="the plan")


def test_an_order_that_nothing_can_be_built_in_is_refused(plan: Plan) -> None:
    document = json.loads(as_json(plan))
    document["nodes"].reverse()
    with pytest.raises(InputError, match="before def, which it needs"):
        read_plan(json.dumps(document), name="p")
    document["nodes"].reverse()
    document["nodes"].append(document["nodes"][0])
    with pytest.raises(InputError, match="there twice"):
        read_plan(json.dumps(document), name="p")


def test_a_plan_for_another_target_is_refused(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(as_json(plan).replace(f'"{plan.target}"', '"netbsd"'), encoding="utf-8")
    with pytest.raises(InputError, match="netbsd"):
        given_plan.plan_of(arguments("--plan", str(path)), load_target())


@pytest.mark.parametrize(
    "words",
    [(), ("--plan", "p", "zlib"), ("--plan", "p", "--only-named"), ("--plan", "p", "--without=x")],
)
def test_there_is_one_plan(words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        given_plan.check(arguments(*words))


def test_the_planned_source_and_no_other_is_built(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsc = tmp_path / "def_1-1.dsc"
    dsc.write_text("def", encoding="utf-8")
    monkeypatch.setattr(given_plan, "sources_by_name", lambda words: dict.fromkeys(["def"], *words))
    given = arguments("--plan", "p", str(dsc))
    node = plan.nodes[0]
    assert node.source == "def"
    assert given_plan.locate_planned(given, node, tmp_path) == dsc
    dsc.write_text("other", encoding="utf-8")
    with pytest.raises(InputError, match="not the def 1-1"):
        given_plan.locate_planned(given, node, tmp_path)


def test_of_the_archive_the_planned_version_is_fetched(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted: list[str] = []

    def locate(name: str, _arguments: object, directory: Path) -> Path:
        wanted.append(name)
        return directory / "x.dsc"

    monkeypatch.setattr(given_plan, "locate_dsc", locate)
    monkeypatch.setattr(given_plan, "read_dsc", lambda _path: plan.nodes[1])
    given_plan.locate_planned(arguments("--plan", "p"), plan.nodes[1], tmp_path)
    assert wanted == [f"{plan.nodes[1].source}=1-1"]
    node = type(plan.nodes[1])(**{**vars(plan.nodes[1]), "version": "2-1"})
    with pytest.raises(InputError, match="2-1"):
        given_plan.locate_planned(arguments("--plan", "p"), node, tmp_path)

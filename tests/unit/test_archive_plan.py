# SPDX-License-Identifier: BSD-2-Clause
"""Plans: what belongs to a closure, in which order, and how circles are broken."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun.archive.circles import find_circles
from rumprun.archive.model import ArchivePackage, ArchiveSource, Need, Node, Plan
from rumprun.archive.order import in_order
from rumprun.archive.plan import make_plan
from rumprun.archive.plan_text import as_dot, as_html, as_json, as_lines
from rumprun.archive.unused import unused_classes, why_unused
from rumprun.errors import InputError, MissingError
from rumprun.source.recipe import Recipe, parse_recipe
from unit.plan_samples import CHOICES, Samples

RECIPE = """\
[[drop]]
build-depends = ["libx-dev"]
reason = "not wanted here"
"""


def plan(archive: Samples, *names: str, **choices: object) -> Plan:
    chosen = dataclasses.replace(CHOICES, **choices)  # type: ignore[arg-type]
    return make_plan(names, archive, chosen, target="musl", suite="sid")


def order(found: Plan) -> list[str]:
    return [node.source for node in found.nodes]


def node_of(found: Plan, name: str) -> Node:
    return next(node for node in found.nodes if node.source == name)


def test_libraries_come_before_what_needs_them() -> None:
    found = plan(Samples({"a": "#libb-dev, #libk-dev", "b": "#libk-dev", "k": ""}), "a")
    assert order(found) == ["k", "b", "a"]
    assert node_of(found, "a").because == "asked for"
    assert node_of(found, "b").because == "libb-dev of a"
    assert node_of(found, "a").variants == ("liba-rumprun-dev",)
    assert node_of(found, "a").needs == (
        Need(library="libb-dev", source="b", required=True),
        Need(library="libk-dev", source="k", required=True),
    )


def test_who_is_asked_for_gets_all_its_libraries_and_others_what_they_require() -> None:
    archive = Samples({"a": "libb-dev", "b": "libk-dev, #libd-dev", "k": "", "d": ""})
    assert order(plan(archive, "a")) == ["d", "b", "a"]
    assert node_of(plan(archive, "a"), "b").dropped == {
        "libk-dev": "nothing that was asked for needs it"
    }
    assert order(plan(archive, "a", "b")) == ["d", "k", "b", "a"]


class TwoPackages(Samples):
    """In addition, the source b makes libbcore-dev, which depends on libk-dev only."""

    def source(self, name: str) -> ArchiveSource | None:
        found = super().source(name)
        if found is None or name != "b":
            return found
        more = dataclasses.replace(found.binaries[0], name="libbcore-dev")
        return dataclasses.replace(found, binaries=(*found.binaries, more))

    def package(self, name: str) -> ArchivePackage | None:
        if name != "libbcore-dev":
            return super().package(name)
        found = super().package("libb-dev")
        assert found is not None
        return dataclasses.replace(found, name=name, depends="libk-dev")


def test_what_is_required_is_told_by_the_packages_that_are_wanted() -> None:
    needs = {"a": "#libbcore-dev", "b": "libk-dev, #liba-dev", "k": "", "z": "libb-dev"}
    # By way of libb-dev this would be a circle that cannot be broken.
    found = plan(TwoPackages(needs), "a")
    assert order(found) == ["k", "b", "a"]
    with pytest.raises(InputError, match="cannot be broken"):
        plan(TwoPackages(needs), "a", "z")


def test_what_is_left_out_has_its_reason() -> None:
    archive = Samples(
        {"a": "#libx-dev, #libudev-dev, libgone-dev, debhelper", "x": "", "udev": ""},
        sections={"x": "x11"},
    )
    found = node_of(plan(archive, "a"), "a")
    assert set(found.dropped) == {"libx-dev", "libudev-dev", "libgone-dev"}
    assert "desktop" in found.dropped["libx-dev"]
    assert "device manager" in found.dropped["libudev-dev"]
    assert found.dropped["libgone-dev"] == "no source of the suite makes it"
    assert found.tools == ("debhelper",)


@pytest.mark.parametrize("without", ["libx-dev", "x"])
def test_the_user_may_leave_a_library_or_a_source_out(without: str) -> None:
    archive = Samples({"a": "#libx-dev", "x": ""})
    found = plan(archive, "a", without=frozenset({without}))
    assert order(found) == ["a"]
    assert node_of(found, "a").dropped["libx-dev"] == "left out with --without"


def test_a_recipe_may_leave_a_library_out() -> None:
    def recipe_for(name: str, _version: str) -> Recipe | None:
        return parse_recipe(RECIPE, name=name, origin="here") if name == "a" else None

    archive = Samples({"a": "#libx-dev, #libb-dev", "b": "#libx-dev", "x": ""})
    found = plan(archive, "a", recipe_for=recipe_for)
    assert order(found) == ["x", "b", "a"]
    assert node_of(found, "a").dropped == {"libx-dev": "dropped by the recipe"}


STEPS = """
[[keep]]
build-depends = ["libb-dev", "tool"]
reason = "the rest is for parts that are not built"

[[add]]
build-depends = ["libx-dev"]
reason = "in the archive it is there for another library's sake"

[[steps]]
install = ["install server debian/tmp"]
reason = "the rest takes an hour"

[[variant]]
name = "server-rumprun"
of = "liba-dev"
files = ["server"]
reason = "the server alone"
"""


def test_a_recipe_may_say_all_that_a_source_is_built_with_and_gives() -> None:
    def recipe_for(name: str, _version: str) -> Recipe | None:
        return parse_recipe(STEPS, name=name, origin="here") if name == "a" else None

    archive = Samples({"a": "libb-dev, libk-dev, tool, saw", "b": "", "k": "", "x": ""})
    found = plan(archive, "a", recipe_for=recipe_for)
    assert order(found) == ["b", "x", "a"]
    node = node_of(found, "a")
    assert all(need.required for need in node.needs)
    assert node.variants == ("server-rumprun",)
    assert node.tools == ("tool",)
    assert node.dropped["libk-dev"] == "dropped by the recipe"


def test_profiles_and_alternatives() -> None:
    archive = Samples({"a": "libb-dev <!cross>, libgone-dev | libk-dev", "b": "", "k": ""})
    assert order(plan(archive, "a")) == ["k", "a"]


def test_a_source_that_is_not_there() -> None:
    with pytest.raises(MissingError, match="no source package 'b'"):
        plan(Samples({"a": ""}), "a", "b")


def test_a_circle_is_broken_where_a_library_is_not_required() -> None:
    archive = Samples({"a": "#libb-dev", "b": "liba-dev", "k": "libb-dev"})
    found = plan(archive, "a", "b", "k")
    assert order(found) == ["b", "a", "k"]
    assert node_of(found, "b").dropped == {"liba-dev": "to break a circle: a needs b first"}
    assert node_of(found, "b").needs == ()


def test_a_circle_that_cannot_be_broken_is_shown() -> None:
    archive = Samples({"a": "#libb-dev", "b": "#libk-dev", "k": "#liba-dev"})
    shown = (
        "a needs libb-dev of b, b needs libk-dev of k, k needs liba-dev of a;"
        " liba-dev closes it: let a recipe for k drop it, or give --without liba-dev"
    )
    with pytest.raises(InputError) as caught:
        plan(archive, "a")
    assert str(caught.value).endswith(shown)


graphs = st.integers(1, 9).flatmap(
    lambda size: st.lists(
        st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=30
    ).map(lambda pairs: (size, pairs))
)


def edges_of(graph: tuple[int, list[tuple[int, int]]]) -> dict[str, tuple[str, ...]]:
    size, pairs = graph
    return {
        f"n{number}": tuple(sorted({f"n{b}" for a, b in pairs if a == number}))
        for number in range(size)
    }


def reached(start: str, edges: Mapping[str, tuple[str, ...]]) -> set[str]:
    found: set[str] = set()
    waiting = list(edges[start])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += edges[name]
    return found


@given(graphs)
def test_circles_are_what_reaches_one_another(graph: tuple[int, list[tuple[int, int]]]) -> None:
    edges = edges_of(graph)
    reach = {name: reached(name, edges) for name in edges}
    expected = {
        tuple(sorted({name, *(o for o in reach[name] if name in reach[o])}))
        for name in edges
        if any(name in reach[other] for other in reach[name] - {name})
    }
    assert set(find_circles(edges)) == expected


@given(graphs, st.data())
def test_any_order_keeps_to_the_needs(
    graph: tuple[int, list[tuple[int, int]]], data: st.DataObject
) -> None:
    edges = edges_of(graph)
    nodes = {
        name: Node(
            source=name,
            version="1",
            digest="",
            variants=(),
            because="",
            needs=tuple(
                # Required only from greater to lesser: those alone never make a circle.
                Need(
                    library=f"lib{o}-dev", source=o, required=o < name and data.draw(st.booleans())
                )
                for o in others
                if o != name
            ),
        )
        for name, others in edges.items()
    }
    done: set[str] = set()
    for node in in_order(nodes):
        assert {need.source for need in node.needs} <= done
        kept = {need.library for need in node.needs}
        assert kept | set(node.dropped) == {need.library for need in nodes[node.source].needs}
        assert all(n.library in kept for n in nodes[node.source].needs if n.required)
        done.add(node.source)
    assert done == set(nodes)
    assert in_order(nodes) == in_order(dict(reversed(nodes.items())))


SHOWN = Samples({"a": "#libb-dev, libk-dev, libudev-dev, bison", "b": "", "k": "", "udev": ""})


def test_as_text() -> None:
    assert list(as_lines(plan(SHOWN, "a"))) == [
        "1. b 1-1: libb-dev of a",
        "   makes: libb-rumprun-dev",
        "2. k 1-1: libk-dev of a",
        "   makes: libk-rumprun-dev",
        "3. a 1-1: asked for",
        "   makes: liba-rumprun-dev",
        "   needs: libb-dev (b), libk-dev (k, may do without)",
        f"   built without: libudev-dev ({why_unused('libudev-dev', '')})",
        "   build tools: bison",
        "3 sources for musl from sid",
    ]


def test_as_json() -> None:
    document = json.loads(as_json(plan(SHOWN, "a")))
    assert document["format"] == 1
    assert [node["source"] for node in document["nodes"]] == ["b", "k", "a"]
    assert document["nodes"][2]["needs"][0] == {
        "library": "libb-dev", "source": "b", "required": True,
    }  # fmt: skip


def test_as_dot() -> None:
    lines = as_dot(plan(SHOWN, "a")).splitlines()
    assert '  "b" -> "a";' in lines
    assert '  "k" -> "a" [style=dashed];' in lines


def test_as_html_with_a_picture() -> None:
    page = as_html(plan(SHOWN, "a"))
    assert "<svg" in page
    assert "libudev-dev" in page


def test_without_graphviz_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(MissingError, match="graphviz"):
        as_html(plan(SHOWN, "a"))


def test_the_classes_of_the_unused_say_why() -> None:
    assert all(row.reason and (row.sections or row.packages) for row in unused_classes())
    assert why_unused("libgtk-3-dev", "libs") is not None
    assert why_unused("zlib1g-dev", "libs") is None

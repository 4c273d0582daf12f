# SPDX-License-Identifier: BSD-2-Clause
"""A plan as text for a person, as plain data, as a graph for graphviz, and as an HTML page."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator, Mapping

from rumprun.archive.model import Node, Plan
from rumprun.command import run
from rumprun.errors import MissingError
from rumprun.templates import render_page

# Goes up when a reader of the JSON form would misread it.
FORMAT = 1

_ASKED = "#cfe3c8"
_PLAIN = "#eef3fa"


def as_lines(plan: Plan) -> Iterator[str]:
    """The plan, a paragraph a source."""
    for number, node in enumerate(plan.nodes, start=1):
        yield f"{number}. {node.source} {node.version}: {node.because}"
        for label, words in _rows(node):
            yield f"   {label}: {words}"
    count = len(plan.nodes)
    yield f"{count} source{'' if count == 1 else 's'} for {plan.target} from {plan.suite}"


def _rows(node: Node) -> Iterator[tuple[str, str]]:
    needs = [
        f"{need.library} ({need.source}{'' if need.required else ', may do without'})"
        for need in node.needs
    ]
    reasons: dict[str, list[str]] = {}
    for name, reason in node.dropped.items():
        reasons.setdefault(reason, []).append(name)
    dropped = [f"{', '.join(names)} ({reason})" for reason, names in reasons.items()]
    for label, words in (
        ("makes", ", ".join(node.variants)),
        ("needs", ", ".join(needs)),
        ("built without", "; ".join(dropped)),
        ("build tools", ", ".join(node.tools)),
    ):
        if words:
            yield label, words


def as_json(plan: Plan) -> str:
    """The plan as a JSON document, the same for the same plan."""
    return json.dumps({"format": FORMAT, **dataclasses.asdict(plan)}, indent=2)


def as_dot(plan: Plan, colours: Mapping[str, str] | None = None) -> str:
    """The plan as a graph in graphviz's language: from a source to what needs it.

    ``colours`` are those of the sources; without them, those asked for stand out.
    """
    if colours is None:
        colours = dict.fromkeys(plan.asked, _ASKED)
    lines = [
        "digraph plan {",
        '  graph [rankdir=LR, ranksep=0.6, fontname="sans-serif"];',
        '  node [shape=box, style="rounded,filled", fontname="sans-serif", fontsize=11];',
        '  node [color="#5b7083"];',
        '  edge [color="#5b7083", arrowsize=0.7];',
    ]
    for node in plan.nodes:
        colour = colours.get(node.source, _PLAIN)
        label = f"{_escaped(node.source)}\\n{_escaped(node.version)}"
        tip = _escaped(node.because)
        lines.append(
            f'  "{_escaped(node.source)}" [label="{label}", tooltip="{tip}", fillcolor="{colour}"];'
        )
    for node in plan.nodes:
        by_source: dict[str, bool] = {}
        for need in node.needs:
            by_source[need.source] = by_source.get(need.source, False) or need.required
        for source, required in by_source.items():
            style = "" if required else " [style=dashed]"
            lines.append(f'  "{_escaped(source)}" -> "{_escaped(node.source)}"{style};')
    return "\n".join((*lines, "}"))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def as_html(plan: Plan) -> str:
    """The plan as a page that needs nothing else: the graph as a picture, and a table.

    Raises :class:`MissingError` where graphviz is not installed.
    """
    return render_page("plan.html.j2", plan=plan, picture=draw(as_dot(plan)))


def draw(graph: str) -> str:
    """The picture of ``graph``, in graphviz's language, as an ``svg`` element."""
    if shutil.which("dot") is None:
        raise MissingError("the picture needs graphviz", hint="run 'apt-get install graphviz'")
    picture = run(["dot", "-Tsvg"], stdin=graph).stdout
    # What comes before is the declaration of a document of its own.
    return picture[picture.index("<svg") :]

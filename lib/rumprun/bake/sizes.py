# SPDX-License-Identifier: BSD-2-Clause
"""How many bytes of an image are from which source package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from rumprun.bake.component import Component
from rumprun.contributions import Source

# Of "whole" programs it is not known what is in them besides their own source; "rest" are the
# parts of programs that no source has written: headers, tables, symbols, debug information.
Origin = Literal["kernel", "source", "unknown", "whole", "rest", "files"]


@dataclass(frozen=True, kw_only=True)
class Size:
    """What all that is of one origin takes; ``version`` is None where not known."""

    origin: Origin
    name: str
    version: str | None
    bytes: int


def sizes_by_source(components: Iterable[Component]) -> tuple[Size, ...]:
    """The sizes of ``components`` by origin, the largest first; they add up to all of them.

    A kernel counts as it is in the image, packed; all else as it is in the machine, unpacked.
    """
    sums: dict[tuple[Origin, str, str | None], int] = {}
    for component in components:
        for size in _parts(component):
            key = (size.origin, size.name, size.version)
            sums[key] = sums.get(key, 0) + size.bytes
    found = [
        Size(origin=origin, name=name, version=version, bytes=count)
        for (origin, name, version), count in sums.items()
        if count
    ]
    return tuple(sorted(found, key=lambda size: (-size.bytes, size.name, size.version or "")))


def _parts(component: Component) -> Iterator[Size]:
    if component.kind == "kernel":
        yield _size("kernel", component.source, "kernel", component.size)
    elif component.kind == "file":
        yield Size(origin="files", name="files", version=None, bytes=component.size)
    elif component.contributions is None:
        yield _size("whole", component.source, component.name, component.size)
    else:
        yield from _linked_parts(component)


def _linked_parts(component: Component) -> Iterator[Size]:
    said = component.contributions
    assert said is not None
    left = component.size
    parts = [
        _size("source", file.source, file.file, file.bytes)
        if file.source
        else Size(origin="unknown", name=file.file, version=None, bytes=file.bytes)
        for file in said.linked
    ]
    origin: Origin = "source" if component.source else "unknown"
    for part in (_size(origin, component.source, component.name, said.own), *parts):
        # What a document says may be more than there is.
        taken = min(part.bytes, left)
        left -= taken
        yield Size(origin=part.origin, name=part.name, version=part.version, bytes=taken)
    yield Size(origin="rest", name="tables and symbols", version=None, bytes=left)


def _size(origin: Origin, source: Source | None, name: str, count: int) -> Size:
    """A size under the name of ``source``, or under ``name`` where that is not known."""
    return Size(
        origin=origin,
        name=source.name if source else name,
        version=source.version if source else None,
        bytes=count,
    )

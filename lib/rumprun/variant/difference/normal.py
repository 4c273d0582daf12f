# SPDX-License-Identifier: BSD-2-Clause
"""What always differs between two builds, by general rules: places, GNU types, names of tools."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

PATH = "<path>"
TRIPLE = "<triple>"

_TRIPLES = re.compile(r"\bx86_64-(?:pc-|rumprun-|unknown-)?linux-(?:gnu|musl)\b")
_TOOL = re.compile(rf"{TRIPLE}-(?=[a-z][\w+.-]*)")

# Words for yes and no of autoconf, cmake, meson and C.
_YES = frozenset({"yes", "true", "on", "1", ""})
_NO = frozenset({"no", "false", "off", "0", "none required", "disabled"})

# Names that say when, where or by whom something was built.
_MOMENT = re.compile(
    r"(?:^|_)(?:BUILD|BUILT|COMPILE[DR]?|CONFIGURE[D]?|CC|CXX|C|HOST)_"
    r"(?:DATE|TIME|TIMESTAMP|HOST|USER|COMMAND|VERSION|ARGS|CONFIG|ID|FLAGS)\b",
    re.IGNORECASE,
)


def normalise(value: str, trees: Iterable[Path] = ()) -> str:
    """``value`` without what always differs: ``trees``, GNU types, prefixes of tools, quotes.

    A value that is an absolute path as a whole, or a list of them, is :data:`PATH`.
    """
    text = value.strip().strip("\"'")
    for tree in trees:
        text = text.replace(str(tree), PATH)
    text = _TOOL.sub("", _TRIPLES.sub(TRIPLE, text))
    words = re.split(r"[;:\s]+", text)
    if text and all(word.startswith(("/", PATH)) for word in words if word):
        return PATH
    return " ".join(text.split())


def is_momentary(name: str) -> bool:
    """Whether ``name`` stands for a date, a machine or a command line of the build."""
    return _MOMENT.search(name) is not None


def truth(value: str | None) -> bool | None:
    """``value`` as yes or no; ``None`` where it is something else. No answer is no."""
    if value is None:
        return False
    word = value.lower()
    if word in _YES:
        return True
    if word in _NO or word.endswith("notfound"):
        return False
    return None


def place(path: Path, tree: Path) -> str:
    """``path`` relative to ``tree``, with GNU types left out, to find it on the other side."""
    return _TRIPLES.sub(TRIPLE, str(PurePosixPath(path.relative_to(tree))))


def with_triple(text: str, triple: str) -> str:
    """``text`` with ``triple`` for every GNU type in it."""
    return _TRIPLES.sub(triple, text)


def subject(name: str) -> str:
    """What a cache variable and its ``HAVE_`` macro have in common: ``SYS_ACL_H``."""
    plain = re.sub(r"^(?:[A-Za-z]{1,8}_)?cv_", "", name) if "_cv_" in name else name
    if plain != name:
        plain = re.sub(r"^(?:func|header|lib|type|member|have_decl|have|sys|c|working)_", "", plain)
    plain = re.sub(r"[^A-Za-z0-9]", "_", plain).upper()
    return re.sub(r"^(?:HAVE_DECL_|HAVE_|HAS_|WITH_|USE_|ENABLE_)", "", plain)

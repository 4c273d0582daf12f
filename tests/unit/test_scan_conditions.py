# SPDX-License-Identifier: BSD-2-Clause
"""Which lines of C are compiled for the target, as far as conditionals tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun.source.scan.conditions import Conditions, truth_of


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        ("1", True),
        ("0", False),
        ("defined(__linux__)", True),
        ("defined __linux__", True),
        ("!defined(_WIN32)", True),
        ("defined(__GLIBC__)", False),
        ("__GLIBC__ >= 2", None),
        ("defined(HAVE_FTS_H)", None),
        ("HAVE_FTS_H", None),
        ("defined(_WIN32) || defined(__linux__)", True),
        ("defined(_WIN32) && HAVE_X", False),
        ("defined(__linux__) && HAVE_X", None),
        ("(defined(__FreeBSD__) || defined(__APPLE__)) && !defined(X)", False),
        ("!(defined(__linux__))", False),
        ("defined(__GNUC__) && __GNUC__ >= 4", None),
        ("__has_include(<execinfo.h>)", None),
        ("defined(_WIN32) /* and more */ || 0", False),
        ("", None),
        ("((", None),
    ],
)
def test_what_is_known_of_a_condition(condition: str, truth: bool | None) -> None:
    assert truth_of(condition) is truth


@pytest.mark.parametrize(
    ("text", "reached"),
    [
        ("HERE", True),
        ("#ifdef HAVE_X\nHERE\n#endif\n", False),
        ("#ifdef HAVE_X\n#endif\nHERE\n", True),
        ("#ifdef _WIN32\n#else\nHERE\n#endif\n", True),
        ("#ifdef _WIN32\nHERE\n#endif\n", False),
        ("#ifdef __linux__\nHERE\n#endif\n", True),
        ("#ifndef __linux__\nHERE\n#endif\n", False),
        ("#if defined(_WIN32)\n#elif defined(__linux__)\nHERE\n#endif\n", True),
        ("#if HAVE_X\n#elif defined(__linux__)\nHERE\n#endif\n", False),
        ("#if defined(__linux__)\n#else\nHERE\n#endif\n", False),
        ("#ifndef FOO_H\n#define FOO_H\nHERE\n#endif\n", True),
        ("/* c */\n#if !defined(FOO_H)\n#define FOO_H 1\nHERE\n#endif\n", True),
        ("#ifndef HAVE_STRDUP\nHERE\n#endif\n", False),
        ("#ifndef FOO_H\n#define FOO_H\n#ifdef HAVE_X\nHERE\n#endif\n#endif\n", False),
        ("#if defined(_WIN32) || \\\n    defined(__APPLE__)\nHERE\n#endif\n", False),
        ("#endif\n#else\nHERE\n", True),
    ],
)
def test_lines_that_are_compiled(text: str, reached: bool) -> None:
    text = f"\n{text}"
    assert Conditions(text).reached(text.index("HERE")) is reached


_PARTS = ["#if ", "#ifdef ", "#else", "#elif ", "#endif", "\n", "(", ")", "!", "&&", "||",
          "defined", "(X)", " __linux__", "\\\n", "/*", "*/", "=", "1"]  # fmt: skip


@given(st.lists(st.sampled_from(_PARTS), max_size=60))
def test_nothing_is_too_broken(parts: list[str]) -> None:
    text = "\n" + "".join(parts)
    assert Conditions(text).reached(len(text)) in (True, False)
    assert truth_of("".join(parts)) in (True, False, None)

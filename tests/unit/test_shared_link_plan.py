# SPDX-License-Identifier: BSD-2-Clause
"""Command lines of links with -shared, read without touching a file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import shared_link_plan as plans
from shared_link_plan import Kind, PlanError, read_command_line

TOOLCHAIN = Path(plans.__file__).parent


def split(text: str) -> list[str]:
    return text.split()


def names(plan: plans.Plan, kind: Kind) -> list[str]:
    return [item.name for item in plan.inputs if item.kind is kind]


def test_makefile_style_link() -> None:
    words = split(
        "-shared -Wl,-soname,libbz2.so.1.0 -Wl,-soname -Wl,x.so -o libbz2.so.1.0.4 "
        "blocksort.o huffman.o -L../a -Lb -lc -l z"
    )
    plan = read_command_line("gcc", words)
    assert plan.output == "libbz2.so.1.0.4"
    assert names(plan, Kind.FILE) == ["blocksort.o", "huffman.o"]
    assert names(plan, Kind.LIBRARY) == ["c", "z"]
    assert plan.directories == ("../a", "b")


def test_without_output_is_a_out() -> None:
    assert read_command_line("gcc", ["-shared", "a.o"]).output == "a.out"


@pytest.mark.parametrize(
    "words",
    [
        ["-shared", "-olibx.so", "a.o"],
        ["a.o", "-shared", "-Wl,-o,libx.so"],
        ["-shared", "-Xlinker", "-o", "-Xlinker", "libx.so", "a.o"],
        ["-shared", "-Wl,--output=libx.so", "a.o"],
    ],
)
def test_every_spelling_of_the_output(words: list[str]) -> None:
    plan = read_command_line("gcc", words)
    assert plan.output == "libx.so"
    assert names(plan, Kind.FILE) == ["a.o"]


def test_whole_archive_holds_until_it_is_taken_back() -> None:
    words = split(
        "-shared -Wl,--whole-archive a.a -lb -Wl,--no-whole-archive c.a "
        "-Wl,--push-state,--whole-archive d.a -Wl,--pop-state e.a"
    )
    whole = {item.name: item.whole for item in read_command_line("gcc", words).inputs}
    assert whole == {"a.a": True, "b": True, "c.a": False, "d.a": True, "e.a": False}


def test_values_of_linker_options_are_no_inputs() -> None:
    words = split(
        "-shared -soname libx.so --version-script x.map -z defs -rpath /opt/lib -m elf_x86_64 "
        "--hash-style=gnu -u entry -h name a.o -o libx.so"
    )
    plan = read_command_line("ld", words)
    assert names(plan, Kind.FILE) == ["a.o"]
    assert plan.undefined == ("entry",)
    assert plan.output == "libx.so"


def test_a_value_may_come_in_the_next_linker_list() -> None:
    plan = read_command_line("gcc", ["-Wl,--version-script", "-Wl,x.map", "a.o"])
    assert names(plan, Kind.FILE) == ["a.o"]


def test_sources_keep_the_options_of_compilation_only() -> None:
    words = split(
        "-shared -O2 -DX=1 -I inc -isystem sys -Wl,-z,now -nostdlib -lm -u s x.c -x c y.z"
    )
    plan = read_command_line("gcc", words)
    assert [(item.name, item.language) for item in plan.inputs if item.kind is Kind.SOURCE] == [
        ("x.c", "c"),
        ("y.z", "c"),
    ]
    assert plan.compile_options == ("-O2", "-DX=1", "-I", "inc", "-isystem", "sys")


@pytest.mark.parametrize("words", [["-shared", "-o"], ["a.o", "-Wl,-soname"], ["-Xlinker"]])
def test_a_missing_value_is_named(words: list[str]) -> None:
    with pytest.raises(PlanError, match="lacks its value"):
        read_command_line("gcc", words)


def test_driver_and_translator_know_the_same_linker_options() -> None:
    source = (TOOLCHAIN / "scan.c").read_text(encoding="utf-8")
    tables = re.findall(
        r"\*const (?:linker_valued|run_time_options)\[\] = \{(.*?)\}", source, re.DOTALL
    )
    listed = set(re.findall(r'"([^"]+)"', " ".join(tables)))
    # These the driver handles by name, in judge_linker_word.
    assert listed | {"L", "library-path", "l", "library", "R"} == plans.LD_VALUED


def test_driver_and_translator_know_the_same_compiler_options() -> None:
    source = (TOOLCHAIN / "scan.c").read_text(encoding="utf-8")
    tables = re.findall(r"\*const (?:valued|include_options)\[\] = \{(.*?)\}", source, re.DOTALL)
    listed = set(re.findall(r'"([^"]+)"', " ".join(tables)))
    assert listed | {"-L", "-l", "-o", "-Xlinker"} == plans.GCC_VALUED


_NAME = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
_NOISE = st.sampled_from(
    [
        ["-fPIC"],
        ["-Wl,-soname,libq.so.1"],
        ["-Wl,-z,defs"],
        ["-Wl,-rpath", "-Wl,/opt/q"],
        ["-Xlinker", "--version-script", "-Xlinker", "q.map"],
        ["-nostdlib"],
        ["-pthread"],
        ["-Wl,--as-needed"],
        ["-u", "q"],
        ["-z", "now"],
        ["-T", "q.ld"],
    ]
)


@given(
    objects=st.lists(_NAME, max_size=6),
    libraries=st.lists(_NAME, max_size=4),
    noise=st.lists(_NOISE, max_size=6),
    output=_NAME,
    data=st.data(),
)
def test_options_never_hide_or_invent_an_input(
    objects: list[str],
    libraries: list[str],
    noise: list[list[str]],
    output: str,
    data: st.DataObject,
) -> None:
    chunks = [[f"{name}.o"] for name in objects] + [[f"-l{name}"] for name in libraries]
    chunks += [*noise, ["-o", f"{output}.so"], ["-shared"]]
    order = data.draw(st.permutations(range(len(chunks))))
    # A word for the linker and its value stay together; all else may come in any order.
    plan = read_command_line("gcc", [word for index in order for word in chunks[index]])
    assert plan.output == f"{output}.so"
    assert sorted(names(plan, Kind.FILE)) == sorted(f"{name}.o" for name in objects)
    assert sorted(names(plan, Kind.LIBRARY)) == sorted(libraries)
    assert names(plan, Kind.SOURCE) == []


@given(st.lists(st.text(max_size=12), max_size=12), st.sampled_from(["gcc", "ld"]))
def test_any_words_give_a_plan_or_a_plan_error(words: list[str], syntax: str) -> None:
    try:
        plan = read_command_line(syntax, words)
    except PlanError:
        return
    assert isinstance(plan, plans.Plan)

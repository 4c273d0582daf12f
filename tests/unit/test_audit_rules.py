# SPDX-License-Identifier: BSD-2-Clause
"""Each rule that needs no tool: what it lets pass, what it reports."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun import paths
from rumprun.errors import UsageError
from rumprun.variant.audit import Finding, all_rules, audit_tree
from rumprun.variant.audit.cmake import climb
from rumprun.variant.audit.finding import printable
from unit import audit_samples as make
from unit.audit_samples import faults, installed, subject

CONTROL = {"Architecture": "all", "Multi-Arch": "foreign", "Description": "a variant"}


def details(rule: str, root: Path, **others: Any) -> list[str]:
    return [fault.detail for fault in faults(rule, subject(root, **others))]


def test_doc_has_a_section_with_the_remedy_of_each_rule() -> None:
    text = (paths.DATA / "doc" / "audit.md").read_text(encoding="utf-8")
    sections = {part.split("\n", 1)[0]: part for part in text.split("\n## ")[1:]}
    del sections["How to add a rule"]
    assert set(sections) == {rule.name for rule in all_rules()}
    for rule in all_rules():
        assert sections[rule.name].rstrip().endswith(f"\n\nRemedy: {rule.remedy}"), rule.name


def test_the_example_in_the_doc_is_a_rule(tmp_path: Path) -> None:
    text = (paths.DATA / "doc" / "audit.md").read_text(encoding="utf-8")
    example = text.split("```python\n")[1].split("```")[0]
    names: dict[str, object] = {}
    exec(compile(example, "example", "exec"), names)  # noqa: S102 - our own page
    installed(tmp_path, "PREFIX/README", "x")
    found = list(names["RULE"].check(subject(tmp_path)))  # type: ignore[attr-defined]
    assert [fault.file for fault in found] == [f"{make.target().prefix}/README"]


def test_dynamic_objects_in_and_out_of_archives(tmp_path: Path) -> None:
    shared = make.elf(make.ET_DYN, [make.LOAD, make.dynamic()])
    installed(tmp_path, "PREFIX/lib/libx.so.1", shared)
    installed(tmp_path, "PREFIX/lib/libx.a", make.archive(("x.so", shared)))
    installed(tmp_path, "PREFIX/lib/liby.so", make.archive(("y.o", make.elf(make.ET_REL))))
    installed(tmp_path, "PREFIX/bin/tool", make.STATIC_PIE)
    found = faults("dynamic-object", subject(tmp_path))
    assert [(Path(f.file).name, f.detail) for f in found] == [
        ("libx.a", "member x.so is a shared object"),
        ("libx.so.1", "is a shared object"),
    ]


def test_foreign_machine_and_foreign_members(tmp_path: Path) -> None:
    other = make.elf(make.ET_EXEC, [make.LOAD], machine=make.EM_386)
    note = (make.PT_NOTE, make.R, make.ABI_NOTE)
    installed(tmp_path, "PREFIX/bin/a", other)
    installed(tmp_path, "PREFIX/bin/b", make.elf(make.ET_EXEC, [make.LOAD, make.STACK, note]))
    installed(tmp_path, "PREFIX/lib/libx.a", make.archive(("README", b"read me")))
    installed(tmp_path, "PREFIX/lib/liby.a", make.archive(("__.LIBDEP", b"-lc\0")))
    assert details("foreign-object", tmp_path) == [
        "is for EM_386 of 64 bits, not for EM_X86_64 of 64 bits",
        "is a program linked with glibc",
        "member README is no ELF object",
    ]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (make.STATIC_PIE, []),
        (make.elf(make.ET_EXEC, [make.LOAD]), ["has no PT_GNU_STACK header"]),
        (
            make.elf(make.ET_EXEC, [make.LOAD, (make.PT_GNU_STACK, make.RWX, b"")]),
            ["has an executable stack"],
        ),
        (
            make.elf(make.ET_EXEC, [(make.PT_LOAD, make.RWX, b""), make.STACK]),
            ["has a segment that is writable and executable"],
        ),
        (
            make.elf(make.ET_EXEC, [make.LOAD, make.STACK, make.dynamic((make.DT_TEXTREL, 0))]),
            ["has text relocations"],
        ),
        (make.elf(make.ET_DYN, [make.LOAD]), []),  # dynamic-object's
    ],
)
def test_programs(tmp_path: Path, content: bytes, found: list[str]) -> None:
    installed(tmp_path, "PREFIX/bin/tool", content)
    assert details("program", tmp_path) == found


def test_empty_archives(tmp_path: Path) -> None:
    installed(tmp_path, "PREFIX/lib/liba.a", make.archive())
    installed(tmp_path, "PREFIX/lib/libb.a", b"")
    installed(tmp_path, "PREFIX/lib/libc.a", make.archive(("__.LIBDEP", b"-lm\0")))
    assert details("empty-archive", tmp_path) == [
        "has no object in it",
        "is an empty file",
        "has no object in it",
    ]


def test_recorded_libraries_are_looked_up(tmp_path: Path) -> None:
    libdep = ("__.LIBDEP", b"-L/usr/lib -lown -lgone\0")
    installed(tmp_path, "PREFIX/lib/libx.a", make.archive(libdep))
    installed(tmp_path, "PREFIX/lib/libown.a", make.archive())
    assert details("libdep-library", tmp_path) == ["records -lgone, which is nowhere"]


def test_build_paths_end_at_a_component(tmp_path: Path) -> None:
    installed(tmp_path, "PREFIX/a", b"-I/build/x/include")
    installed(tmp_path, "PREFIX/b", b"/build/xerxes /build/x-2")
    installed(tmp_path, "PREFIX/c.gz", gzip.compress(b"in /build/x."))
    installed(tmp_path, "PREFIX/d.gz", b"\x1f\x8bnot really")
    installed(tmp_path, "PREFIX/e.a", make.archive(("e.o", make.STATIC_PIE + b"/build/x")))
    (tmp_path / "f").symlink_to("/build/x/f")
    found = faults("build-path", subject(tmp_path, forbidden=("/build/x",)))
    assert {(Path(f.file).name, f.detail) for f in found} == {
        ("a", "contains /build/x"),
        ("c.gz", "contains /build/x, packed"),
        ("e.a", "member e.o contains /build/x"),
        ("f", "points into /build/x"),
    }
    assert not faults("build-path", subject(tmp_path))


@pytest.mark.parametrize("path", ["", "/", "relative"])
def test_what_cannot_be_forbidden(tmp_path: Path, path: str) -> None:
    with pytest.raises(UsageError):
        audit_tree(tmp_path, target=make.target(), forbidden_paths=[path])


def test_misplaced_files(tmp_path: Path) -> None:
    installed(tmp_path, "PREFIX/lib/x")
    installed(tmp_path, "/usr/share/doc/x/copyright")
    installed(tmp_path, "/usr/share/lintian/overrides/x")
    installed(tmp_path, "/usr/lib/x")
    installed(tmp_path, "/usr/x86_64-rumprun-linux-musl-not/x")
    found = [fault.file for fault in faults("misplaced-file", subject(tmp_path))]
    other = "/usr/x86_64-rumprun-linux-musl-not"
    assert found == ["/usr/lib", "/usr/lib/x", other, f"{other}/x"]


def test_links_are_followed_inside_the_packages(tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    lib = installed(own, "PREFIX/lib/liba.a").parent
    installed(other, "PREFIX/lib/libb.a")
    installed(other, "/usr/share/doc/b/copyright")
    doc = installed(own, "/usr/share/doc/a/copyright").parent.parent
    prefix = make.target().prefix
    for name, text in {
        "good": "liba.a",
        "far": f"{prefix}/lib/libb.a",
        "chain": "far",
        "up": "../../../../../.." + f"{prefix}/lib/liba.a",
        "gone": "libz.a",
        "host": "/etc/passwd",
        "loop": "loop",
        "ping": "pong",
        "pong": "ping",
    }.items():
        (lib / name).symlink_to(text)
    (doc / "b").symlink_to("../doc/b")
    judged = subject(own, others=[other])
    found = {Path(fault.file).name for fault in faults("dangling-link", judged)}
    # The link /usr/share/doc/b points to itself here; the directory is in the other package.
    assert found == {"gone", "host", "loop", "ping", "pong"}


def test_linker_scripts_name_what_exists(tmp_path: Path) -> None:
    installed(tmp_path, "PREFIX/lib/liba.a", "GROUP ( libb.a AS_NEEDED ( -lgone ) )")
    installed(tmp_path, "PREFIX/lib/libb.a", "INPUT(PREFIX/lib/liba.a)")
    assert details("dangling-link", tmp_path) == ["names -lgone, which is nowhere"]


GOOD_CONFIG = (
    "#!/bin/sh\n# see /usr/include\nprefix=PREFIX\necho -L${prefix}/lib -I$prefix/include\n"
)


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("bin/x-config", GOOD_CONFIG, []),
        ("bin/x-config", "prefix=/usr\n", ["says that its prefix is /usr"]),
        ("bin/x-config", "prefix=PREFIX-2\n", ["says that its prefix is PREFIX-2"]),
        (
            "bin/x-config",
            "echo -I/usr/include\n",
            ["names /usr/include, which is the build host's"],
        ),
        ("bin/x-config", "x=`pkg-config --libs x`\n", ["calls pkg-config of the build host"]),
        ("bin/x", "prefix=/usr\n", []),
        (
            "lib/cmake/x.cmake",
            'set(X "/usr/lib/x86_64-linux-gnu/libx.so")\n',
            ["names /usr/lib/x86_64-linux-gnu, which is the build host's"],
        ),
        ("lib/cmake/x.cmake", 'set(X "${_IMPORT_PREFIX}/lib" PREFIX/include)\n', []),
        ("lib/x.la", "", ["is a libtool file, which names directories of the build"]),
    ],
)
def test_host_scripts(tmp_path: Path, path: str, text: str, found: list[str]) -> None:
    installed(tmp_path, f"PREFIX/{path}", text)
    prefix = str(make.target().prefix)
    assert details("host-script", tmp_path) == [f.replace("PREFIX", prefix) for f in found]


EXPORT = """\
get_filename_component(_IMPORT_PREFIX "${CMAKE_CURRENT_LIST_FILE}" PATH)
get_filename_component(_IMPORT_PREFIX "${_IMPORT_PREFIX}" PATH)
get_filename_component(_IMPORT_PREFIX "${_IMPORT_PREFIX}" PATH)
get_filename_component(_IMPORT_PREFIX "${_IMPORT_PREFIX}" PATH)
if(_IMPORT_PREFIX STREQUAL "/")
  set(_IMPORT_PREFIX "")
endif()
set(_IMPORT_PREFIX)
"""
PACKAGE = (
    'get_filename_component(PACKAGE_PREFIX_DIR "${CMAKE_CURRENT_LIST_DIR}/../../../" ABSOLUTE)\n'
)


@pytest.mark.parametrize("text", [EXPORT, PACKAGE], ids=["export", "package"])
def test_cmake_ladders(tmp_path: Path, text: str) -> None:
    installed(tmp_path, "PREFIX/lib/cmake/x/x.cmake", text)
    assert details("not-relocated-cmake", tmp_path) == []
    installed(tmp_path, "PREFIX/lib/cmake/x/deep/x.cmake", text)
    (found,) = details("not-relocated-cmake", tmp_path)
    assert found.startswith(f"takes {make.target().prefix}/lib for its prefix")


GUARD = """\
get_filename_component(_realCurr "${CMAKE_CURRENT_LIST_DIR}" REALPATH)
get_filename_component(_realOrig "/usr/lib/cmake/x" REALPATH)
if(_realCurr STREQUAL _realOrig)
  set(PACKAGE_PREFIX_DIR "/usr")
endif()
"""


def test_cmake_branch_for_another_place_does_not_count(tmp_path: Path) -> None:
    installed(tmp_path, "PREFIX/lib/cmake/x/x.cmake", PACKAGE + GUARD)
    assert details("not-relocated-cmake", tmp_path) == []
    assert details("host-script", tmp_path) == []
    assert climb(PACKAGE + GUARD, "/usr/lib/cmake/x/x.cmake") == [("PACKAGE_PREFIX_DIR", "/usr")]


def test_cmake_prefix_written_out() -> None:
    assert climb('set(_IMPORT_PREFIX "/usr")', "/a/b.cmake") == [("_IMPORT_PREFIX", "/usr")]
    assert climb("include(Other)", "/a/b.cmake") == []


@given(st.text())
def test_any_cmake_text_is_taken(text: str) -> None:
    climb(f"set({text})\nget_filename_component(_IMPORT_PREFIX {text} PATH)", "/a/b.cmake")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, []),
        ({"Architecture": "amd64"}, ["Architecture is amd64, not all"]),
        ({"Multi-Arch": ""}, ["no Multi-Arch: foreign"]),
        ({"Description": " "}, ["no Description"]),
    ],
)
def test_control_fields(tmp_path: Path, change: dict[str, str], found: list[str]) -> None:
    assert details("control-field", tmp_path, control={**CONTROL, **change}) == found


def test_programs_name_what_is_in_them(tmp_path: Path) -> None:
    installed(tmp_path, "PREFIX/bin/tool", make.STATIC_PIE)
    assert details("control-field", tmp_path, control=CONTROL) == [
        "no Static-Built-Using, though there are programs"
    ]
    named = {**CONTROL, "Static-Built-Using": "musl (= 1.2.3-1)"}
    assert details("control-field", tmp_path, control=named) == []
    assert details("control-field", tmp_path) == []


def test_unreadable_files(tmp_path: Path) -> None:
    installed(tmp_path, "PREFIX/lib/a.a", b"!<thin>\n")
    installed(tmp_path, "PREFIX/lib/b.a", b"\0 no archive")
    installed(tmp_path, "PREFIX/lib/c.a", make.archive(("c.o", b"\x7fELF")))
    installed(tmp_path, "PREFIX/lib/d", b"\x7fELF")
    installed(tmp_path, "PREFIX/lib/e.a", "INPUT(-lc)")
    os.mkfifo(tmp_path / "f")
    starts = ["is no file", "is a thin", "is called an archive", "member c.o: dam", "damaged ELF"]
    found = details("unreadable-file", tmp_path)
    assert len(found) == len(starts)
    assert all(text.startswith(start) for text, start in zip(found, starts, strict=True))


def test_findings_stay_on_their_line(tmp_path: Path) -> None:
    (tmp_path / "a\nb\udcff\x1b").write_text("")
    found = audit_tree(tmp_path, target=make.target(), package="p")
    (line,) = (finding.to_line() for finding in found)
    assert line.isprintable()
    assert line.startswith("p: /a\\nb\\udcff\\x1b: misplaced-file: ")
    json.dumps(found[0].to_json()).encode()


@given(st.text(alphabet=st.characters()))
def test_printable_is_one_encodable_line(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    shown.encode()


def test_finding_as_json_has_all_fields() -> None:
    finding = Finding(package="p", file="/f", rule="r", detail="d", remedy="m")
    assert finding.to_json() == {
        "package": "p",
        "file": "/f",
        "rule": "r",
        "detail": "d",
        "remedy": "m",
    }

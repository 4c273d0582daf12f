# SPDX-License-Identifier: BSD-2-Clause
"""The audit on packages made by the target's own tools.

A good one is clean, and each way to break it is reported by exactly its rule.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from rumprun.cli import audit as command
from rumprun.command import base_environment, run
from rumprun.errors import InputError
from rumprun.target.descriptor import Target, load_target
from rumprun.variant.audit import Finding, audit_tree, judge_file

pytestmark = pytest.mark.integration

# Measured: 2 s on an idle machine. Anything quadratic takes hours.
_SECONDS_FOR_MANY = 30.0

BASE = "int base_add(int a, int b) { return a + b; }\n"
GREET = """\
#include <stdio.h>
int base_add(int a, int b);
int greet_weak(void) __attribute__((weak));
int greet(int n) { printf("%d\\n", n); return greet_weak ? greet_weak() : base_add(n, 1); }
"""
TOOL = "int greet(int n);\nint main(void) { return greet(41) == 42 ? 0 : 1; }\n"
PC = """\
prefix=PREFIX
libdir=${prefix}/lib
includedir=${prefix}/include

Name: NAME
Description: a library of the tests
Version: 1.0
REST
Libs: -L${libdir} -lNAME
Cflags: -I${includedir}/NAME
"""
CMAKE = """\
get_filename_component(PACKAGE_PREFIX_DIR "${CMAKE_CURRENT_LIST_DIR}/../../../" ABSOLUTE)
set(GREET_LIBRARIES "${PACKAGE_PREFIX_DIR}/lib/libgreet.a")
"""
CONTROL = """\
Package: NAME
Version: 1.0
Architecture: all
Multi-Arch: foreign
Maintainer: A Test <test@example.org>
FIELDS
Description: a package of the tests
"""


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Where packages are made: the target's tools and a directory for sources."""

    target: Target
    place: Path

    def tool(self, name: str, *words: str | Path) -> None:
        """Run one of the target's tools."""
        run([self.target.tool(name), *words], cwd=self.place)

    def native(self, name: str, *words: str | Path) -> None:
        """Run one of the build host's tools."""
        run([Path("/usr/bin") / name, *words], cwd=self.place)

    def source(self, name: str, text: str) -> Path:
        """Write a source file."""
        path = self.place / name
        path.write_text(text, encoding="utf-8")
        return path

    def compile(self, name: str, text: str, *words: str) -> Path:
        """Compile C for the target."""
        target = self.place / f"{name}.o"
        self.tool("gcc", "-O2", *words, "-c", self.source(f"{name}.c", text), "-o", target)
        return target

    def compile_natively(self, name: str, text: str, *words: str) -> Path:
        """Compile C for the build host, as a wrong makefile would."""
        target = self.place / f"{name}.o"
        self.native("gcc", "-O2", *words, "-c", self.source(f"{name}.c", text), "-o", target)
        return target

    def sysroot(self, root: Path) -> Path:
        """The prefix in an unpacked package."""
        return root / self.target.prefix.relative_to("/")

    def pc(self, root: Path, name: str, rest: str = "") -> Path:
        """Write a .pc file for the library ``name``."""
        place = self.sysroot(root) / "lib" / "pkgconfig" / f"{name}.pc"
        place.parent.mkdir(parents=True, exist_ok=True)
        text = PC.replace("PREFIX", str(self.target.prefix)).replace("NAME", name)
        place.write_text(text.replace("REST\n", rest), encoding="utf-8")
        return place


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(target=load_target(), place=tmp_path_factory.mktemp("workshop"))


@pytest.fixture(scope="module")
def base(shop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library without dependencies."""
    root = tmp_path_factory.mktemp("base")
    lib = shop.sysroot(root) / "lib"
    lib.mkdir(parents=True)
    shop.tool("ar", "rcsD", lib / "libbase.a", shop.compile("base", BASE))
    shop.pc(root, "base")
    return root


@pytest.fixture(scope="module")
def greet(shop: Workshop, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that needs base, a program, and what else packages have."""
    root = tmp_path_factory.mktemp("greet")
    sysroot = shop.sysroot(root)
    for name in ("bin", "include/greet", "lib/cmake/greet"):
        (sysroot / name).mkdir(parents=True)
    archive = sysroot / "lib" / "libgreet.a"
    shop.tool("ar", "rcsD", archive, shop.compile("greet", GREET))
    (sysroot / "lib" / "libgreet-1.a").symlink_to("libgreet.a")
    (sysroot / "include" / "greet" / "greet.h").write_text("int greet(int n);\n")
    tool = shop.compile("tool", TOOL)
    base_lib = shop.sysroot(base) / "lib" / "libbase.a"
    shop.tool("gcc", "-o", sysroot / "bin" / "greet", tool, archive, base_lib)
    shop.pc(root, "greet", "Requires.private: base\n")
    (sysroot / "lib" / "cmake" / "greet" / "greet-config.cmake").write_text(CMAKE)
    script = f"#!/bin/sh\nprefix={shop.target.prefix}\necho -L$prefix/lib -lgreet\n"
    (sysroot / "bin" / "greet-config").write_text(script)
    doc = root / "usr/share/doc/greet-rumprun"
    doc.mkdir(parents=True)
    (doc / "copyright").write_text("as you like\n")
    return root


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A copy of the good package, to be broken."""

    shop: Workshop
    root: Path
    base: Path

    @property
    def sysroot(self) -> Path:
        """The prefix in the package."""
        return self.shop.sysroot(self.root)

    @property
    def lib(self) -> Path:
        """The directory of its libraries."""
        return self.sysroot / "lib"

    def audit(self, *forbidden: str) -> tuple[Finding, ...]:
        """What the audit says, with base as the only dependency."""
        return audit_tree(
            self.root,
            target=self.shop.target,
            closure=[self.shop.sysroot(self.base)],
            forbidden_paths=forbidden,
            package="greet",
        )

    def only(self, rule: str, *forbidden: str) -> list[Finding]:
        """The findings, all of which must be of ``rule``, and one at least."""
        found = self.audit(*forbidden)
        assert {finding.rule for finding in found} == {rule}, found
        assert all(finding.remedy and finding.package == "greet" for finding in found)
        return list(found)


@pytest.fixture
def bench(shop: Workshop, base: Path, greet: Path, tmp_path: Path) -> Bench:
    root = tmp_path / "greet"
    shutil.copytree(greet, root, symlinks=True)
    return Bench(shop=shop, root=root, base=base)


def test_good_packages_are_clean(bench: Bench) -> None:
    assert bench.audit(str(bench.shop.place)) == ()
    assert audit_tree(bench.base, target=bench.shop.target) == ()
    run([bench.sysroot / "bin" / "greet"])


def test_without_its_dependency_a_package_is_not(bench: Bench) -> None:
    found = audit_tree(bench.root, target=bench.shop.target)
    assert {finding.rule for finding in found} == {"undefined-symbol", "pkgconfig-link"}
    details = {finding.rule: finding.detail for finding in found}
    assert details["undefined-symbol"] == "nothing defines base_add, which greet.o needs"
    assert "'base', required by 'greet'" in details["pkgconfig-link"]


def test_glibc_object_in_an_archive(bench: Bench) -> None:
    text = '#include <stdio.h>\nvoid say(int n) { printf("%d", n); }\n'
    bad = bench.shop.compile_natively("say", text, "-D_FORTIFY_SOURCE=2")
    bench.shop.tool("ar", "rcsD", bench.lib / "libgreet.a", bad)
    (found,) = bench.only("foreign-object")
    assert found.detail == "member say.o refers to __printf_chk, which only glibc has"
    assert found.file == f"{bench.shop.target.prefix}/lib/libgreet.a"


def test_object_for_another_machine(bench: Bench) -> None:
    source = bench.shop.source("other.s", ".globl other\nother: ret\n")
    bench.shop.native("as", "--32", source, "-o", "other.o")
    bench.shop.tool("ar", "rcsD", bench.lib / "libgreet.a", bench.shop.place / "other.o")
    (found,) = bench.only("foreign-object")
    assert "EM_386 of 32 bits" in found.detail


def test_program_linked_with_glibc(bench: Bench) -> None:
    source = bench.shop.source("static.c", "int main(void) { return 0; }\n")
    bench.shop.native("gcc", "-static-pie", source, "-o", bench.sysroot / "bin" / "static")
    (found,) = bench.only("foreign-object")
    assert "linked with glibc" in found.detail


@pytest.mark.parametrize("words", [["-shared", "-nostdlib"], ["-shared"]])
def test_shared_object(bench: Bench, words: list[str]) -> None:
    source = bench.shop.source("so.c", "int so(void) { return 0; }\n")
    bench.shop.native("gcc", *words, "-fPIC", source, "-o", bench.lib / "libso.so.1")
    bench.only("dynamic-object")


def test_shared_object_in_an_archive(bench: Bench) -> None:
    source = bench.shop.source("so.c", "int so(void) { return 0; }\n")
    bench.shop.native("gcc", "-shared", "-nostdlib", source, "-o", "so.so")
    bench.shop.tool("ar", "rcsD", bench.lib / "libgreet.a", bench.shop.place / "so.so")
    (found,) = bench.only("dynamic-object")
    assert found.detail == "member so.so is a shared object"


def test_dynamic_program(bench: Bench) -> None:
    source = bench.shop.source("dynamic.c", "int main(void) { return 0; }\n")
    bench.shop.native("gcc", source, "-o", bench.sysroot / "bin" / "dynamic")
    bench.only("dynamic-object")


def test_undefined_symbol_says_who_has_it(bench: Bench) -> None:
    text = "int qsort_s_or_so(void);\nint argp_usage(void*);\n"
    text += "int walk(void) { return qsort_s_or_so() + argp_usage(0); }\n"
    bench.shop.tool("ar", "rcsD", bench.lib / "libgreet.a", bench.shop.compile("walk", text))
    glibc, nobody = bench.only("undefined-symbol")
    assert "argp_usage, which walk.o needs; glibc's libc.so.6 has it" in glibc.detail
    assert nobody.detail == "nothing defines qsort_s_or_so, which walk.o needs"


def test_what_the_linker_and_the_compiler_define(bench: Bench) -> None:
    text = """
        extern char __start_marks[], __stop_marks[], _end[], __ehdr_start[];
        extern void *__dso_handle;
        static int mark __attribute__((section("marks"), used));
        _Thread_local int local;
        long f(__int128 a, __int128 b) {
            local++;
            return (long)(a / b) + (__stop_marks - __start_marks) + (_end - __ehdr_start)
                + (__dso_handle != 0);
        }
    """
    bench.shop.tool("ar", "rcsD", bench.lib / "libgreet.a", bench.shop.compile("ends", text))
    assert bench.audit() == ()


def test_empty_archive(bench: Bench) -> None:
    bench.shop.tool("ar", "rcsD", bench.lib / "libnone.a")
    bench.only("empty-archive")


def test_archive_without_symbols(bench: Bench) -> None:
    hollow = bench.shop.compile("hollow", "static int x __attribute__((used));\n")
    bench.shop.tool("ar", "rcsD", bench.lib / "libhollow.a", hollow)
    (found,) = bench.only("empty-archive")
    assert "defines no symbol" in found.detail


@pytest.mark.parametrize(("words", "rule"), [("-lbase", ""), ("-lgone", "libdep-library")])
def test_recorded_libraries(bench: Bench, words: str, rule: str) -> None:
    archive = bench.lib / "libgreet.a"
    archive.unlink()
    options = ["rcsD", f"--record-libdeps={words}"]
    bench.shop.tool("ar", *options, archive, bench.shop.compile("greet", GREET))
    if not rule:
        assert bench.audit() == ()
        return
    (found,) = [finding for finding in bench.audit() if finding.rule == rule]
    assert found.detail == "records -lgone, which is nowhere"


def test_build_path_in_debug_information(bench: Bench) -> None:
    bad = bench.shop.compile("where", "const char *where(void) { return __FILE__; }\n", "-g")
    bench.shop.tool("ar", "rcsD", bench.lib / "libgreet.a", bad)
    (found,) = bench.only("build-path", str(bench.shop.place))
    assert found.detail == f"member where.o contains {bench.shop.place}"


@pytest.mark.parametrize(
    ("before", "after", "detail"),
    [
        ("Name: greet\n", "", "does not declare a `Name' field"),
        ("prefix=/usr/", "prefix=/usr/not-", "says prefix=/usr/not-"),
        ("-lgreet", "-lgreet -lgone", "names -lgone, and the closure has no archive for it"),
        ("Requires.private: base\n", "", "does not link: undefined base_add (libbase.a has it)"),
        ("-I${includedir}", "-I/usr/include", "names /usr/include, which is the build host's"),
        ("private: base", "private: base >= 9", "base"),
        ("Libs: ", "Libs: -L/opt/lib ", "pkg-config prints -L/opt/lib"),
        ("-lgreet", "-lgreet 'x", "quotes that do not match"),
    ],
)
def test_broken_pc(bench: Bench, before: str, after: str, detail: str) -> None:
    pc = bench.lib / "pkgconfig" / "greet.pc"
    text = pc.read_text()
    assert before in text
    pc.write_text(text.replace(before, after))
    found = bench.only("pkgconfig-link")
    assert any(detail in finding.detail for finding in found), found


def test_pc_options_do_not_reach_the_compiler(bench: Bench, tmp_path: Path) -> None:
    pc = bench.lib / "pkgconfig" / "greet.pc"
    evil = f" -wrapper /usr/bin/touch,{tmp_path}/ran -o {tmp_path}/out"
    pc.write_text(pc.read_text().replace("-lgreet", f"-lgreet{evil}"))
    bench.audit()
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "out").exists()


def test_dangling_link(bench: Bench) -> None:
    (bench.lib / "libgone.a").symlink_to("/usr/lib/x86_64-linux-gnu/libc.a")
    bench.only("dangling-link")


def test_misplaced_file(bench: Bench) -> None:
    (bench.root / "etc").mkdir()
    (bench.root / "etc" / "greet.conf").write_text("x\n")
    assert [f.file for f in bench.only("misplaced-file")] == ["/etc", "/etc/greet.conf"]


def test_host_script(bench: Bench) -> None:
    (bench.sysroot / "bin" / "greet-config").write_text("#!/bin/sh\nprefix=/usr\n")
    bench.only("host-script")


def test_moved_cmake_file(bench: Bench) -> None:
    (bench.lib / "cmake" / "greet" / "greet-config.cmake").rename(bench.lib / "greet.cmake")
    bench.only("not-relocated-cmake")


@pytest.mark.parametrize(
    ("words", "detail"),
    [
        (["-Wl,-z,execstack"], "executable stack"),
        (["-no-pie", "-Wl,-N"], "writable and executable"),
    ],
)
def test_unsafe_program(bench: Bench, words: list[str], detail: str) -> None:
    tool = bench.shop.compile("plain", "int main(void) { return 0; }\n")
    bench.shop.tool("gcc", *words, tool, "-o", bench.sysroot / "bin" / "plain")
    found = bench.only("program")
    assert any(detail in finding.detail for finding in found), found


def test_text_relocations(bench: Bench) -> None:
    text = ".globl main\nmain: movabs $main, %rax\nret\n.section .note.GNU-stack\n"
    source = bench.shop.source("textrel.s", text)
    program = bench.sysroot / "bin" / "textrel"
    bench.shop.native("gcc", "-c", source, "-o", "textrel.o")
    bench.shop.native(
        "ld",
        "-pie",
        "--no-dynamic-linker",
        "-z",
        "notext",
        "-e",
        "main",
        "textrel.o",
        "-o",
        program,
    )
    (found,) = bench.only("program")
    assert found.detail == "has text relocations"


def test_damaged_archive_and_thin_archive(bench: Bench) -> None:
    archive = bench.lib / "libcut.a"
    archive.write_bytes((bench.lib / "libgreet.a").read_bytes()[:-7])
    bench.shop.tool("ar", "rcsDT", bench.lib / "libthin.a", bench.shop.compile("base", BASE))
    found = bench.only("unreadable-file")
    assert [Path(finding.file).name for finding in found] == ["libcut.a", "libthin.a"]


def test_mutated_archives_never_end_in_a_traceback(bench: Bench) -> None:
    generator = random.Random(1)  # noqa: S311 - the same bytes each time
    good = (bench.lib / "libgreet.a").read_bytes()
    for _ in range(40):
        content = bytearray(good)
        for _ in range(generator.randint(1, 12)):
            content[generator.randrange(8, len(content))] = generator.randrange(256)
        (bench.lib / "libgreet.a").write_bytes(content[: generator.choice([None, -1, -200])])
        bench.audit()


def test_mutated_programs_never_end_in_a_traceback(bench: Bench) -> None:
    generator = random.Random(2)  # noqa: S311 - the same bytes each time
    program = bench.sysroot / "bin" / "greet"
    good = program.read_bytes()
    for _ in range(100):
        content = bytearray(good)
        for _ in range(generator.randint(1, 20)):
            content[generator.randrange(4, 1000)] = generator.randrange(256)
        program.write_bytes(content)
        judge_file(program, target=bench.shop.target)


def test_many_symbols_take_seconds(bench: Bench) -> None:
    count = 100_000
    lines = [f".globl f{n}\nf{n}: ret\n" for n in range(count)]
    lines += [".section .text.calls\n", *(f"call f{n}\n" for n in range(count))]
    many = bench.shop.source("many.s", "".join(lines))
    bench.shop.tool("gcc", "-c", many, "-o", bench.shop.place / "many.o")
    bench.shop.tool("ar", "rcsD", bench.lib / "libmany.a", bench.shop.place / "many.o")
    started = time.monotonic()
    assert bench.audit() == ()
    assert time.monotonic() - started < _SECONDS_FOR_MANY


# The command


def audit(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.main(parser.parse_args([str(word) for word in words]))


def deb(root: Path, name: str, place: Path, fields: str = "") -> Path:
    """Pack a copy of the tree ``root``."""
    tree = place / f"{name}.tree"
    shutil.copytree(root, tree, symlinks=True)
    (tree / "DEBIAN").mkdir()
    control = CONTROL.replace("NAME", name).replace("FIELDS\n", fields)
    (tree / "DEBIAN" / "control").write_text(control)
    path = place / f"{name}.deb"
    run(["dpkg-deb", "--build", "--root-owner-group", tree, path], env=base_environment())
    return path


@pytest.fixture
def debs(base: Path, greet: Path, tmp_path: Path) -> list[Path]:
    linked = "Static-Built-Using: base (= 1.0)\n"
    return [
        deb(greet, "greet-rumprun-dev", tmp_path, linked),
        deb(base, "base-rumprun-dev", tmp_path),
    ]


def test_command_takes_packages_as_each_others_closure(
    debs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit(*debs) == 0
    assert capsys.readouterr().out == "clean; 9 files in 2 audited\n"
    assert audit(debs[0]) == 6
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("greet-rumprun-dev: /usr/x86_64-rumprun-linux-musl/lib/libgreet.a: ")
    assert lines[1].startswith("    add the variant")
    assert lines[-1] == "2 findings; 7 files in 1 audited"


def test_command_takes_trees_and_sysroots(shop: Workshop, base: Path, greet: Path) -> None:
    assert audit(greet, "--sysroot", base) == 0
    assert audit(greet, "--sysroot", shop.sysroot(base), "--forbid", shop.place) == 0


def test_command_prints_json(greet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit("--json", greet) == 6
    document = json.loads(capsys.readouterr().out)
    assert document["counts"] == {
        "audited": 1,
        "files": 7,
        "findings": 2,
        "rules": {"pkgconfig-link": 1, "undefined-symbol": 1},
    }
    assert {finding["rule"] for finding in document["findings"]} == set(document["counts"]["rules"])


def test_command_judges_single_files(shop: Workshop, greet: Path) -> None:
    assert audit(shop.sysroot(greet) / "bin" / "greet") == 0
    assert audit("/bin/true") == 6
    assert audit(shop.target.sysroot / "lib" / "libc.a") == 0
    assert audit(shop.sysroot(greet) / "lib" / "libgreet-1.a") == 6


def test_control_fields_of_a_package(
    greet: Path, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = deb(greet, "greet-rumprun", tmp_path)
    assert audit(path, "--sysroot", base) == 6
    assert "DEBIAN/control: control-field: no Static-Built-Using" in capsys.readouterr().out


def test_command_refuses_what_it_cannot_read(tmp_path: Path, debs: list[Path]) -> None:
    text = tmp_path / "text"
    text.write_text("neither")
    false = tmp_path / "false.deb"
    false.write_bytes(b"not a package")
    cut = tmp_path / "cut.deb"
    cut.write_bytes(debs[0].read_bytes()[:300])
    empty = tmp_path / "empty"
    empty.mkdir()
    for path in (text, false, cut, empty, tmp_path / "gone"):
        with pytest.raises(InputError, match=path.name) as caught:
            audit(path)
        assert "\n" not in str(caught.value)

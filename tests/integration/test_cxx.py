# SPDX-License-Identifier: BSD-2-Clause
"""C++ for the built-in target: its library works, and the usual build systems find it."""

from __future__ import annotations

import filecmp
import shutil
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from toolchain_shop import Shop, built_target, dynamic_traces

from rumprun import command
from rumprun.command import CommandFailed
from rumprun.target.descriptor import Target
from rumprun.variant.audit.symbols import read_symbols

pytestmark = pytest.mark.integration

FEATURES = Path(__file__).resolve().parents[1] / "boot" / "features.cc"
FEATURE_LINES = [
    *("exceptions", "run-time types", "threads", "many exceptions at once", "atomics"),
    *("streams and locale", "files", "clocks", "numbers", "patterns and chance", "goodbye"),
]

# A library with a C interface: who uses it need not know what it is written in.
LIBRARY = """#include <stdexcept>
#include <string>
void fail(const std::string &why) { throw std::runtime_error(why); }
extern "C" int length(const char *text) { return (int)std::string(text).append("!").size(); }
"""
C_PROGRAM = "int length(const char *); int main(void) { return length(__DATE__) != 12; }\n"
PROGRAM = """#include <iostream>
#include <stdexcept>
#include <string>
void fail(const std::string &why);
int main() {
    try { fail("as it should"); }
    catch (const std::exception &error) { std::cout << error.what() << std::endl; }
}
"""
SAID = "as it should\n"


@pytest.fixture(scope="session")
def target() -> Target:
    """With libstdc++, which takes minutes where it was not built before."""
    built_target("install")
    return built_target("install-c++")


@pytest.fixture
def shop(target: Target, tmp_path: Path) -> Shop:
    return Shop(target, tmp_path)


@pytest.fixture(scope="session")
def bare(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a toolchain without the package of libstdc++."""
    if target.root == Path("/"):
        pytest.skip("an installed toolchain is not copied")
    root = tmp_path_factory.mktemp("bare") / "root"
    shutil.copytree(target.root, root, symlinks=True)
    sysroot = root / "usr" / target.triple
    shutil.rmtree(sysroot / "include" / "c++")
    for library in sysroot.glob("lib/lib*c++*.a"):
        library.unlink()
    return root


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ((), "ET_DYN"),
        (("-O2", "-static", "-static-libstdc++", "-static-libgcc", "-pthread"), "ET_DYN"),
        (("-O1", "-flto"), "ET_DYN"),
        (("-O1", "-no-pie", "-fno-pie"), "ET_EXEC"),
    ],
)
def test_what_programs_expect_of_the_library(
    shop: Shop, options: tuple[str, ...], kind: str
) -> None:
    shop.tool("g++", "-std=c++17", "-Wall", *options, FEATURES, "-o", "features")
    program = shop.directory / "features"
    assert shop.run(program).splitlines() == FEATURE_LINES
    assert dynamic_traces(program) == []
    with program.open("rb") as file:
        assert ELFFile(file).header.e_type == kind


@pytest.mark.parametrize("standard", ["c++98", "gnu++11", "c++14", "gnu++20", "c++23"])
def test_each_standard(shop: Shop, standard: str) -> None:
    shop.write("program.cc", PROGRAM)
    shop.write("library.cc", LIBRARY)
    shop.tool("g++", f"-std={standard}", "-pedantic-errors", "program.cc", "library.cc", "-o", "p")
    assert shop.run("./p") == SAID


def test_every_header_compiles_alone_and_nothing_is_the_hosts(shop: Shop) -> None:
    place = shop.target.sysroot / "include/c++/12"
    names = sorted(path.name for path in place.iterdir() if path.is_file())
    assert {"vector", "cstdlib", "stdlib.h", "thread"} <= set(names)
    lines = [f"#include <{name}>\n" for name in names]
    shop.write("all.cc", "".join(lines))
    shop.write("reversed.cc", "".join(reversed(lines)))
    for name in ("all.cc", "reversed.cc"):
        used = shop.tool("g++", "-std=c++20", "-M", "-w", name).replace("\\\n", " ").split()[2:]
        allowed = (f"{place}/", "/usr/include/x86_64-linux-musl/", "/usr/lib/gcc/")
        assert [path for path in used if not path.startswith(allowed)] == []
        shop.tool("g++", "-std=c++20", "-fsyntax-only", "-w", name)


@pytest.mark.parametrize("option", ["-isystem", "-I", "-idirafter"])
def test_the_order_of_headers_stands_against_named_directories(shop: Shop, option: str) -> None:
    shop.write("order.cc", "#include <cstdlib>\n#include <cmath>\nint main() { return 0; }\n")
    prefix = f"/usr/{shop.target.triple}/include"
    for directory in (prefix, shop.target.sysroot / "include", "/usr/include"):
        shop.tool("g++", option, str(directory), "order.cc", "-o", "order")


def test_the_library_is_position_independent_and_threads_are_strong(shop: Shop) -> None:
    library = shop.target.sysroot / "lib/libstdc++.a"
    symbols = read_symbols([library], shop.target)[library]
    assert not symbols.damage
    undefined = {name for part in symbols.objects for name in part.undefined}
    assert {"pthread_mutex_lock", "pthread_create", "pthread_once"} <= undefined | symbols.defined()
    weak = {
        line.split()[-1]
        for line in shop.tool("nm", library).splitlines()
        if line.split()[:1] == ["w"]
    }
    assert not {name for name in weak if "pthread" in name}


def test_no_path_of_a_build_is_in_it(shop: Shop) -> None:
    place = str(shop.target.root).encode()
    for library in (shop.target.sysroot / "lib").glob("lib*c++*.a"):
        content = library.read_bytes()
        assert b"build/toolchain" not in content
        assert len(place) < 2 or place not in content
    # Assertions of the headers name their file: by the place where it will be installed.
    shop.write("checked.cc", "#include <vector>\nint f(std::vector<int> &v) { return v[9]; }\n")
    shop.tool("g++", "-D_GLIBCXX_ASSERTIONS", "-g", "-c", "checked.cc", "-o", "checked.o")
    content = (shop.directory / "checked.o").read_bytes()
    assert f"/usr/{shop.target.triple}/include/c++/12/bits/stl_vector.h".encode() in content
    assert len(place) < 2 or place not in content


class TestLinks:
    """What links with g++, gcc and -shared do about the library."""

    def test_an_exception_crosses_an_archive(self, shop: Shop) -> None:
        shop.write("library.cc", LIBRARY)
        shop.write("program.cc", PROGRAM)
        shop.tool("g++", "-c", "library.cc")
        shop.tool("ar", "rcs", "libfail.a", "library.o")
        shop.tool("c++", "program.cc", "-L.", "-lfail", "-o", "program")
        assert shop.run("./program") == SAID

    def test_a_shared_library_brings_the_library_to_a_c_program(self, shop: Shop) -> None:
        shop.write("library.cc", LIBRARY)
        shop.write("main.c", C_PROGRAM)
        shop.tool("g++", "-shared", "-fPIC", "-o", "libfail.so", "library.cc")
        assert shop.record("libfail.so") == ["-lstdc++"]
        shop.write("above.c", "int length(const char *); int above(void) { return length(0); }\n")
        shop.gcc("-shared", "-o", "libabove.so", "above.c", "-L.", "-lfail")
        for words in (("-lfail",), ("-labove",), ("./libfail.so",)):
            shop.gcc("main.c", "-L.", *words, "-o", "main")
            shop.run("./main")
        shop.write("program.cc", PROGRAM)
        shop.tool("g++", "program.cc", "-L.", "-lfail", "-o", "program")
        assert shop.run("./program") == SAID

    def test_gcc_links_cplusplus_with_the_library_named(self, shop: Shop) -> None:
        shop.write("library.cc", LIBRARY)
        shop.write("main.c", C_PROGRAM)
        shop.gcc("library.cc", "main.c", "-lstdc++", "-o", "main")
        shop.run("./main")

    def test_it_can_be_left_out(self, shop: Shop) -> None:
        shop.write("library.cc", LIBRARY)
        shop.write("main.c", C_PROGRAM)
        for option in ("-nostdlib++", "-nodefaultlibs"):
            with pytest.raises(CommandFailed, match="undefined reference"):
                shop.tool("g++", option, "library.cc", "-xc", "main.c", "-o", "main")
            shop.tool("g++", option, "-shared", "library.cc", "-o", "libplain.so")
            assert "__.LIBDEP" not in shop.tool("ar", "t", "libplain.so").split()
        shop.tool("g++", "-nostdlib++", "library.cc", "-xc", "main.c", "-lstdc++", "-o", "main")
        shop.run("./main")

    def test_cplusplus_in_files_called_c(self, shop: Shop) -> None:
        shop.write("program.c", "template <class T> T f(T t) { return t; }\nint main() { f(0); }\n")
        shop.tool("g++", "program.c", "-o", "program")
        with pytest.raises(CommandFailed, match="template"):
            shop.tool("g++", "-x", "c", "program.c", "-o", "program")

    def test_the_headers_can_be_left_out(self, shop: Shop) -> None:
        shop.write("v.cc", "#include <vector>\n")
        with pytest.raises(CommandFailed, match="vector: No such file"):
            shop.tool("g++", "-nostdinc++", "-c", "v.cc")

    def test_openmp_is_refused_clearly(self, shop: Shop) -> None:
        shop.write("program.cc", PROGRAM)
        with pytest.raises(CommandFailed, match="-fopenmp needs the library libgomp"):
            shop.tool("g++", "-fopenmp", "-c", "program.cc")


class TestWithoutTheLibrary:
    """Build systems try for a C++ compiler also where nothing needs its library."""

    @pytest.fixture
    def cxx(self, shop: Shop, bare: Path) -> Path:
        return bare / "usr/bin" / shop.target.tool("g++").name

    def test_what_needs_none_builds(self, shop: Shop, cxx: Path) -> None:
        shop.write("empty.cc", "#include <stdlib.h>\nint main() { return EXIT_SUCCESS; }\n")
        shop.run(cxx, "empty.cc", "-o", "empty")
        shop.run("./empty")
        shop.run(cxx, "-shared", "empty.cc", "-o", "libempty.so")

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("#include <vector>\nint main() {}\n", ()),
            ("#include <vector>\nint main() {}\n", ("-shared",)),
            ("int main() { throw 1; }\n", ()),
            ("int main() {}\n", ("-lstdc++",)),
            ("int main() {}\n", ("-shared", "-lsupc++")),
        ],
    )
    def test_what_needs_it_says_where_to_get_it(
        self, shop: Shop, cxx: Path, text: str, words: tuple[str, ...]
    ) -> None:
        shop.write("program.cc", text)
        with pytest.raises(CommandFailed, match=r"install rumprun-toolchain-c\+\+"):
            shop.run(cxx, "program.cc", *words, "-o", "program")

    def test_the_hosts_library_is_not_offered(self, shop: Shop, cxx: Path) -> None:
        assert shop.run(cxx, "-print-file-name=libstdc++.a").strip() == "libstdc++.a"


FILES = {"library.cc": LIBRARY, "program.cc": PROGRAM, "main.c": C_PROGRAM}

CMAKE = """cmake_minimum_required(VERSION 3.13)
project(demo C CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(Threads REQUIRED)
include(CheckIncludeFileCXX)
check_include_file_cxx(filesystem HAS_FILESYSTEM)
include(CheckCXXSourceRuns)
check_cxx_source_runs("#include <thread>
int main() { std::thread([] {}).join(); }" THREADS_RUN)
if(NOT HAS_FILESYSTEM OR NOT THREADS_RUN)
  message(FATAL_ERROR "${HAS_FILESYSTEM} ${THREADS_RUN}")
endif()
add_library(fail SHARED library.cc)
add_executable(prog program.cc)
target_link_libraries(prog fail Threads::Threads)
add_executable(from_c main.c)
target_link_libraries(from_c fail)
enable_testing()
add_test(NAME from_c COMMAND from_c)
install(TARGETS fail prog from_c)
"""

MESON = """project('demo', 'c', 'cpp', default_options: ['cpp_std=c++17'])
cxx = meson.get_compiler('cpp')
assert(cxx.has_header('filesystem'))
assert(cxx.run('#include <vector>\\nint main() { return (int)std::vector<int>().size(); }')
       .returncode() == 0)
fail = shared_library('fail', 'library.cc', install: true)
executable('prog', 'program.cc', link_with: fail, dependencies: dependency('threads'),
           install: true)
test('from_c', executable('from_c', 'main.c', link_with: fail, install: true))
"""

AUTOCONF = {
    "configure.ac": "AC_INIT([demo], [1])\nAM_INIT_AUTOMAKE([foreign])\nLT_INIT\nAC_PROG_CC\n"
    "AC_PROG_CXX\nAC_LANG([C++])\nAC_CHECK_HEADERS([thread], [], [AC_MSG_ERROR([thread])])\n"
    "AC_OPENMP\nAC_CONFIG_FILES([Makefile])\nAC_OUTPUT\n",
    "Makefile.am": "lib_LTLIBRARIES = libfail.la\nlibfail_la_SOURCES = library.cc\n"
    "bin_PROGRAMS = prog from_c\nprog_SOURCES = program.cc\nprog_LDADD = libfail.la\n"
    "from_c_SOURCES = main.c\nfrom_c_LDADD = libfail.la\nfrom_c_LINK = $(CXXLINK)\n",
}


def installed_programs_work(shop: Shop) -> None:
    (program,) = shop.directory.glob("stage/**/bin/prog")
    assert shop.run(program) == SAID
    assert dynamic_traces(program) == []
    shop.run(program.with_name("from_c"))


def test_cmake(shop: Shop) -> None:
    for name, text in {**FILES, "CMakeLists.txt": CMAKE}.items():
        shop.write(name, text)
    file = shop.target.data / "toolchain.cmake"
    shop.run("cmake", "-B", "b", f"-DCMAKE_TOOLCHAIN_FILE={file}", "-DCMAKE_BUILD_TYPE=Release")
    shop.run("cmake", "--build", "b")
    shop.run("ctest", "--test-dir", "b", "--output-on-failure")
    shop.run("cmake", "--install", "b", env={"DESTDIR": str(shop.directory / "stage")})
    installed_programs_work(shop)


def test_meson(shop: Shop) -> None:
    for name, text in {**FILES, "meson.build": MESON}.items():
        shop.write(name, text)
    shop.run("meson", "setup", "b", "--cross-file", shop.target.data / "cross.meson")
    shop.run("ninja", "-C", "b")
    shop.run("meson", "test", "-C", "b")
    shop.run("meson", "install", "-C", "b", env={"DESTDIR": str(shop.directory / "stage")})
    installed_programs_work(shop)


def test_autoconf_with_libtool(shop: Shop) -> None:
    for name, text in {**FILES, **AUTOCONF}.items():
        shop.write(name, text)
    shop.run("autoreconf", "--install")
    env = {"CONFIG_SITE": str(shop.target.data / "config.site")}
    shop.run("./configure", f"--host={shop.target.triple}", "--enable-shared", env=env)
    assert "OPENMP_CXXFLAGS = \n" in (shop.directory / "Makefile").read_text(encoding="utf-8")
    shop.run("make")
    shop.run("make", "install", f"DESTDIR={shop.directory}/stage")
    assert not list(shop.directory.glob("stage/**/*.so*"))
    installed_programs_work(shop)


def test_two_builds_of_the_library_are_identical(target: Target, tmp_path: Path) -> None:
    """Also in another directory, in another language, and with other flags in the environment."""
    script = Path(__file__).resolve().parents[2] / "toolchain" / "build-libstdcxx"
    if target.root == Path("/"):
        pytest.skip("an installed toolchain is not built again")
    work = tmp_path / "a-rather-longer-name" / "work"
    shutil.copytree(target.root / "usr/bin", work / "tools/usr/bin", symlinks=True)
    for name in ("lib", "share", target.triple):
        shutil.copytree(target.root / "usr" / name, work / "tools/usr" / name, symlinks=True)
    env = command.base_environment() | {"LANG": "C.UTF-8", "CXXFLAGS": "-O3", "MAKEFLAGS": "-j3"}
    command.run([script, work], env=env, timeout=3600)
    for library in sorted((work / "stage/lib").iterdir()):
        assert filecmp.cmp(library, target.sysroot / "lib" / library.name, shallow=False)
    command.run(["diff", "-r", work / "stage/include/c++", target.sysroot / "include/c++"])

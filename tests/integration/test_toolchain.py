# SPDX-License-Identifier: BSD-2-Clause
"""The built-in target: its tools compile, link and translate for real, and what they make runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from toolchain_shop import Shop, built_target, dynamic_traces

from rumprun.command import CommandFailed
from rumprun.target.descriptor import Target

pytestmark = pytest.mark.integration

HELLO = '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n'
TOOLS = (
    *("gcc", "cc", "c99", "cpp", "ar", "as", "ld", "nm", "ranlib", "strip", "objcopy", "objdump"),
    *("readelf", "size", "strings", "pkg-config", "gcc-ar", "gcc-nm", "gcc-ranlib", "addr2line"),
)


@pytest.fixture(scope="session")
def target() -> Target:
    return built_target("install")


@pytest.fixture
def shop(target: Target, tmp_path: Path) -> Shop:
    return Shop(target, tmp_path)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ((), "ET_DYN"),
        (("-static",), "ET_DYN"),
        (("-static-pie",), "ET_DYN"),
        (("-O2", "-flto"), "ET_DYN"),
        (("-pthread", "-rdynamic"), "ET_DYN"),
        (("-no-pie",), "ET_EXEC"),
        (("-static", "-no-pie", "-fno-pie"), "ET_EXEC"),
        (("-Wl,-rpath,/opt/lib", "-Wl,-Bdynamic"), "ET_DYN"),
    ],
)
def test_a_program_is_static_and_runs(shop: Shop, options: tuple[str, ...], kind: str) -> None:
    shop.write("hello.c", HELLO)
    shop.gcc("hello.c", "-o", "hello", *options)
    program = shop.directory / "hello"
    assert shop.run(program) == "hello\n"
    assert dynamic_traces(program) == []
    with program.open("rb") as file:
        assert ELFFile(file).header.e_type == kind


@pytest.mark.parametrize("name", TOOLS)
def test_each_tool_answers(shop: Shop, name: str) -> None:
    assert shop.tool(name, "--version")


def test_what_the_compiler_says_of_itself(shop: Shop) -> None:
    target = shop.target
    assert shop.gcc("-dumpmachine").strip() == target.triple
    assert shop.gcc("-print-multiarch").strip() == target.triple
    assert shop.gcc("-print-file-name=libc.a").strip() == f"{target.sysroot}/lib/libc.a"
    assert shop.gcc("-print-prog-name=ld").strip() == str(target.tool("ld"))
    # Libraries that only the build host has, also beside libgcc.
    for name in ("libresolv.so", "libgomp.a"):
        assert shop.gcc(f"-print-file-name={name}").strip() == name
    libraries = shop.gcc("-print-search-dirs").partition("libraries: ")[2]
    assert libraries.strip() == f"={target.sysroot}/lib/"


def test_the_preprocessor_sees_musl_only(shop: Shop) -> None:
    macros = shop.gcc("-dM", "-E", "-include", "features.h", "-x", "c", "/dev/null")
    assert "__linux__" in macros
    assert "__GLIBC__" not in macros
    assert "__gnu_linux__" not in macros


def test_assembler_with_preprocessor_and_relocatable_link(shop: Shop) -> None:
    shop.write("one.S", "#ifdef __linux__\n.globl one\none: mov $1, %eax\nret\n#endif\n")
    shop.write("two.c", "int one(void); int two(void) { return one() + 1; }\n")
    shop.gcc("-r", "-nostdlib", "one.S", "two.c", "-o", "both.o")
    shop.write("main.c", "int two(void); int main(void) { return two() != 2; }\n")
    shop.gcc("main.c", "both.o", "-o", "main")
    shop.run("./main")


def test_freestanding_link_with_libgcc(shop: Shop) -> None:
    shop.write(
        "bare.c",
        "typedef unsigned __int128 u; volatile u a = 9, b = 2;\n"
        'void _start(void) { __asm__ volatile("syscall" :: "a"(60), "D"((int)(a / b) - 4)); }\n',
    )
    shop.gcc("-nostdlib", "-nostartfiles", "-ffreestanding", "bare.c", "-lgcc", "-o", "bare")
    shop.run("./bare")


def test_unwinding_works(shop: Shop) -> None:
    shop.write(
        "unwind.c",
        "#include <unwind.h>\nstatic int depth;\n"
        "static _Unwind_Reason_Code count(struct _Unwind_Context *c, void *a)\n"
        "{ (void)c; (void)a; depth++; return _URC_NO_REASON; }\n"
        "__attribute__((noinline)) int down(int n)\n"
        "{ if (n) return down(n - 1) + 1; _Unwind_Backtrace(count, 0); return 0; }\n"
        "int main(void) { down(5); return depth < 7; }\n",
    )
    for option in ("-pie", "-no-pie"):
        shop.gcc("-fexceptions", "-O0", option, "unwind.c", "-o", "unwind")
        shop.run("./unwind")


def test_sanitizers_are_refused_clearly(shop: Shop) -> None:
    shop.write("hello.c", HELLO)
    with pytest.raises(CommandFailed, match="-fsanitize needs a runtime"):
        shop.gcc("-fsanitize=address", "hello.c", "-o", "hello")


def test_openmp_is_refused_clearly(shop: Shop) -> None:
    shop.write("hello.c", HELLO)
    with pytest.raises(CommandFailed, match="-fopenmp needs the library libgomp"):
        shop.gcc("-fopenmp", "-c", "hello.c")


def test_headers_of_the_host_do_not_leak(shop: Shop) -> None:
    # glibc has it, musl does not; both spellings of each option, and the environment, ask for it.
    shop.write("leak.c", "#include <gnu/libc-version.h>\n")
    include = "/usr/include"
    multiarch = f"{include}/x86_64-linux-gnu"
    assert (
        Path(multiarch, "gnu/libc-version.h").exists()
        or Path(include, "gnu/libc-version.h").exists()
    )
    words = [f"-I{include}", "-I", f"{multiarch}/", "-isystem", include, f"-idirafter{multiarch}//"]
    with pytest.raises(CommandFailed, match="libc-version"):
        shop.gcc("-c", "leak.c", *words, env={"CPATH": multiarch, "C_INCLUDE_PATH": include})


def test_libraries_of_the_host_do_not_leak(shop: Shop) -> None:
    shop.write("main.c", "int main(void) { return 0; }\n")
    host = Path("/usr/lib/x86_64-linux-gnu")
    assert (host / "libanl.a").exists()
    words = [f"-L{host}", "-L", f"{host}/", f"-Wl,-L,{host}", "-Wl,-rpath,/x", "-lanl"]
    with pytest.raises(CommandFailed, match="cannot find -lanl"):
        shop.gcc("main.c", "-o", "main", *words, env={"LIBRARY_PATH": str(host)})


def test_a_dynamic_library_is_refused(shop: Shop) -> None:
    shop.write("main.c", "int main(void) { return 0; }\n")
    with pytest.raises(CommandFailed, match="dynamic object"):
        shop.gcc("main.c", "/usr/lib/x86_64-linux-musl/libc.so", "-o", "main")


def test_the_tree_can_be_moved(shop: Shop) -> None:
    moved = shop.directory / "moved"
    if shop.target.root == Path("/"):
        pytest.skip("an installed toolchain is not copied")
    shutil.copytree(shop.target.root, moved, symlinks=True)
    shop.write("hello.c", HELLO)
    gcc = moved / "usr/bin" / f"{shop.target.triple}-gcc"
    shop.run(gcc, "hello.c", "-o", "hello")
    assert shop.run("./hello") == "hello\n"
    found = shop.run(gcc, "-print-file-name=crt1.o").strip()
    assert found == f"{moved}/usr/{shop.target.triple}/lib/crt1.o"


def test_link_maps_name_the_archives(shop: Shop) -> None:
    shop.write("f.c", "int f(void) { return 0; }\n")
    shop.write("main.c", "int f(void); int main(void) { return f(); }\n")
    shop.gcc("-c", "f.c")
    shop.tool("ar", "rcs", "libf.a", "f.o")
    log = shop.directory / "log"
    log.mkdir()
    env = {"RUMPRUN_LINK_LOG": str(log)}
    shop.gcc("-c", "f.c", env=env)
    shop.gcc("main.c", "-L.", "-lf", "-o", "conftest", env=env)
    shop.gcc("-r", "-nostdlib", "f.o", "-o", "r.o", env=env)
    assert list(log.iterdir()) == []
    shop.gcc("main.c", "-L.", "-lf", "-o", "prog", env=env)
    (map_file,) = log.iterdir()
    text = map_file.read_text(encoding="utf-8")
    assert "libf.a(f.o)" in text
    assert "OUTPUT(prog " in text


def test_warnings_stop_checks_but_not_builds(shop: Shop) -> None:
    text = "int f(void) { int unused; return 0; }\n"
    env = {"RUMPRUN_NO_WERROR": "1"}
    for words in (("-Wall", "-Werror"), ("-Werror=unused-variable",)):
        for name in ("conftest.c", "build/meson-private/tmp/testfile.c"):
            shop.write(name, text)
            with pytest.raises(CommandFailed, match="unused"):
                shop.gcc(*words, "-c", name, "-o", "x.o", env=env)
        shop.write("greet.c", text)
        shop.gcc(*words, "-c", "greet.c", "-o", "x.o", env=env)
        with pytest.raises(CommandFailed, match="unused"):
            shop.gcc(*words, "-c", "greet.c", "-o", "x.o")


class TestSharedLink:
    """Links with -shared give archives, and programs link against them."""

    def test_makefile_style_with_a_dependent_library(self, shop: Shop) -> None:
        shop.write("low/low.c", "int low(void) { return 1; }\n")
        shop.write("top.c", "int low(void); int top(void) { return low() + 1; }\n")
        shop.write("main.c", "int top(void); int main(void) { return top() != 2; }\n")
        soname = "-Wl,-soname,liblow.so.1"
        shop.gcc("-shared", "-fPIC", soname, "-o", "low/liblow.so.1.0", "low/low.c")
        (shop.directory / "low/liblow.so").symlink_to("liblow.so.1.0")
        shop.gcc("-c", "-fPIC", "top.c")
        defs = "-Wl,-z,defs"
        shop.gcc("-shared", defs, "-o", "libtop.so", "top.o", "-Llow", "-llow", "-lm", "-lc")
        assert shop.members("libtop.so") == ["top.o"]
        assert shop.record("libtop.so") == [f"-L{shop.directory}/low", "-llow"]
        shop.gcc("main.c", "-L.", "-ltop", "-o", "main")
        shop.run("./main")
        assert dynamic_traces(shop.directory / "main") == []

    def test_equal_names_and_needed_members_only(self, shop: Shop) -> None:
        for name, body in (("x/f", "fx"), ("y/f", "fy"), ("used", "used"), ("spare", "spare")):
            shop.write(f"{name}.c", f"int {body}(void) {{ return 1; }}\n")
            shop.gcc("-c", f"{name}.c", "-o", f"{name}.o")
        shop.tool("ar", "rcs", "libhelp.a", "used.o", "spare.o")
        shop.write("top.c", "int fx(void), fy(void), used(void);\n")
        shop.write(
            "top.c",
            "int fx(void), fy(void), used(void);\nint top(void) { return fx() + fy() + used(); }\n",
        )
        shop.gcc("-shared", "-o", "libtop.so", "x/f.o", "y/f.o", "top.c", "libhelp.a")
        assert sorted(shop.members("libtop.so")) == ["f.2.o", "f.o", "top.o", "used.o"]
        shop.write("main.c", "int top(void); int main(void) { return top() != 3; }\n")
        shop.gcc("main.c", "./libtop.so", "-o", "main")
        shop.run("./main")

    def test_a_program_may_override_what_a_shared_library_has(self, shop: Shop) -> None:
        shop.write("lib.c", "int own(void) { return 1; }\nint other(void) { return own(); }\n")
        shop.write(
            "main.c",
            "int other(void);\nint own(void) { return 5; }\n"
            "int main(void) { return other() != 5; }\n",
        )
        shop.gcc("-c", "-fPIC", "lib.c")
        shop.gcc("-shared", "-o", "libx.some.so", "lib.o")
        for words in (("./libx.some.so",), ("-L.", "-lx.some")):
            shop.gcc("main.c", *words, "-o", "main")
            shop.run("./main")
        shop.tool("ar", "rcs", "libx.a", "lib.o")
        with pytest.raises(CommandFailed, match="multiple definition"):
            shop.gcc("main.c", "./libx.a", "-o", "main")

    def test_whole_archive_by_gcc_and_by_ld(self, shop: Shop) -> None:
        for name in ("a", "b"):
            shop.write(f"{name}.c", f"int {name}(void) {{ return 1; }}\n")
            shop.gcc("-c", f"{name}.c")
        shop.tool("ar", "rcs", "liball.a", "a.o", "b.o")
        whole = ("-Wl,--whole-archive", "liball.a", "-Wl,--no-whole-archive")
        shop.gcc("-shared", "-Wl,-soname", "-Wl,lib1.so.1", *whole, "-o", "lib1.so")
        words = ("--whole-archive", "liball.a", "--no-whole-archive", "-soname", "lib2.so.1")
        shop.tool("ld", "-shared", *words, "-o", "lib2.so")
        assert shop.members("lib1.so") == shop.members("lib2.so") == ["a.o", "b.o"]

    def test_words_from_a_response_file(self, shop: Shop) -> None:
        shop.write("a.c", "int a(void) { return 1; }\n")
        shop.gcc("-c", "a.c")
        shop.write("words.rsp", '-shared -o "lib a.so"\n a.o')
        shop.gcc("@words.rsp")
        assert shop.members("lib a.so") == ["a.o"]

    def test_a_link_of_libraries_alone_passes_them_on(self, shop: Shop) -> None:
        shop.write("a.c", "int a(void) { return 0; }\n")
        shop.gcc("-shared", "a.c", "-o", "liba.so")
        shop.gcc("-shared", "-L.", "-la", "-o", "libonly.so")
        shop.write("main.c", "int a(void); int main(void) { return a(); }\n")
        shop.gcc("main.c", "-L.", "-lonly", "-o", "main")
        shop.run("./main")

    def test_the_same_link_twice_gives_the_same_bytes(self, shop: Shop) -> None:
        shop.write("a.c", "int a(void) { return 0; }\n")
        shop.gcc("-c", "a.c")
        for name in ("lib1.so", "lib2.so"):
            shop.gcc("-shared", "a.o", "-o", name)
        one, two = ((shop.directory / name).read_bytes() for name in ("lib1.so", "lib2.so"))
        assert one == two

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (("a.o", "-labsent"), "cannot find -labsent"),
            (("absent.o",), "absent.o: No such file"),
            (("absent.c",), "see its message above"),
            (("/usr/lib/x86_64-linux-musl/libc.so",), "dynamic library"),
        ],
    )
    def test_a_failure_says_why_and_leaves_nothing(
        self, shop: Shop, words: tuple[str, ...], message: str
    ) -> None:
        shop.write("a.c", "int a(void) { return 0; }\n")
        shop.gcc("-c", "a.c")
        before = sorted(shop.directory.iterdir())
        with pytest.raises(CommandFailed, match=message) as caught:
            shop.gcc("-shared", *words, "-o", "libx.so")
        assert caught.value.completed.returncode == 1
        assert sorted(shop.directory.iterdir()) == before

    def test_a_device_is_not_replaced(self, shop: Shop) -> None:
        shop.write("a.c", "int a(void) { return 0; }\n")
        shop.gcc("-shared", "a.c", "-o", "/dev/null")
        assert Path("/dev/null").is_char_device()

    def test_settling_takes_the_build_directories_out(self, shop: Shop) -> None:
        for name in ("low", "top"):
            shop.write(f"{name}.c", f"int {name}(void) {{ return 0; }}\n")
        shop.gcc("-shared", "low.c", "-o", "liblow.so.1")
        shop.gcc("-shared", "top.c", "liblow.so.1", "-o", "libtop.so")
        assert shop.record("libtop.so") == [f"-L{shop.directory}", "-l:liblow.so.1"]
        script = shop.target.root / "usr/lib/rumprun-toolchain/shared_link.py"
        shop.run(script, "--settle", "libtop.so")
        assert shop.record("libtop.so") == ["-llow"]
        assert shop.members("libtop.so") == ["top.o"]


class TestOverlay:
    """Variants of dependencies, unpacked into a directory that RUMPRUN_SYSROOT names."""

    @pytest.fixture
    def overlay(self, shop: Shop) -> Path:
        prefix = f"/usr/{shop.target.triple}"
        root = shop.directory / "overlay" / prefix.lstrip("/")
        (root / "lib/pkgconfig").mkdir(parents=True)
        (root / "include/foo").mkdir(parents=True)
        (root / "include/foo/foo.h").write_text("int foo(void);\n", encoding="utf-8")
        (root / "lib/pkgconfig/foo.pc").write_text(
            f"prefix={prefix}\nlibdir={prefix}/lib\nincludedir=${{prefix}}/include\n"
            "Name: foo\nDescription: foo\nVersion: 1\nLibs: -L${libdir} -lfoo\n"
            "Libs.private: -lm\nCflags: -I${includedir}/foo\n",
            encoding="utf-8",
        )
        shop.write("foo.c", "int foo(void) { return 0; }\n")
        shop.gcc("-c", "foo.c")
        shop.tool("ar", "rcs", root / "lib/libfoo.a", "foo.o")
        shop.write("main.c", "#include <foo.h>\nint main(void) { return foo(); }\n")
        return root

    def test_pkg_config_points_into_it(self, shop: Shop, overlay: Path) -> None:
        env = {"RUMPRUN_SYSROOT": str(overlay), "PKG_CONFIG_PATH": "/usr/lib/pkgconfig"}
        flags = shop.tool("pkg-config", "--cflags", "--libs", "foo", env=env).split()
        assert flags == [f"-I{overlay}/include/foo", "-lfoo", "-lm"]
        shop.gcc("main.c", *flags, "-o", "main", env=env)
        shop.run("./main")
        with pytest.raises(CommandFailed):
            shop.tool("pkg-config", "--exists", "foo")

    def test_names_of_the_installed_place_lead_there(self, shop: Shop, overlay: Path) -> None:
        prefix = f"/usr/{shop.target.triple}"
        env = {"RUMPRUN_SYSROOT": str(overlay)}
        words = (f"-I{prefix}/include/foo", f"-L{prefix}/lib", "-lfoo")
        shop.gcc("main.c", *words, "-o", "main", env=env)
        shop.run("./main")

    def test_pkg_config_does_not_see_the_host(self, shop: Shop) -> None:
        host = Path("/usr/lib/x86_64-linux-gnu/pkgconfig")
        names = {path.stem for path in host.glob("*.pc")} if host.is_dir() else set()
        listed = {line.split()[0] for line in shop.tool("pkg-config", "--list-all").splitlines()}
        assert not names & listed


LIBRARIES = {
    "deep.c": "int deep(void) { return 1; }\n",
    "plain.c": "int plain(void) { return 2; }\n",
    "foo.c": "int deep(void), plain(void); int foo(void) { return deep() + plain(); }\n",
    "main.c": "int foo(void); int main(void) { return foo() != 3; }\n",
}

CMAKE = """cmake_minimum_required(VERSION 3.13)
project(demo C)
include(CheckCSourceRuns)
check_c_source_runs("int main(void) { return 0; }" PROGRAMS_RUN)
if(NOT PROGRAMS_RUN OR BUILD_SHARED_LIBS)
  message(FATAL_ERROR "runs: ${PROGRAMS_RUN}, shared: ${BUILD_SHARED_LIBS}")
endif()
add_library(deep SHARED deep.c)
set_target_properties(deep PROPERTIES VERSION 1.2.3 SOVERSION 1)
add_library(plain plain.c)
add_library(foo SHARED foo.c)
target_link_libraries(foo PRIVATE deep plain m)
add_executable(prog main.c)
target_link_libraries(prog foo)
install(TARGETS foo deep prog)
enable_testing()
add_test(NAME by_path COMMAND prog)
add_test(NAME by_name COMMAND ${CMAKE_CROSSCOMPILING_EMULATOR} prog)
"""

MESON = """project('demo', 'c')
cc = meson.get_compiler('c')
assert(cc.run('int main(void) { return 0; }').returncode() == 0)
deep = shared_library('deep', 'deep.c', version: '1.2.3', install: true)
plain = library('plain', 'plain.c')
foo = shared_library('foo', 'foo.c', link_with: [deep, plain], install: true)
test('prog', executable('prog', 'main.c', link_with: foo, install: true))
"""


def test_cmake_with_an_explicit_shared_library(shop: Shop) -> None:
    for name, text in {**LIBRARIES, "CMakeLists.txt": CMAKE}.items():
        shop.write(name, text)
    file = shop.target.data / "toolchain.cmake"
    shop.run("cmake", "-B", "b", f"-DCMAKE_TOOLCHAIN_FILE={file}", "-DBUILD_SHARED_LIBS=ON")
    shop.run("cmake", "--build", "b")
    # libjpeg-turbo names its programs alone behind the emulator.
    shop.run("ctest", "--test-dir", "b", "--output-on-failure")
    shop.run("cmake", "--install", "b", env={"DESTDIR": str(shop.directory / "stage")})
    program = next(shop.directory.glob("stage/**/bin/prog"))
    shop.run(program)
    assert dynamic_traces(program) == []
    assert shop.members("b/libdeep.so.1.2.3")


def test_meson_with_an_explicit_shared_library(shop: Shop) -> None:
    for name, text in {**LIBRARIES, "meson.build": MESON}.items():
        shop.write(name, text)
    shop.run("meson", "setup", "b", "--cross-file", shop.target.data / "cross.meson")
    shop.run("ninja", "-C", "b")
    shop.run("meson", "test", "-C", "b")
    shop.run("meson", "install", "-C", "b", env={"DESTDIR": str(shop.directory / "stage")})
    program = next(shop.directory.glob("stage/**/bin/prog"))
    shop.run(program)
    assert dynamic_traces(program) == []


def test_config_site_beats_the_package(shop: Shop) -> None:
    # What an autoconf script does with it: options first, then the site file.
    shop.write(
        "configure",
        "#!/bin/sh\nset -eu\nenable_shared=yes cross_compiling=yes\n"
        'host_alias=${1#--host=}\n. "$CONFIG_SITE"\n'
        'echo "$enable_shared $enable_static $cross_compiling '
        '${ac_cv_sizeof_long-} ${ac_cv_header_stdio_h-} ${ac_cv_func_qsort_r-unknown}"\n',
    )
    env = {"CONFIG_SITE": str(shop.target.data / "config.site")}
    said = shop.run("sh", "configure", f"--host={shop.target.triple}", env=env)
    assert said.split()[:5] == ["no", "yes", "maybe", "8", "yes"]
    # A configure script for the build host's own tools is left alone.
    with_other = shop.run("sh", "-c", '. "$CONFIG_SITE"; echo "${enable_shared-unset}"', env=env)
    assert with_other == "unset\n"


def test_cached_answers_are_what_a_probe_finds(shop: Shop) -> None:
    text = (shop.target.data / "cache.site").read_text(encoding="utf-8")
    for name in ("getrandom", "strlcpy", "posix_spawn", "epoll_create1"):
        assert f"ac_cv_func_{name}=yes" in text
        shop.write("probe.c", f"char {name}(void); int main(void) {{ return {name}(); }}\n")
        shop.gcc("-w", "probe.c", "-o", "probe")
    # glibc has them, musl does not.
    for name in ("func_error", "func_gnu_get_libc_version", "header_error_h"):
        assert f"ac_cv_{name}=" not in text

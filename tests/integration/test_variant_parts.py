# SPDX-License-Identifier: BSD-2-Clause
"""Parts of the variant pass against the tools whose forms and rules they follow."""

from __future__ import annotations

import dataclasses
import os
import shutil
import stat
from pathlib import Path, PurePosixPath

import pytest
from debian.debfile import DebFile

from rumprun.command import base_environment, run
from rumprun.errors import InputError
from rumprun.source.naming import DEFAULT_DPKG_ARCHITECTURE, PASS_PROFILES
from rumprun.source.relations import alternatives
from rumprun.target.dpkg_tables import write_dpkg_tables
from rumprun.variant.depends import variant_depends
from rumprun.variant.environment import pass_environment, prepare_directories
from rumprun.variant.linked import read_link_log
from rumprun.variant.pack import pack
from rumprun.variant.relations import VariantRelations
from rumprun.variant.relocate import relocate_text
from rumprun.variant.sysroot import Sysroot, assemble, read_pool
from unit.variant_samples import PREFIX, TARGET, TREE, T, harvested, source

pytestmark = pytest.mark.integration

RELATIONS = """a1, a2 [linux-any], a3 [any-amd64 any-i386], a4 [!linux-any], a5 [amd64],
 a6 [!amd64 !i386], a7 [hurd-any kfreebsd-any], a8 [gnu-any-any], a9 [musl-any-any],
 b1 <!nocheck>, b2 <cross>, b3 <!cross !nodoc>, b4 <!cross> <!stage1>, b5 [linux-any] <nodoc>,
 b6 <pkg.foo.x>, b7 [any] <!nopython>, c1 | c2 [!linux-any] | c3 <!cross>, d1 (>= 1:2~) <stage1>"""

REDUCE = """
use Dpkg::Deps;
my ($field, $architecture, @profiles) = @ARGV;
my $deps = deps_parse($field, build_dep => 1, reduce_arch => 1, reduce_profiles => 1,
    host_arch => $architecture, build_profiles => \\@profiles) // die;
print join "\\n", map { s/[ :].*//r } split / *[,|] */, $deps->output();
"""


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("dpkg") / "tables"
    write_dpkg_tables(TARGET, directory)
    return directory


@pytest.mark.parametrize("profiles", [frozenset[str](), PASS_PROFILES, frozenset({"stage1"})])
def test_relations_apply_as_dpkg_says(tables: Path, profiles: frozenset[str]) -> None:
    environment = {**base_environment(), "DPKG_DATADIR": str(tables)}
    reduced = run(
        ["perl", "-e", REDUCE, RELATIONS, DEFAULT_DPKG_ARCHITECTURE, *profiles], env=environment
    )
    ours = [
        relation.name
        for relation in alternatives(RELATIONS)
        if relation.applies(DEFAULT_DPKG_ARCHITECTURE, profiles)
    ]
    assert ours == reduced.stdout.split()


def test_dpkg_knows_the_target_by_its_tables(tables: Path) -> None:
    environment = {**base_environment(), "DPKG_DATADIR": str(tables)}
    answer = run(["dpkg-architecture", "-a", TARGET.dpkg_architecture, "-f"], env=environment)
    values = dict(line.split("=", 1) for line in answer.stdout.splitlines())
    assert values["DEB_HOST_GNU_TYPE"] == T
    assert values["DEB_HOST_MULTIARCH"] == T
    assert values["DEB_HOST_ARCH_OS"] == "linux"
    # The others are what they were.
    for name in ("musl-linux-armhf", "kfreebsd-amd64", "hurd-i386"):
        command = ["dpkg-architecture", "-a", name, "-q", "DEB_HOST_GNU_TYPE", "-f"]
        assert run(command, env=environment).stdout == run(command).stdout


def test_nothing_of_the_caller_steers_the_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CFLAGS", "LDFLAGS", "MAKEFLAGS", "DESTDIR", "PKG_CONFIG_PATH", "CC", "PERL5OPT"):
        monkeypatch.setenv(name, "leak")
    monkeypatch.setenv("DEB_HOST_GNU_TYPE", "leak")
    monkeypatch.setenv("DH_INTERNAL_OPTIONS", "leak")
    monkeypatch.setenv("DEB_BUILD_OPTIONS", "leak noopt parallel=3")
    environment = pass_environment(
        TARGET, prepare_directories(TARGET, tmp_path), source="foo", epoch=1, jobs=2
    )
    assert "leak" not in " ".join(environment.values())
    # A cross build by either way of telling one, for the architecture that rules know.
    assert environment["DEB_HOST_ARCH"] == environment["DEB_TARGET_ARCH"] == "amd64"
    assert environment["DEB_HOST_GNU_TYPE"] == environment["DEB_HOST_MULTIARCH"] == T
    assert environment["DEB_BUILD_ARCH"] not in {"amd64", ""}
    assert environment["DEB_BUILD_GNU_TYPE"] == environment["DEB_BUILD_MULTIARCH"]
    assert environment["DEB_BUILD_GNU_TYPE"] == "x86_64-linux-gnu"
    assert {"nocheck", "noopt", "parallel=3"} <= set(environment["DEB_BUILD_OPTIONS"].split())
    # What shapes the trees is debhelper's own or ours; what packs does nothing.
    for name in ("commands/dh_builddeb", "commands/dh_strip", "tolerant/chown"):
        assert (tmp_path / name).readlink() == Path("/bin/true")
    for name in ("dh_auto_build", "chown"):
        assert not (tmp_path / "commands" / name).exists()
    assert all(os.access(path, os.X_OK) for path in tmp_path.rglob("*") if path.is_symlink())


CMAKE = """
cmake_minimum_required(VERSION 3.16)
project(foo VERSION 1.2.3 LANGUAGES C)
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
add_library(foo SHARED foo.c)
set_target_properties(foo PROPERTIES VERSION 1.2.3 SOVERSION 1)
target_include_directories(foo INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(foo PRIVATE m)
set(place ${CMAKE_INSTALL_LIBDIR}/cmake/foo)
install(TARGETS foo EXPORT fooTargets)
install(FILES foo.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT fooTargets NAMESPACE foo:: DESTINATION ${place})
configure_package_config_file(fooConfig.cmake.in fooConfig.cmake INSTALL_DESTINATION ${place}
    PATH_VARS CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(fooConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/fooConfig.cmake ${PROJECT_BINARY_DIR}/fooConfigVersion.cmake
    DESTINATION ${place})
"""
CMAKE_CONFIG = """\
@PACKAGE_INIT@
set_and_check(foo_INCLUDE_DIR "@PACKAGE_CMAKE_INSTALL_INCLUDEDIR@")
include("${CMAKE_CURRENT_LIST_DIR}/fooTargets.cmake")
check_required_components(foo)
"""
CMAKE_USER = """
cmake_minimum_required(VERSION 3.16)
project(user LANGUAGES C)
find_package(foo 1.1 REQUIRED CONFIG)
message(STATUS "foo headers: ${foo_INCLUDE_DIR}")
get_target_property(location foo::foo IMPORTED_LOCATION_NONE)
get_target_property(kind foo::foo TYPE)
message(STATUS "foo library: ${kind} ${location}")
add_executable(user user.c)
target_link_libraries(user foo::foo)
"""


def stage_cmake_project(tmp_path: Path, libdir: str) -> tuple[Path, Path]:
    """A library with its CMake package, and the directory that it was staged in."""
    project = tmp_path / "foo"
    project.mkdir()
    for name, text in (
        ("CMakeLists.txt", CMAKE),
        ("fooConfig.cmake.in", CMAKE_CONFIG),
        ("foo.c", "int foo(void) { return 0; }\n"),
        ("foo.h", "int foo(void);\n"),
    ):
        (project / name).write_text(text, encoding="utf-8")
    options = ["-DCMAKE_INSTALL_PREFIX=/usr", f"-DCMAKE_INSTALL_LIBDIR={libdir}"]
    build = tmp_path / "build"
    run(["cmake", "-S", project, "-B", build, "-DCMAKE_BUILD_TYPE=None", *options])
    run(["cmake", "--build", build])
    staged = {**base_environment(), "DESTDIR": str(tmp_path / "staged")}
    run(["cmake", "--install", build], env=staged)

    return project, tmp_path / "staged"


@pytest.mark.parametrize("libdir", [f"lib/{T}", f"/usr/lib/{T}", f"/lib/{T}", "lib"])
def test_a_cmake_package_is_found_and_used_where_it_moved_to(tmp_path: Path, libdir: str) -> None:
    project, staged = stage_cmake_project(tmp_path, libdir)
    prefix = tmp_path / "root" / TREE
    (packages,) = staged.rglob("cmake")
    for path in packages.rglob("*.cmake"):
        relative = PurePosixPath("lib/cmake") / path.relative_to(packages)
        text = relocate_text(path.read_text(encoding="utf-8"), relative, TARGET)
        # On the user's machine the prefix is PREFIX; here it lies below a root.
        place = prefix / relative
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text.replace(f'"{PREFIX}', f'"{prefix}'), encoding="utf-8")
        assert f"/{T}/cmake" not in text
    (prefix / "include").mkdir()
    shutil.copyfile(project / "foo.h", prefix / "include/foo.h")
    run(["gcc", "-c", project / "foo.c", "-o", tmp_path / "foo.o"])
    run(["ar", "rc", prefix / "lib/libfoo.a", tmp_path / "foo.o"])

    user = tmp_path / "user"
    user.mkdir()
    (user / "CMakeLists.txt").write_text(CMAKE_USER, encoding="utf-8")
    (user / "user.c").write_text(
        "#include <foo.h>\nint main(void) { return foo(); }\n", encoding="utf-8"
    )
    said = run(["cmake", "-S", user, "-B", user / "build", f"-DCMAKE_PREFIX_PATH={prefix}"]).stdout
    assert f"foo headers: {prefix}/include\n" in said
    assert f"foo library: STATIC_LIBRARY {prefix}/lib/libfoo.a\n" in said
    run(["cmake", "--build", user / "build"])
    run([user / "build/user"])


def test_installed_cmake_and_pc_files_lose_all_of_debian_s_places() -> None:
    """Real ones of this machine, as if they had been staged for the target."""
    system = Path("/usr/lib/x86_64-linux-gnu")
    found = [*system.rglob("cmake/*/*.cmake"), *system.glob("pkgconfig/*.pc")]
    assert found
    for path in found:
        text = path.read_text(encoding="utf-8").replace("x86_64-linux-gnu", T)
        relative = PurePosixPath("lib") / path.relative_to(system)
        new = relocate_text(text, relative, TARGET)
        code = "\n".join(line.partition("#")[0] for line in new.splitlines())
        for bad in (f"lib/{T}", "-I/usr/include", "SHARED IMPORTED", 'IMPORTED_SONAME_NONE "'):
            assert bad not in code, path
        assert new.count("(") - new.count(")") == text.count("(") - text.count(")"), path
        assert relocate_text(new, relative, TARGET) == new, path


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A directory with a space, in which programs are linked with the target's compiler."""
    work = tmp_path / "a place (1)"
    work.mkdir()
    compiler, archiver = TARGET.tool("gcc"), TARGET.tool("ar")
    for name in ("used", "unused", "whole", "main"):
        body = "return used();" if name == "main" else "return 0;"
        text = f"int used(void);\nint {name}(void) {{ {body} }}\n"
        (work / f"{name}.c").write_text(text, encoding="utf-8")
        run([compiler, "-c", f"{name}.c"], cwd=work)
        run([archiver, "rc", f"lib{name}.a", f"{name}.o"], cwd=work)
    return work


def test_maps_of_the_target_s_linker_name_what_went_in(linked: Path, tmp_path: Path) -> None:
    log = tmp_path / "links"
    log.mkdir()
    environment = {**base_environment(), "RUMPRUN_LINK_LOG": str(log)}
    libraries = [f"{linked}/libused.a", "-Wl,--whole-archive", f"{linked}/libwhole.a"]
    libraries += ["-Wl,--no-whole-archive", f"{linked}/libunused.a"]
    command: list[str | Path] = [TARGET.tool("gcc"), "main.o", *libraries, "-o", "the program"]
    run(command, cwd=linked, env=environment)
    inputs = read_link_log(log)["the program"]
    assert {f"{linked}/libused.a", f"{linked}/libwhole.a", "main.o"} <= inputs
    assert f"{linked}/libunused.a" not in inputs
    assert any(name.endswith("/libc.a") for name in inputs)


PC = """\
prefix={prefix}
z=1.2
Name: x
Description: x
Version: 1
{requires}
Libs: -L${{prefix}}/lib -lx
"""


def test_what_pc_files_require_is_depended_on(tmp_path: Path) -> None:
    requires = "Requires: bar >= 1, baz, foo-core\nRequires.private: zlib >= ${z}"
    files: dict[str, bytes | str] = {
        "lib/pkgconfig/foo.pc": PC.format(prefix=PREFIX, requires=requires).encode(),
        "share/pkgconfig/foo-core.pc": PC.format(prefix=PREFIX, requires="Requires: q").encode(),
    }
    one = harvested(tmp_path / "v", "libfoo-dev", files)
    # None of them lies where pkg-config would find it.
    owners = {
        Path("/s/lib/pkgconfig/zlib.pc"): "zlib1g-rumprun-dev",
        Path("/s/share/pkgconfig/bar.pc"): "bar-rumprun-dev",
        Path("/s/lib/pkgconfig/q.pc"): "q-rumprun-dev",
        Path("/s/lib/pkgconfig/unused.pc"): "unused-rumprun-dev",
    }
    sysroot = Sysroot(path=Path("/s"), variants={}, owners=owners)
    found = variant_depends(
        one.candidate, [one.candidate], one.root, sysroot, version="1", target=TARGET
    )
    assert found == ("bar-rumprun-dev", "q-rumprun-dev", "zlib1g-rumprun-dev")


NONE = VariantRelations(depends=(), static_built_using=())


def packed(
    work: Path, name: str = "libfoo-dev", version: str = "1:2.0-3", depends: str = ""
) -> Path:
    """A variant of ``name``, packed into ``work``."""
    tree = work / "tree"
    (tree / "debian").mkdir(parents=True, exist_ok=True)
    (tree / "debian/copyright").write_text("do what you like\n", encoding="utf-8")
    (tree / "debian/changelog").write_text("foo (1) x; urgency=low\n", encoding="utf-8")
    root = work / f"root-{name}-{version}"
    files: dict[str, bytes | str] = {
        f"include/{name}.h": b"int x;\n",
        "include/caf\N{LATIN SMALL LETTER E WITH ACUTE} x.h": b"",
        f"lib/{name}/data": b"x" * 3000,
        f"lib/{name}/link": "data",
        f"lib/{name}/dir": f"../{name}",
    }
    one = harvested(root, name, files)
    relations = dataclasses.replace(NONE, depends=(depends,)) if depends else NONE
    return pack(one, tree, source(name, version=version), TARGET, relations, output=work)


def test_two_packs_are_bit_identical(tmp_path: Path) -> None:
    contents = []
    for number, mask in enumerate((0o022, 0o077, 0o002)):
        work = tmp_path / str(number)
        work.mkdir()
        before = os.umask(mask)
        try:
            contents.append(packed(work).read_bytes())
        finally:
            os.umask(before)
    assert contents[0] == contents[1] == contents[2]


def test_a_package_is_as_dpkg_wants_it(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o700)
    deb = packed(tmp_path)
    assert deb.name == "libfoo-rumprun-dev_2.0-3_all.deb"
    place = tmp_path / "unpacked"
    run(["dpkg-deb", "--raw-extract", deb, place])
    run(["md5sum", "--check", "--strict", "--quiet", "DEBIAN/md5sums"], cwd=place)
    assert (place / TREE / "lib/libfoo-dev/link").readlink() == Path("data")
    times = {path.lstat().st_mtime for path in (place / TREE).rglob("*")}
    assert times == {1_600_000_000}
    modes = {stat.S_IMODE(path.stat().st_mode) for path in place.rglob("*") if path.is_file()}
    assert modes == {0o644}
    with DebFile(filename=str(deb)) as package:
        control = package.debcontrol()
        members = package.data.tgz().getmembers()
    assert {(member.uname, member.gname) for member in members} == {("root", "root")}
    assert control["Version"] == "1:2.0-3"
    documents = place / "usr/share/doc/libfoo-rumprun-dev"
    assert {path.name for path in documents.iterdir()} == {"copyright", "changelog.Debian.gz"}


def test_packing_leaves_what_links_lead_to_alone(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o700)
    root = tmp_path / "v"
    one = harvested(root, "libfoo-dev", {"include/out": str(outside), "include/a.h": b""})
    packed(tmp_path)
    pack(one, tmp_path / "tree", source("libfoo-dev", version="9"), TARGET, NONE, output=tmp_path)
    assert stat.S_IMODE(outside.stat().st_mode) == 0o700


def test_a_pool_has_the_latest_and_unpacks_what_is_needed(tmp_path: Path) -> None:
    for version in ("1:1.0-1", "1:1.0-1~rc1", "2.0-9"):
        packed(tmp_path, "liba-dev", version)
    packed(tmp_path, "libb-dev", depends="liba-rumprun-dev (>= 1), elsewhere-rumprun-dev")
    packed(tmp_path, "libc1-dev")
    (tmp_path / "other_1_all.deb").write_bytes(b"not looked at")
    pool = read_pool(tmp_path.glob("*.deb"))
    assert pool["liba-rumprun-dev"].version == "1:1.0-1"
    assert pool["libb-rumprun-dev"].source == "foo"
    sysroot = assemble(["libb-rumprun-dev", "absent-rumprun"], pool, tmp_path / "s", TARGET)
    assert sysroot.path == tmp_path / "s" / TREE
    assert {name for name in sysroot.variants if name in pool} == {
        "liba-rumprun-dev",
        "libb-rumprun-dev",
    }
    assert sysroot.owners[sysroot.path / "include/liba-dev.h"] == "liba-rumprun-dev"
    assert (sysroot.path / "include/libb-dev.h").is_file()
    assert not (sysroot.path / "include/libc1-dev.h").exists()
    assert assemble([], pool, tmp_path / "none", TARGET).path is None


def refusal(deb: Path, content: bytes) -> str:
    """What is said against a package with this content; nothing where it can be read."""
    deb.write_bytes(content)
    try:
        read_pool([deb])
    except InputError as error:
        return error.message
    return ""


def test_damaged_packages_are_named(tmp_path: Path) -> None:
    deb = packed(tmp_path)
    good = deb.read_bytes()
    header = good.index(b"control.tar")
    samples = [b"", b"text", good[:100], good[: header + 70], good[: header + 200]]
    # Anything may be wrong within the control member, so that many places are tried.
    samples += [
        good[: header + at] + b"\xff" * 8 + good[header + at + 8 :] for at in range(60, 300, 20)
    ]
    refused = [error for content in samples if (error := refusal(deb, content))]
    assert all(str(deb) in error for error in refused)
    assert len(refused) > len(samples) // 2
    deb.write_bytes(good)
    pool = read_pool([deb])
    deb.write_bytes(good[:-300])
    with pytest.raises(InputError, match="libfoo-rumprun-dev"):
        assemble(list(pool), pool, tmp_path / "s", TARGET)


def test_a_package_without_a_version_is_named(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "DEBIAN").mkdir(parents=True)
    text = "Package: x-rumprun\nArchitecture: all\nMaintainer: x\nDescription: x\n"
    (root / "DEBIAN/control").write_text(text, encoding="utf-8")
    deb = tmp_path / "x-rumprun_1_all.deb"
    run(["dpkg-deb", "--nocheck", "--build", root, deb])
    with pytest.raises(InputError, match=r"x-rumprun_1_all\.deb: damaged package"):
        read_pool([deb])

# SPDX-License-Identifier: BSD-2-Clause
"""The commands that stand in for coreutils and debhelper during the variant pass."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rumprun import paths
from rumprun.cli import debhelper
from rumprun.command import Completed, base_environment, run
from rumprun.source.naming import PASS_PROFILES

pytestmark = pytest.mark.integration

PASS = paths.DEBHELPER / "pass"
TOLERANT = ("chmod", "cp", "install", "ln", "mv", "readlink", "rm", "sed", "strip")

Tool = Callable[..., Completed]


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    """Runs one of the tolerant tools in ``tmp_path/tree``, found as make finds it."""
    directory = tmp_path / "tolerant tools"
    directory.mkdir()
    (tmp_path / "tree").mkdir()
    for name in TOLERANT:
        (directory / name).symlink_to(PASS / "tolerant")
    (directory / "find").symlink_to(PASS / "find")
    environment = {
        "PATH": f"{directory}:/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "DH_RUMPRUN_ABSENT": str(tmp_path / "absent"),
    }

    def call(*words: str) -> Completed:
        return run(words, cwd=tmp_path / "tree", env=environment, check=False, timeout=20)

    return call


def noted(tmp_path: Path) -> list[str]:
    path = tmp_path / "absent"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def test_shell_is_clean() -> None:
    run(
        [
            "shellcheck",
            PASS / "tolerant",
            PASS / "find",
            PASS / "dh_autoreconf",
            PASS / "dpkg-buildflags",
            PASS / "pod2man",
        ]
    )


@pytest.mark.parametrize(
    "words",
    [
        ("install", "-Dpm", "0644", "-onobody", "-g", "nogroup", "file", "dest/file"),
        ("install", "-m", "644", "--owner", "nobody", "--group=nogroup", "-D", "file", "dest/file"),
        ("install", "-d", "-o", "nobody", "-g", "nogroup", "dest/file"),
    ],
)
def test_owners_are_left_alone(tool: Tool, tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "tree" / "file").touch()
    assert tool(*words).returncode == 0
    made = tmp_path / "tree" / "dest" / "file"
    assert made.stat().st_uid == (tmp_path / "tree").stat().st_uid


@pytest.mark.parametrize(
    "words",
    [
        ("rm", "-f", "debian/tmp/usr/lib/libz.a", "debian/tmp/usr/lib/other.a"),
        ("find", "debian/tmp/usr/lib", "-name", "*.a", "-delete"),
        ("find", "debian/tmp", "-name", "*.a", "-exec", "rm", "-f", "{}", "+"),
    ],
)
def test_a_staged_library_is_not_removed(tool: Tool, tmp_path: Path, words: list[str]) -> None:
    place = tmp_path / "tree" / "debian" / "tmp" / "usr" / "lib"
    place.mkdir(parents=True)
    for name in ("libz.a", "other.a"):
        (place / name).touch()
    assert tool(*words).returncode == 0
    assert [path.name for path in place.iterdir()] == ["libz.a"]


@pytest.mark.parametrize(
    ("words", "dropped"),
    [
        (("rm", "libz.so.1"), ["rm libz.so.1"]),
        (("rm", "-v", "--", "libz.so.1", "-x.so"), ["rm libz.so.1", "rm -x.so"]),
        (("mv", "usr/lib/libz.so.*", "lib/"), ["mv usr/lib/libz.so.*"]),
        (("cp", "-a", "lib z.so", "two.so", "dest"), ["cp lib z.so", "cp two.so"]),
        (("cp", "-t", "dest", "libz.so"), ["cp libz.so"]),
        (("cp", "libz.so", "--target-directory=dest"), ["cp libz.so"]),
        (("cp", "--target-directory", "dest", "libz.so"), ["cp libz.so"]),
        (("install", "-m", "644", "libz.so.1", "dest/"), ["install libz.so.1"]),
        (("install", "-m", "664", "libtcl.la", "dest/"), ["install libtcl.la"]),
        (("install", "-Dpm", "0644", "-oroot", "-g", "root", "z.so", "d"), ["install z.so"]),
        (("ln", "-sf", "libz.so.1", "libz.so"), ["ln libz.so.1"]),
        (("chmod", "-x", "libz.so.1"), ["chmod libz.so.1"]),
        (("chmod", "a-x,u+w", "libz.so.1"), ["chmod libz.so.1"]),
        (("chmod", "-R", "644", "libz.so.1"), ["chmod libz.so.1"]),
        (("strip", "-R", ".comment", "--strip-unneeded", "libz.so"), ["strip libz.so"]),
        (("strip", "--remove-section=.note", "libz.so*"), ["strip libz.so*"]),
        (("sed", "-i", "/^udeb: /d", "debian/x/DEBIAN/shlibs"), ["sed debian/x/DEBIAN/shlibs"]),
        (("sed", "-i.old", "-e", "s/a/b/", "-n", "x.so"), ["sed x.so"]),
        (("sed", "--expression=p", "-E", "x.so"), ["sed x.so"]),
        (("rm", "debian/x/usr/share/doc/x/README"), ["rm debian/x/usr/share/doc/x/README"]),
    ],
)
def test_with_nothing_left_there_is_nothing_to_do(
    tool: Tool, tmp_path: Path, words: tuple[str, ...], dropped: list[str]
) -> None:
    done = tool(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert noted(tmp_path) == dropped
    # Only a directory that was to take it, for what comes later.
    made = [path.name for path in (tmp_path / "tree").iterdir()]
    assert made == ([words[-1].rstrip("/")] if words[-1].endswith("/") else [])


def test_the_others_are_treated(tool: Tool, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "the dest").mkdir()
    for name in ("a b", "-c"):
        (tree / name).write_text(name, encoding="utf-8")

    def do(*words: str) -> None:
        done = tool(*words)
        assert done.returncode == 0, done.stderr

    do("cp", "-p", "--", "a b", "libz.so.1", "-c", "the dest")
    assert {path.name for path in (tree / "the dest").iterdir()} == {"a b", "-c"}
    do("cp", "-t", "the dest", "libz.so.1", "a b")
    do("install", "-m", "750", "a b", "libz.so.1", "the dest")
    assert (tree / "the dest/a b").stat().st_mode & 0o777 == 0o750
    do("chmod", "-x", "libz.so.1", "the dest/a b")
    assert (tree / "the dest/a b").stat().st_mode & 0o777 == 0o640
    do("mv", "a b", "libnew.so")
    do("ln", "-s", "libnew.so", "liblink.so")
    assert (tree / "liblink.so").readlink() == Path("libnew.so")
    do("rm", "libz.so", "libnew.so", "liblink.so")
    assert not (tree / "libnew.so").exists()
    assert not (tree / "liblink.so").is_symlink()
    assert len(noted(tmp_path)) == 5


def test_a_link_that_is_not_there_leads_nowhere(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "tree/libnew.so").symlink_to("libnew.so.1")
    assert tool("readlink", "libnew.so").stdout == "libnew.so.1\n"
    assert tool("readlink", "usr/lib/liblzma.so").stdout == "liblzma.so\n"
    assert tool("readlink", "usr/bin/absent").returncode == 1
    assert noted(tmp_path) == ["readlink usr/lib/liblzma.so"]


def test_sed_edits_what_is_there(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "tree/a").write_text("x\n", encoding="utf-8")
    assert tool("sed", "-i", "s/x/y/", "x.so", "a").returncode == 0
    assert (tmp_path / "tree/a").read_text(encoding="utf-8") == "y\n"
    assert tool("sed", "-n", "-e", "p", "a").stdout == "y\n"
    assert tool("sed", "-n", "p", "absent").returncode == 2


def test_directories_are_made_whatever_their_name(tool: Tool, tmp_path: Path) -> None:
    names = ("x/usr/share/doc/x", "x/usr/lib/foo.so", "y")
    for option in ("-d", "-dm755", "--directory"):
        assert tool("install", option, *names).returncode == 0
        assert all((tmp_path / "tree" / name).is_dir() for name in names)
        shutil.rmtree(tmp_path / "tree/x")
    assert noted(tmp_path) == []


@pytest.mark.parametrize(
    "words",
    [
        ("rm", "absent.h"),
        ("rm", "libz.so.1", "absent.h"),
        ("cp", "libz.a", "dest/"),
        ("mv", "libz.so.1", "absent.h", "dest"),
        ("install", "-m", "644", "absent.h", "dest/"),
        ("install", "-m644", "libz.so", "absent.h", "dest"),
        ("chmod", "644", "absent"),
        ("strip", "absent"),
        ("cp",),
        ("cp", "--no-such-option", "libz.so.1", "x", "y"),
    ],
)
def test_real_failures_still_fail(tool: Tool, words: tuple[str, ...]) -> None:
    done = tool(*words)
    assert done.returncode != 0
    assert done.stderr


CONTROL = """\
Source: foo
Maintainer: Jane Roe <jane@example.org>
Build-Depends: debhelper-compat (= 13)

Package: libfoo-dev
Architecture: any
Description: x

Package: foo-bin
Architecture: any
Description: x

Package: libfoo-rumprun-dev
Architecture: all
Build-Profiles: <!pkg.foo.norumprun>
Description: x
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A source tree with debian/control and what was installed to debian/tmp."""
    tree = tmp_path / "foo"
    for name in ("include/foo.h", "include/private.h", "lib/T/libfoo.a", "bin/foo"):
        path = tree / "debian/tmp/usr" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    (tree / "debian/control").write_text(CONTROL, encoding="utf-8")
    (tree / "debian/changelog").write_text(
        "foo (1-1) unstable; urgency=low\n\n  * x\n\n"
        " -- Jane Roe <jane@example.org>  Thu, 01 Jan 2015 00:00:00 +0000\n",
        encoding="utf-8",
    )
    return tree


def dh_install(package: Path, *words: str, record: Path | None = None) -> Completed:
    environment = {**base_environment(), "DH_RUMPRUN_ABSENT": str(record or package / "absent")}
    return run([PASS / "dh_install", *words], cwd=package, env=environment, check=False)


def test_dh_install_notes_what_is_absent_and_installs_the_rest(package: Path) -> None:
    (package / "debian/libfoo-dev.install").write_text(
        "usr/include\nusr/lib/*/libfoo.a\nusr/lib/*/libfoo.so\nusr/lib/*/*.so.* usr/lib/odd\n"
        "bin/foo usr/share/foo\nusr/bin/foo usr/share/libfoo/\n",
        encoding="utf-8",
    )
    (package / "debian/foo-bin.install").write_text("usr/bin\n", encoding="utf-8")
    done = dh_install(package, "-X", "private.h", "-Nlibfoo-rumprun-dev")
    assert done.returncode == 0, done.stderr
    assert (package / "absent").read_text(encoding="utf-8").splitlines() == [
        "usr/lib/*/libfoo.so",
        "usr/lib/*/*.so.*",
        "bin/foo",
    ]
    top = package / "debian/libfoo-dev"
    files = {str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()}
    assert {name for name in files if not name.endswith("/.rumprun-absent")} == {
        "usr/include/foo.h",
        "usr/lib/T/libfoo.a",
        "usr/share/libfoo/foo",
    }
    assert (package / "debian/foo-bin/usr/bin/foo").is_file()


def test_dh_install_fails_where_debhelper_s_own_does(package: Path) -> None:
    assert dh_install(package, "--no-such-option").returncode != 0
    install = package / "debian/libfoo-dev.install"
    install.write_text("usr/lib/*/libfoo.so\n", encoding="utf-8")
    assert dh_install(package, record=package / "no/such/directory").returncode != 0


CONFIGURE = """\
#!/bin/sh
{mark}
printf '%s\\n' "$@" >arguments
"""


def configure(package: Path, *words: str, extra: str = "") -> Completed:
    environment = {
        **base_environment(),
        "DH_RUMPRUN_CONFIGURE": extra,
        "PATH": f"{package.parent}/bin:/usr/bin:/bin",
    }
    return run([PASS / "dh_auto_configure", *words], cwd=package, env=environment)


@pytest.mark.parametrize(
    ("mark", "static"),
    [
        ("# Generated by GNU Autoconf 2.71 for foo 1.", ["--disable-shared", "--enable-static"]),
        ("# written by hand", []),
    ],
)
def test_dh_auto_configure_appends_the_static_options_once(
    package: Path, mark: str, static: list[str]
) -> None:
    script = package / "configure"
    script.write_text(CONFIGURE.format(mark=mark), encoding="utf-8")
    script.chmod(0o755)
    configure(package, "--", "--enable-shared", "--x=a b", extra="--without-y\n--z=c d")
    words = (package / "arguments").read_text(encoding="utf-8").splitlines()
    assert words[0].startswith("--build=")
    theirs = ["--enable-shared", "--x=a b"]
    assert words[words.index("--enable-shared") :] == [*theirs, *static, "--without-y", "--z=c d"]
    assert words.count("--disable-shared") == (1 if static else 0)


@pytest.mark.parametrize(
    ("file", "program", "theirs", "static"),
    [
        ("CMakeLists.txt", "cmake", "-DBUILD_SHARED_LIBS=ON", ["-DBUILD_SHARED_LIBS=OFF"]),
        (
            "meson.build",
            "meson",
            "-Ddefault_library=both",
            ["-Ddefault_library=static", "-Db_staticpic=true"],
        ),
    ],
)
def test_dh_auto_configure_with_other_build_systems(
    package: Path, file: str, program: str, theirs: str, static: list[str]
) -> None:
    (package / file).touch()
    stand_in = package.parent / "bin" / program
    stand_in.parent.mkdir()
    stand_in.write_text(
        '#!/bin/sh\necho 1.0.1\nprintf "%s\\n" "$@" >>arguments\n', encoding="utf-8"
    )
    stand_in.chmod(0o755)
    configure(package, "--", theirs, extra="-Dmore=1")
    (arguments,) = package.rglob("arguments")
    words = arguments.read_text(encoding="utf-8").splitlines()
    at = words.index(theirs)
    assert words[at + 1 : at + 2 + len(static)] == [*static, "-Dmore=1"]
    assert all(words.count(word) == 1 for word in static)


@pytest.mark.parametrize(
    ("options", "profiles", "names"),
    [
        ([], "", ["libfoo-rumprun-dev"]),
        (["-i"], "", ["libfoo-rumprun-dev"]),
        (["-a"], "", []),
        (["-Nlibfoo-rumprun-dev"], "", []),
        (["-plibfoo-dev", "--", "--without-x"], "", []),
        ([], "pkg.foo.norumprun", []),
        ([], " ".join(sorted(PASS_PROFILES)), ["libfoo-rumprun-dev"]),
    ],
)
def test_packages_acted_on(
    package: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    profiles: str,
    names: list[str],
) -> None:
    monkeypatch.chdir(package)
    monkeypatch.setenv("DEB_BUILD_PROFILES", profiles)
    assert debhelper._variants_among(debhelper._packages_acted_on(options)) == names


def test_a_stanza_without_an_original_ends_the_command(
    package: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(package)
    control = package / "debian/control"
    control.write_text(
        CONTROL.replace("libfoo-rumprun-dev", "libfooo-rumprun-dev"), encoding="utf-8"
    )
    (package / "debian/rules").touch()
    assert debhelper.main(["-i"]) == 3
    error = capsys.readouterr().err
    assert "libfooo-rumprun-dev is a variant of libfooo-dev, which this source does not" in error
    assert "name it after one of: foo-bin, libfoo-dev" in error

# SPDX-License-Identifier: BSD-2-Clause
"""The debhelper add-on, from a plain dpkg-buildpackage of a small source package."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from debian.deb822 import Deb822
from debian.debfile import DebFile

from rumprun import paths
from rumprun.command import Completed, base_environment, run
from rumprun.target.descriptor import load_target

pytestmark = pytest.mark.integration

PACKAGE = Path(__file__).parents[1] / "packages" / "libgreet"

STANZA = """
Package: {name}
Section: libdevel
Architecture: all
Multi-Arch: foreign
Build-Profiles: <!pkg.libgreet.norumprun>
Depends: ${{rumprun:Depends}}, ${{misc:Depends}}
Static-Built-Using: ${{rumprun:Static-Built-Using}}
Description: static variant for rumprun
 It greets from unikernels.
"""

SEQUENCE = "dh-sequence-rumprun"


class Package:
    """A working copy of libgreet, to be changed and built."""

    def __init__(self, directory: Path) -> None:
        self.tree = directory / "libgreet-1.0"
        shutil.copytree(PACKAGE, self.tree)

    @property
    def control(self) -> Path:
        return self.tree / "debian" / "control"

    def add_build_depends(self, entry: str, field: str = "Build-Depends") -> None:
        text = self.control.read_text()
        if field == "Build-Depends":
            text = text.replace("debhelper-compat (= 13)", f"debhelper-compat (= 13), {entry}")
        else:
            text = text.replace("Standards-Version", f"{field}: {entry}\nStandards-Version", 1)
        self.control.write_text(text)

    def add_stanza(self, name: str) -> None:
        with self.control.open("a") as file:
            file.write(STANZA.format(name=name))

    def add_rule(self, text: str) -> None:
        with (self.tree / "debian" / "rules").open("a") as file:
            file.write(text)

    def build(self, *options: str, check: bool = True, profiles: str = "") -> Completed:
        """dpkg-buildpackage, with the checkout's add-on in place of the installed one."""
        environment = {
            **base_environment(),
            "PATH": f"{paths.DATA}:{os.environ['PATH']}",
            "PERL5LIB": str(paths.DEBHELPER),
            "DEB_BUILD_OPTIONS": "parallel=2",
            "DEB_BUILD_PROFILES": profiles,
        }
        # -d: our own dh-sequence-rumprun is not installed while the checkout is tested.
        return run(
            ["dpkg-buildpackage", "-us", "-uc", "-d", *(options or ("-b",))],
            cwd=self.tree,
            env=environment,
            check=check,
        )

    def debs(self) -> dict[str, Path]:
        return {deb.name.partition("_")[0]: deb for deb in self.tree.parent.glob("*.deb")}


@pytest.fixture
def package(tmp_path: Path) -> Package:
    load_target().tool("gcc")
    return Package(tmp_path)


def fields(deb: Path) -> Deb822:
    with DebFile(filename=str(deb)) as package:
        return package.debcontrol()


def content(deb: Path) -> list[str]:
    with DebFile(filename=str(deb)) as package:
        return [f".{name.removeprefix('.')}" for name in package.data.tgz().getnames()]


def unpack(deb: Path, directory: Path) -> Path:
    run(["dpkg-deb", "--extract", deb, directory])
    return directory / load_target().prefix.relative_to("/")


def greet(deb: Path, directory: Path) -> str:
    return run([unpack(deb, directory) / "bin" / "greet", "tests"]).stdout


def add_both(package: Package) -> None:
    package.add_stanza("libgreet-rumprun-dev")
    package.add_stanza("greet-rumprun")


def check_variants(package: Package, directory: Path) -> None:
    debs = package.debs()
    developer = fields(debs["libgreet-rumprun-dev"])
    assert developer["Architecture"] == "all"
    assert developer["Multi-Arch"] == "foreign"
    assert "./usr/x86_64-rumprun-linux-musl/lib/libgreet.a" in content(debs["libgreet-rumprun-dev"])
    program = fields(debs["greet-rumprun"])
    assert "musl (= " in program["Static-Built-Using"]
    assert greet(debs["greet-rumprun"], directory) == "Hello, tests, from plain!\n"


def test_sequence_in_build_depends(package: Package, tmp_path: Path) -> None:
    package.add_build_depends(SEQUENCE)
    add_both(package)
    package.build()
    check_variants(package, tmp_path / "x")
    prefix = unpack(package.debs()["libgreet-rumprun-dev"], tmp_path / "y")
    pc = (prefix / "lib" / "pkgconfig" / "greet.pc").read_text()
    assert "prefix=/usr/x86_64-rumprun-linux-musl\n" in pc
    assert "libdir=/usr/x86_64-rumprun-linux-musl/lib\n" in pc


@pytest.mark.parametrize("options", [("-b",), ("-A",)])
def test_sequence_in_build_depends_indep(
    package: Package, tmp_path: Path, options: tuple[str, ...]
) -> None:
    package.add_build_depends(SEQUENCE, "Build-Depends-Indep")
    add_both(package)
    package.build(*options)
    check_variants(package, tmp_path / "x")


def test_architecture_dependent_build_alone_makes_no_variant(package: Package) -> None:
    package.add_build_depends(SEQUENCE)
    add_both(package)
    package.build("-B")
    assert not (package.tree / "debian" / ".debhelper" / "rumprun").exists()
    assert not any("rumprun" in name for name in package.debs())


def test_with_option_of_dh(package: Package, tmp_path: Path) -> None:
    rules = package.tree / "debian" / "rules"
    rules.write_text(rules.read_text().replace("dh $@", "dh $@ --with rumprun"))
    add_both(package)
    package.build()
    check_variants(package, tmp_path / "x")


def test_profile_switches_variants_off(package: Package) -> None:
    package.add_build_depends(SEQUENCE)
    add_both(package)
    package.build(profiles="pkg.libgreet.norumprun")
    assert not any("rumprun" in name for name in package.debs())


def test_native_packages_are_unchanged(package: Package, tmp_path: Path) -> None:
    package.build()
    plain = digests(package)
    other = Package(tmp_path / "other")
    other.add_build_depends(SEQUENCE)
    add_both(other)
    other.build()
    with_variants = digests(other)
    assert plain
    assert {name: with_variants[name] for name in plain} == plain
    assert set(with_variants) - set(plain) == {"libgreet-rumprun-dev", "greet-rumprun"}


def digests(package: Package) -> dict[str, str]:
    """Each package's payload; control data carries the build path's debug ids either way."""
    return {
        name: hashlib.sha256(deb.read_bytes()).hexdigest()
        for name, deb in package.debs().items()
        if not name.endswith("-dbgsym")
    }


def test_configure_arguments_for_the_variant_only(package: Package, tmp_path: Path) -> None:
    package.add_build_depends(SEQUENCE)
    add_both(package)
    package.add_rule("\noverride_dh_rumprun:\n\tdh_rumprun -- --flavour=stubdom\n")
    package.build()
    debs = package.debs()
    assert greet(debs["greet-rumprun"], tmp_path / "x") == "Hello, tests, from stubdom!\n"
    run(["dpkg-deb", "--extract", debs["greet"], tmp_path / "native"])
    run(["dpkg-deb", "--extract", debs["libgreet1"], tmp_path / "native"])
    native = run(
        [tmp_path / "native" / "usr" / "bin" / "greet", "tests"],
        env={"LD_LIBRARY_PATH": str(tmp_path / "native/usr/lib/x86_64-linux-gnu")},
    )
    assert native.stdout == "Hello, tests, from plain!\n"


SALUTE = """
all: libsalute.so.1

libsalute.so.1: libgreet.so.1
\techo '#include "greet.h"' >salute.c
\techo 'const char *salute(void) { return greeting("general"); }' >>salute.c
\t$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -shared -Wl,-soname,$@ -o $@ salute.c -L. -lgreet

install: install-salute
install-salute: libsalute.so.1
\tinstall -d $(DESTDIR)$(LIBDIR)
\tinstall -m 644 $< $(DESTDIR)$(LIBDIR)
\tln -sf $< $(DESTDIR)$(LIBDIR)/libsalute.so
"""


def test_libraries_that_ship_only_as_shared_objects(package: Package, tmp_path: Path) -> None:
    package.add_build_depends(SEQUENCE)
    package.add_stanza("libgreet-rumprun-dev")
    makefile = package.tree / "Makefile"
    text = makefile.read_text()
    assert "install -m 644 libgreet.so.1 libgreet.a" in text
    text = text.replace("install -m 644 libgreet.so.1 libgreet.a", "install -m 644 libgreet.so.1")
    makefile.write_text(text + SALUTE)
    install = package.tree / "debian" / "libgreet-dev.install"
    install.write_text(install.read_text().replace("libgreet.a", "libsalute.so"))
    runtime = package.tree / "debian" / "libgreet1.install"
    runtime.write_text(runtime.read_text() + "usr/lib/*/libsalute.so.*\n")
    package.build()
    prefix = unpack(package.debs()["libgreet-rumprun-dev"], tmp_path / "x")
    libraries = sorted(path.name for path in (prefix / "lib").iterdir())
    assert libraries == ["libgreet.a", "libsalute.a", "pkgconfig"]
    source = tmp_path / "program.c"
    source.write_text(
        "#include <stdio.h>\nconst char *salute(void);\nint main(void) { puts(salute()); }\n"
    )
    # What -lsalute needs is recorded in the archive, as it is in a shared library.
    run(
        [load_target().tool("gcc"), "-o", tmp_path / "program", source, "-lsalute"],
        env={**base_environment(), "RUMPRUN_SYSROOT": str(prefix)},
    )
    assert run([tmp_path / "program"]).stdout == "Hello, general, from plain!\n"


def test_shared_object_of_the_build_machine_is_an_error(package: Package) -> None:
    package.add_build_depends(SEQUENCE)
    package.add_stanza("libgreet-rumprun-dev")
    makefile = package.tree / "Makefile"
    makefile.write_text(
        makefile.read_text().replace("$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC", "x86_64-linux-gnu-gcc")
    )
    text = makefile.read_text().replace(" -o $@ greet.c", " -DGREET_FLAVOUR='\"x\"' -o $@ greet.c")
    # The target's compiler links with the archive, then, which must not be half written.
    makefile.write_text(text.replace("greet: main.c libgreet", "greet: main.c libgreet.a libgreet"))
    answer = package.build("-A", check=False)
    assert answer.returncode != 0
    said = answer.stdout + answer.stderr
    assert "dynamic-object" in said, said
    assert "libgreet.so.1" in said


def test_listed_files_replace_the_automatic_choice(package: Package) -> None:
    package.add_build_depends(SEQUENCE)
    package.add_stanza("libgreet-rumprun-dev")
    (package.tree / "debian" / "libgreet-rumprun-dev.rumprun").write_text(
        "# the library alone\nusr/lib/*/libgreet.a\nusr/include\n"
    )
    package.build()
    names = content(package.debs()["libgreet-rumprun-dev"])
    prefix = "./usr/x86_64-rumprun-linux-musl"
    assert f"{prefix}/lib/libgreet.a" in names
    assert f"{prefix}/include/greet.h" in names
    assert not any("pkgconfig" in name for name in names)


def test_listed_file_that_is_not_there(package: Package) -> None:
    package.add_build_depends(SEQUENCE)
    package.add_stanza("libgreet-rumprun-dev")
    (package.tree / "debian" / "libgreet-rumprun-dev.rumprun").write_text("usr/lib/*/libgreat.a\n")
    answer = package.build(check=False)
    assert answer.returncode != 0
    said = " ".join((answer.stdout + answer.stderr).split())
    assert "libgreet-rumprun-dev.rumprun: nothing staged matches usr/lib/*/libgreat.a" in said
    assert "Traceback" not in said


def test_stanza_that_names_no_package(package: Package) -> None:
    package.add_build_depends(SEQUENCE)
    package.add_stanza("libgreat-rumprun-dev")
    answer = package.build(check=False)
    assert answer.returncode != 0
    said = answer.stdout + answer.stderr
    assert "libgreat-rumprun-dev is a variant of libgreat-dev, which this source does not" in said
    assert "Traceback" not in said


def test_build_twice_in_one_tree(package: Package, tmp_path: Path) -> None:
    package.add_build_depends(SEQUENCE)
    add_both(package)
    package.build()
    first = digests(package)
    package.build()
    assert digests(package) == first
    check_variants(package, tmp_path / "x")


def test_no_private_tree_is_left_after_clean(package: Package) -> None:
    package.add_build_depends(SEQUENCE)
    add_both(package)
    package.build()
    run(
        ["debian/rules", "clean"],
        cwd=package.tree,
        env={
            **os.environ,
            "PERL5LIB": str(paths.DEBHELPER),
            "PATH": f"{paths.DATA}:{os.environ['PATH']}",
        },
    )
    left = {path.name for path in (package.tree / "debian").iterdir()}
    assert not {".debhelper", "libgreet-rumprun-dev", "greet-rumprun"} & left

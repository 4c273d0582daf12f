# SPDX-License-Identifier: BSD-2-Clause
"""Building converted sources: what dh does with them, and classic rules with rumprun.mk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from debian.debfile import DebFile

from rumprun import paths
from rumprun.command import Completed, base_environment, run
from rumprun.source.convert import convert
from rumprun.source.dsc import unpack
from rumprun.target.descriptor import load_target

pytestmark = pytest.mark.integration

PACKAGE = Path(__file__).parents[1] / "packages" / "libgreet"
INSTALLED = "/usr/share/dh-rumprun/rumprun.mk"

_CLASSIC = """\
#!/usr/bin/make -f
# Rules of the time before dh.
build: build-arch build-indep
build-arch build-indep: build-stamp
build-stamp:
	dh_testdir
	dh_auto_configure --buildsystem=autoconf
	dh_auto_build --buildsystem=makefile
	touch $@

clean:
	dh_testdir
	rm -f build-stamp
	[ ! -f config.mk ] || dh_auto_clean --buildsystem=makefile
	dh_clean

install: build
	dh_prep
	dh_auto_install --buildsystem=makefile --destdir=debian/tmp
	dh_install

binary: binary-arch binary-indep
{indep}
binary-arch: install
{arch}
.PHONY: build build-arch build-indep clean install binary binary-arch binary-indep
"""


def _packing(option: str) -> str:
    commands = (
        "installdocs installchangelogs strip compress fixperms makeshlibs installdeb shlibdeps"
        " gencontrol md5sums builddeb"
    )
    return "\n".join(f"\tdh_{command} {option}".rstrip() for command in commands.split())


# How old rules deal with packages that they do not expect: not at all, as with any other one,
# and with all packages wherever they pack at all.
INDEP = {
    "nothing": ("binary-indep: build install", _packing("-a")),
    "all of them": (f"binary-indep: build install\n{_packing('-i')}", _packing("-a")),
    "no distinction": ("binary-indep:", _packing("")),
}


class Converted:
    """A converted libgreet, unpacked, with the checkout's commands instead of installed ones."""

    def __init__(self, directory: Path, rules: str | None = None) -> None:
        source = directory / "source"
        shutil.copytree(PACKAGE, source / "libgreet-1.0")
        if rules:
            (source / "libgreet-1.0" / "debian" / "rules").write_text(rules)
        orig = ["tar", "--exclude=debian", "-czf", "libgreet_1.0.orig.tar.gz", "libgreet-1.0"]
        run(orig, cwd=source)
        run(["dpkg-source", "--build", "libgreet-1.0"], cwd=source, env=base_environment())
        (dsc,) = source.glob("*.dsc")
        converted = convert(dsc, output=directory / "out", environment={})
        self.tree = unpack(converted.dsc, directory / "build" / "tree")
        rules_file = self.tree / "debian" / "rules"
        text = rules_file.read_text()
        rules_file.write_text(text.replace(INSTALLED, str(paths.DEBHELPER / "rumprun.mk")))

    def build(self, *options: str, profiles: str = "", path: str = "") -> Completed:
        environment = {
            **base_environment(),
            "PATH": f"{path or paths.DATA}:{os.environ['PATH']}",
            "PERL5LIB": str(paths.DEBHELPER),
            "DEB_BUILD_PROFILES": profiles,
        }
        return run(
            ["dpkg-buildpackage", "-us", "-uc", "-d", *(options or ("-b",))],
            cwd=self.tree,
            env=environment,
            timeout=900,
        )

    def packages(self) -> dict[str, list[str]]:
        """The packages that were built, without debug symbols: name to files."""
        found = {}
        for deb in sorted(self.tree.parent.glob("*.deb")):
            name = deb.name.partition("_")[0]
            if not name.endswith("-dbgsym"):
                data = DebFile(filename=str(deb)).data.tgz()
                found[name] = [m.name.removeprefix("./") for m in data if not m.isdir()]
        return found


NATIVE = {"greet", "libgreet-dev", "libgreet1"}
VARIANTS = {"greet-rumprun", "libgreet-rumprun-dev"}


@pytest.fixture(autouse=True)
def toolchain() -> None:
    load_target().tool("gcc")


def assert_filled(packages: dict[str, list[str]]) -> None:
    """The variants have their files, and the native packages have none of them."""
    prefix = str(load_target().prefix.relative_to("/"))
    assert f"{prefix}/lib/libgreet.a" in packages["libgreet-rumprun-dev"]
    assert f"{prefix}/include/greet.h" in packages["libgreet-rumprun-dev"]
    assert f"{prefix}/bin/greet" in packages["greet-rumprun"]
    for name in VARIANTS:
        assert f"usr/share/doc/{name}/copyright" in packages[name]
        assert f"usr/share/doc/{name}/changelog.Debian.gz" in packages[name] or (
            f"usr/share/doc/{name}/changelog.gz" in packages[name]
        )
    for name in NATIVE & packages.keys():
        assert not [file for file in packages[name] if file.startswith(prefix)]


def test_a_converted_source_builds_with_dh(tmp_path: Path) -> None:
    converted = Converted(tmp_path)
    converted.build()
    packages = converted.packages()
    assert packages.keys() == NATIVE | VARIANTS
    assert_filled(packages)


@pytest.mark.parametrize("indep", sorted(INDEP))
def test_classic_rules_build_the_variants(tmp_path: Path, indep: str) -> None:
    binary_indep, binary_arch = INDEP[indep]
    converted = Converted(tmp_path, _CLASSIC.format(indep=binary_indep, arch=binary_arch))
    converted.build()
    packages = converted.packages()
    assert packages.keys() == NATIVE | VARIANTS
    assert_filled(packages)
    changes = next(converted.tree.parent.glob("*.changes")).read_text()
    assert changes.count("greet-rumprun_") == 3


def test_classic_rules_build_the_variants_alone(tmp_path: Path) -> None:
    binary_indep, binary_arch = INDEP["nothing"]
    converted = Converted(tmp_path, _CLASSIC.format(indep=binary_indep, arch=binary_arch))
    converted.build("-A")
    packages = converted.packages()
    assert packages.keys() == VARIANTS
    assert_filled(packages)


@pytest.mark.parametrize(
    ("options", "profiles"), [(("-B",), ""), (("-b",), "pkg.libgreet.norumprun")]
)
def test_classic_rules_leave_the_variants_out(
    tmp_path: Path, options: tuple[str, ...], profiles: str
) -> None:
    """Where nobody asked for them, our command is not even looked for."""
    binary_indep, binary_arch = INDEP["nothing"]
    converted = Converted(tmp_path, _CLASSIC.format(indep=binary_indep, arch=binary_arch))
    converted.build(*options, profiles=profiles, path="/usr/bin")
    assert converted.packages().keys() == NATIVE


def test_classic_rules_work_without_the_snippet(tmp_path: Path) -> None:
    binary_indep, binary_arch = INDEP["nothing"]
    converted = Converted(tmp_path, _CLASSIC.format(indep=binary_indep, arch=binary_arch))
    rules = converted.tree / "debian" / "rules"
    rules.write_text(rules.read_text().replace(str(paths.DEBHELPER), "/nonexistent"))
    converted.build(profiles="pkg.libgreet.norumprun")
    assert converted.packages().keys() == NATIVE

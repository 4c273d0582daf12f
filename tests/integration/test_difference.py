# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb diff`` with real builds: a source of each build system, and the archive's own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from archive_samples import Fetch

from rumprun.cli.main import main
from rumprun.command import run
from rumprun.errors import BuildError
from rumprun.paths import DEBHELPER
from rumprun.source.package import read_source_tree
from rumprun.target.descriptor import load_target
from rumprun.variant.difference.answers import differing_answers
from rumprun.variant.difference.configure import configure_native, configure_variant
from rumprun.variant.difference.evidence import Evidence, read_native_libc, read_variant_libc
from rumprun.variant.difference.model import Answer, Cause, Kind
from rumprun.variant.difference.reasons import explain
from rumprun.variant.sysroot import Sysroot
from rumprun.variant.variant_pass import PassOptions

pytestmark = pytest.mark.integration

CONTROL = """\
Source: demo
Maintainer: Nobody <nobody@example.org>
Build-Depends: debhelper-compat (= 13)
Standards-Version: 4.6.2

Package: libdemo-dev
Section: libdevel
Architecture: any
Description: demo
"""
CHANGELOG = """\
demo (1.0) unstable; urgency=low

  * Demo.

 -- Nobody <nobody@example.org>  Sat, 01 Jan 2022 00:00:00 +0000
"""
CMAKE = """\
cmake_minimum_required(VERSION 3.13)
project(demo C)
include(CheckFunctionExists)
check_function_exists(qsort_r HAVE_QSORT_R)
check_function_exists(backtrace HAVE_BACKTRACE)
check_function_exists(fork HAVE_FORK)
configure_file(config.h.in config.h)
add_library(demo demo.c)
"""
CMAKE_CONFIG = "#cmakedefine HAVE_BACKTRACE 1\n#cmakedefine HAVE_FORK 1\n"
MESON = """\
project('demo', 'c', meson_version: '>= 0.50')
cc = meson.get_compiler('c')
conf = configuration_data()
foreach f : ['backtrace', 'fork']
  if cc.has_function(f)
    conf.set('HAVE_' + f.to_upper(), 1)
  endif
endforeach
configure_file(output: 'config.h', configuration: conf)
library('demo', 'demo.c')
"""
# A configure written by hand, which changes a header in place, called without debhelper.
BY_HAND = """\
#!/bin/sh
echo 'int main(void) { return backtrace(0, 0); }' > probe.c
if ${CC:-cc} -w -o probe probe.c 2>/dev/null; then
    sed -i 's,/. #undef HAVE_BACKTRACE ./,#define HAVE_BACKTRACE 1,' demo.h
fi
"""
RULES = "#!/usr/bin/make -f\n%:\n\tdh $@\n"
RULES_BY_HAND = """\
#!/usr/bin/make -f
include /usr/share/dpkg/buildtools.mk
build build-arch:
\tCC=$(CC) sh ./configure.sh
binary-arch: build-arch
\tfalse
"""


def make_source(tree: Path, files: dict[str, str], rules: str = RULES) -> Path:
    everything = {
        "debian/control": CONTROL,
        "debian/changelog": CHANGELOG,
        "debian/rules": rules,
        "demo.c": "int demo(void) { return 1; }\n",
        **files,
    }
    for name, text in everything.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    (tree / "debian" / "rules").chmod(0o755)
    return tree


def configured(tree: Path, work: Path) -> tuple[Answer, ...]:
    source, target = read_source_tree(tree), load_target()
    options = PassOptions(jobs=1, timeout=300)
    nothing = Sysroot(path=None, variants={}, owners={})
    for side in ("native", "variant"):
        (work / side).mkdir(parents=True)
    native = configure_native(tree, source, work=work / "native", log=work / "log", options=options)
    variant = configure_variant(
        tree, source, target, nothing, work=work / "variant", log=work / "log", options=options
    )
    assert not list(native.tree.rglob("*.o"))
    assert not list(variant.tree.rglob("libdemo.a"))
    return differing_answers(native.tree, variant.tree, tree)


@pytest.mark.parametrize(
    ("files", "rules"),
    [
        ({"CMakeLists.txt": CMAKE, "config.h.in": CMAKE_CONFIG}, RULES),
        ({"meson.build": MESON}, RULES),
        ({"configure.sh": BY_HAND, "demo.h": "/* #undef HAVE_BACKTRACE */\n"}, RULES_BY_HAND),
    ],
    ids=["cmake", "meson", "by hand"],
)
def test_a_function_that_musl_lacks_is_told(
    tmp_path: Path, files: dict[str, str], rules: str
) -> None:
    tree = make_source(tmp_path / "demo", files, rules)
    before = sorted((path, path.read_bytes()) for path in tree.rglob("*") if path.is_file())
    answers = {answer.name: answer for answer in configured(tree, tmp_path / "work")}
    lost = answers.pop("HAVE_BACKTRACE")
    assert (lost.kind, lost.variant) == (Kind.DEFINE, None)
    evidence = Evidence(
        native=read_native_libc(load_target()), variant=read_variant_libc(load_target())
    )
    reason = explain(lost, evidence)
    assert reason.cause is Cause.LIBC
    assert reason.detail == "glibc has backtrace, musl has not"
    unknown = {name for name, a in answers.items() if explain(a, evidence).cause is Cause.UNKNOWN}
    assert unknown == set()
    assert "HAVE_FORK" not in answers
    after = sorted((path, path.read_bytes()) for path in tree.rglob("*") if path.is_file())
    assert after == before


def test_what_does_not_configure_natively_is_told(tmp_path: Path) -> None:
    broken = "project('demo', 'c')\nerror('out of luck')\n"
    tree = make_source(tmp_path / "demo", {"meson.build": broken})
    with pytest.raises(BuildError, match=r"does not configure natively: .*out of luck") as caught:
        configured(tree, tmp_path / "work")
    assert str(tmp_path / "work" / "log") in caught.value.hint


def test_rules_that_fail_after_configure_have_configured(tmp_path: Path) -> None:
    rules = RULES + "override_dh_auto_build:\n\tdh_auto_build\n\ttest -f not-built\n"
    tree = make_source(tmp_path / "demo", {"meson.build": MESON}, rules)
    assert "HAVE_BACKTRACE" in {answer.name for answer in configured(tree, tmp_path / "work")}


def test_the_stopping_command_is_clean() -> None:
    run(["shellcheck", DEBHELPER / "pass" / "after_configure"])


@pytest.fixture(name="json_c", scope="module")
def _json_c(archive: Fetch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive's json-c, which configures with cmake; its variant is beside it."""
    dsc = archive("json-c")
    output = tmp_path_factory.mktemp("json-c")
    for path in dsc.parent.glob("json-c_*"):
        shutil.copy(path, output)
    assert main(["build", str(output / dsc.name), "--output", str(output), "--jobs", "2"]) == 0
    return output / dsc.name


def test_the_archives_own(json_c: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["diff", str(json_c), "--variants", str(json_c.parent), "--json", "--strict"]
    assert main(words) == 0
    (document,) = json.loads(capfd.readouterr().out)
    assert document["source"] == "json-c"
    found = {item["name"]: item for item in document["differences"]}
    assert found["HAVE_ARC4RANDOM"]["cause"] == "libc"
    assert found["BUILD_SHARED_LIBS"]["cause"] == "static"
    assert "symbol" not in {item["kind"] for item in document["differences"]}
    assert not list(json_c.parent.glob("*.diff.log"))


def test_packages_at_hand(json_c: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A variant that lost a symbol and a header: made by taking both out of one that did not."""
    run(["apt-get", "download", "-q", "libjson-c-dev", "libjson-c5"], cwd=tmp_path)
    (deb,) = json_c.parent.glob("libjson-c-rumprun-dev_*_all.deb")
    root = tmp_path / "root"
    run(["dpkg-deb", "--raw-extract", deb, root])
    target = load_target()
    (archive,) = root.rglob("libjson-c.a")
    run([target.tool("objcopy"), "--strip-symbol=json_tokener_parse", archive])
    (header,) = root.rglob("json_visit.h")
    header.unlink()
    (tmp_path / "variants").mkdir()
    run(["dpkg-deb", "--root-owner-group", "--build", root, tmp_path / "variants" / deb.name])
    words = ["diff", str(json_c), "--variants", str(tmp_path / "variants"), "--packages-only"]
    assert main([*words, "--native", str(tmp_path), "--strict"]) == 1
    lines = capfd.readouterr().out.splitlines()
    assert any("json_tokener_parse " in line and "unknown" in line for line in lines)
    assert any("json-c/json_visit.h" in line and "there" in line for line in lines)


def test_bad_input(json_c: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    dsc, nothing = str(json_c), str(tmp_path)
    assert main(["diff", dsc, "--variants", nothing, "--packages-only"]) == 4
    assert "no variant of json-c is here" in capfd.readouterr().err
    assert main(["diff", dsc, "--variants", f"{nothing}/none"]) == 4
    assert "none: no such directory" in capfd.readouterr().err
    place = str(json_c.parent)
    words = ["diff", dsc, "--variants", place, "--native", nothing, "--packages-only"]
    assert main(words) == 4
    assert "has no native package of json-c" in capfd.readouterr().err
    assert main(["diff", dsc, "--jobs", "0"]) == 2

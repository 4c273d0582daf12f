# SPDX-License-Identifier: BSD-2-Clause
"""A source that is built by waf, with the waf that a source of the archive brings along."""

from __future__ import annotations

from pathlib import Path

import pytest
from archive_samples import Fetch
from test_build_again import FOO, RULES, build, make_source

from rumprun.command import run
from rumprun.source.dsc import unpack
from rumprun.target.descriptor import load_target

pytestmark = pytest.mark.integration

FILES = {
    "foo.c": FOO,
    "foo.h": "int foo(void);\n",
    "main.c": """\
#include "foo.h"
#include <stdio.h>
int main(void) { printf("%d\\n", foo()); return 0; }
""",
    "wscript": """\
APPNAME = 'foo'
VERSION = '1.0'
def options(ctx):
    ctx.load('compiler_c')
def configure(ctx):
    ctx.load('compiler_c')
    ctx.check_cc(header_name='stdio.h')
    ctx.check_cc(fragment='int main(void) { return 0; }', execute=True, msg='runs programs')
def build(ctx):
    ctx.shlib(source='foo.c', target='foo', vnum='1.2.3')
    ctx.program(source='main.c', target='speak', use='foo')
    ctx.install_files('${PREFIX}/include', 'foo.h')
""",
    "debian/rules": RULES
    + """\
override_dh_auto_configure:
\tpython3 ./waf configure --prefix=/usr --libdir=/usr/lib/$(DEB_HOST_MULTIARCH)
override_dh_auto_build:
\tpython3 ./waf build
override_dh_auto_install:
\tpython3 ./waf install --destdir=debian/tmp
override_dh_auto_clean:
\trm -rf build .lock-waf*
""",
    "debian/libfoo-dev.install": "usr/lib\nusr/include\nusr/bin\n",
}


def test_a_shared_library_of_waf_becomes_a_static_one(archive: Fetch, tmp_path: Path) -> None:
    bringer = unpack(archive("jackd2"), tmp_path / "bringer")
    files = {
        str(path.relative_to(bringer)): path.read_text(encoding="utf-8")
        for path in (bringer / "waf", *sorted((bringer / "waflib").rglob("*.py")))
    }
    answer = build(make_source(tmp_path, {**files, **FILES}), tmp_path / "out")
    assert answer.returncode == 0, answer.stderr
    (deb,) = (tmp_path / "out").glob("*.deb")
    run(["dpkg-deb", "--extract", deb, tmp_path / "root"])
    prefix = tmp_path / "root" / load_target().prefix.relative_to("/")
    assert sorted(path.name for path in (prefix / "lib").iterdir()) == ["libfoo.a"]
    assert run([prefix / "bin" / "speak"]).stdout == "42\n"

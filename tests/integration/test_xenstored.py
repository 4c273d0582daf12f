# SPDX-License-Identifier: BSD-2-Clause
"""xenstored as a static program, and Xen's libraries, by the recipe that is shipped."""

from __future__ import annotations

from pathlib import Path

import pytest
from archive_samples import Fetch

from rumprun import paths
from rumprun.command import base_environment, run
from rumprun.source.recipe_files import read_recipe
from rumprun.target.descriptor import load_target

pytestmark = pytest.mark.integration

RUMPDEB = paths.DATA / "rumpdeb"


DRIVER = """\
#include <stdio.h>
#include <xenctrl.h>
#include <xenstore.h>
int main(void) {
    struct xs_handle *store = xs_open(0);
    xc_interface *control = xc_interface_open(0, 0, 0);
    printf("%s %s\\n", store ? "store" : "none", control ? "control" : "none");
    return 0;
}
"""


@pytest.fixture(scope="module")
def built(archive: Fetch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prefix of what the variants of Xen hold, unpacked together."""
    work = tmp_path_factory.mktemp("xen")
    words = (RUMPDEB, "build", "--only-named", archive("xen"), "--output", work / "out")
    run(words, timeout=1200)
    debs = sorted((work / "out").glob("*.deb"))
    assert [deb.name.partition("_")[0] for deb in debs] == [
        "libxen-rumprun-dev",
        "xenstored-rumprun",
    ]
    run([RUMPDEB, "audit", *debs])
    for deb in debs:
        run(["dpkg-deb", "--extract", deb, work / "root"])
    return work / "root" / load_target().prefix.relative_to("/")


def test_xenstored_is_a_static_program_of_its_own(built: Path, tmp_path: Path) -> None:
    program = built / "sbin" / "xenstored"
    shown = run([program, "--help"])
    said = shown.stdout + shown.stderr
    assert "xenstored <options>" in said
    # Without a hypervisor it says so, and goes no further.
    answer = run([program, "--no-fork", "--pid-file", tmp_path / "pid"], check=False, timeout=20)
    assert answer.returncode != 0
    assert "hypervisor" in answer.stderr


def test_a_program_is_linked_with_xens_libraries(built: Path, tmp_path: Path) -> None:
    source = tmp_path / "driver.c"
    source.write_text(DRIVER, encoding="utf-8")
    target = load_target()
    environment = {**base_environment(), "RUMPRUN_SYSROOT": str(built)}
    words = (target.tool("pkg-config"), "--static", "--cflags", "--libs", "xencontrol", "xenstore")
    flags = run(words, env=environment).stdout.split()
    program = tmp_path / "driver"
    run([target.tool("gcc"), source, "-o", program, *flags], env=environment)
    assert run([program]).stdout == "none none\n"


@pytest.mark.parametrize("name", ["qemu", "xen"])
def test_recipes_are_short(name: str) -> None:
    assert read_recipe(paths.RECIPES / f"{name}.toml").lines <= 25

# SPDX-License-Identifier: BSD-2-Clause
"""xenstored as a static program, and Xen's libraries, by the recipe that is shipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from rumprun import paths
from rumprun.bake.xen_abi import domctl_in
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
def built(built_xen: Path) -> Path:
    """The prefix of what the variants of Xen hold."""
    debs = sorted((built_xen.parents[2] / "out").glob("*.deb"))
    assert [deb.name.partition("_")[0] for deb in debs] == [
        "libxen-rumprun-dev",
        "vchan-socket-proxy-rumprun",
        "xenstored-rumprun",
    ]
    run([RUMPDEB, "audit", *debs])
    return built_xen


def test_xenstored_is_a_static_program_of_its_own(built: Path, tmp_path: Path) -> None:
    program = built / "sbin" / "xenstored"
    shown = run([program, "--help"])
    said = shown.stdout + shown.stderr
    assert "xenstored <options>" in said
    # Without a hypervisor it says so, and goes no further.
    answer = run([program, "--no-fork", "--pid-file", tmp_path / "pid"], check=False, timeout=20)
    assert answer.returncode != 0
    assert "hypervisor" in answer.stderr


def test_the_monitors_proxy_is_a_program_of_its_own(built: Path) -> None:
    answer = run([built / "bin" / "vchan-socket-proxy"], check=False)
    assert answer.returncode == 1
    assert "domainid nodepath [socket-path|file-no|-]" in answer.stderr


def test_the_stores_library_is_for_several_threads(built: Path) -> None:
    """As the archive's shared one is: QEMU's threads share a connection."""
    names = run([load_target().tool("nm"), built / "lib" / "libxenstore.a"]).stdout
    assert "U pthread_mutex_lock" in names


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


# What libxenctrl says to the hypervisor, caught on its way.
CAUGHT = """\
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xen/domctl.h>
#include <xen/sys/privcmd.h>
int ioctl(int file, int request, ...) {
    va_list rest;
    va_start(rest, request);
    privcmd_hypercall_t *call = va_arg(rest, privcmd_hypercall_t *);
    va_end(rest);
    if ((unsigned)request == (unsigned)IOCTL_PRIVCMD_HYPERCALL && call->op == __HYPERVISOR_domctl)
        printf("%#x\\n", ((struct xen_domctl *)call->arg[0])->interface_version);
    errno = ENOTTY;
    return -1;
}
int open(const char *path, int flags, ...) {
    const int file = memfd_create(path, (unsigned)flags & 0);
    return ftruncate(file, 1 << 20) == 0 ? file : -1;
}
int main(void) {
    xc_interface *control = xc_interface_open(0, 0, 0);
    return control ? xc_domain_pause(control, 0) : 1;
}
"""


def test_the_note_is_what_the_library_says_to_the_hypervisor(built: Path, tmp_path: Path) -> None:
    source = tmp_path / "caught.c"
    source.write_text(CAUGHT, encoding="utf-8")
    target = load_target()
    environment = {**base_environment(), "RUMPRUN_SYSROOT": str(built)}
    words = (target.tool("pkg-config"), "--static", "--cflags", "--libs", "xencontrol")
    flags = run(words, env=environment).stdout.split()
    program = tmp_path / "caught"
    tools = "-D__XEN_TOOLS__"
    run([target.tool("gcc"), tools, source, "-o", program, *flags], env=environment)
    noted = domctl_in(program.read_bytes(), where="caught")
    assert noted == domctl_in((built / "sbin" / "xenstored").read_bytes(), where="xenstored")
    assert run([program], check=False).stdout == f"{noted:#x}\n"


@pytest.mark.parametrize("name", ["qemu", "xen"])
def test_recipes_are_short(name: str) -> None:
    assert read_recipe(paths.RECIPES / f"{name}.toml").lines <= 25

# SPDX-License-Identifier: BSD-2-Clause
"""The environment of the variant pass: what makes a package's own rules build for the target."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from rumprun import paths
from rumprun.command import run
from rumprun.source.naming import PASS_PROFILES
from rumprun.target.descriptor import Target
from rumprun.target.dpkg_tables import write_dpkg_tables

# debhelper commands that shape the build and the trees of the packages. All others document,
# check or pack, and do nothing during the pass, also where a classic debian/rules calls them.
SHAPING_COMMANDS = frozenset(
    {
        "dh_auto_build",
        "dh_auto_clean",
        "dh_auto_configure",
        "dh_auto_install",
        "dh_autoreconf",
        "dh_autoreconf_clean",
        "dh_clean",
        "dh_install",
        "dh_installdocs",
        "dh_installdirs",
        "dh_link",
        "dh_listpackages",
        "dh_movefiles",
        "dh_prep",
        "dh_update_autotools_config",
    }
)

# dpkg's own of the same kind, for rules that do without debhelper, and what edits the run-time
# search path of dynamic objects, of which there are none.
_IDLE_COMMANDS = (
    "chrpath",
    "dpkg-gencontrol",
    "dpkg-gensymbols",
    "dpkg-shlibdeps",
    "patchelf",
)

# Those of the target's tools that makefiles call without a prefix; as and ld, gcc finds itself.
_PLAIN_TOOLS = ("ar", "c++", "cc", "cpp", "g++", "gcc", "nm", "pkg-config", "ranlib", "strip")

_TEST_COMMAND = "dh_auto_test"

# Commands that run debhelper's or dpkg's own with something changed: see debhelper/pass.
_REPLACED_COMMANDS = (
    "dh_auto_configure",
    "dh_autoreconf",
    "dh_install",
    "dpkg-buildflags",
    "pod2man",
)

# What an install step does to shared libraries that this pass does not make.
_TOLERANT_COMMANDS = ("chmod", "cp", "install", "ln", "mv", "readlink", "rm", "sed", "strip")

# Owners are for root to set, and all files of a package are root's anyway.
_OWNER_COMMANDS = ("chgrp", "chown")

_FIND = "find"

# Options that a user may set for any build (Policy 4.9.1), passed on as they are.
_USER_OPTIONS = ("noopt", "nostrip", "terse", "verbose")

# A build must not reach the network (Policy 4.9): nothing listens on the discard port.
_DEAD_PROXY = "http://127.0.0.1:9/"

# What is the same in each pass.
_LOCAL = {
    "LC_ALL": "C.UTF-8",
    "DEB_RULES_REQUIRES_ROOT": "no",
    # gnulib's configure refuses to run as root, which the builder in a chroot may be.
    "FORCE_UNSAFE_CONFIGURE": "1",
    "RUMPRUN_NO_WERROR": "1",
    "http_proxy": _DEAD_PROXY,
    "https_proxy": _DEAD_PROXY,
}


@dataclass(frozen=True, kw_only=True)
class PassDirectories:
    """The private directories of one pass, all outside the source tree.

    ``answers`` keeps what dpkg-buildflags said; ``link_log`` gets one linker map for each
    program; ``absent`` is the file that lists what the install step did without. A build must
    not write to the home directory (Policy 4.9), but some tools need a ``home``; what it leaves
    in ``scratch`` goes with the rest.
    """

    dpkg_tables: Path
    answers: Path
    commands: Path
    tolerant: Path
    link_log: Path
    absent: Path
    home: Path
    scratch: Path


def prepare_directories(target: Target, work: Path, *, check: bool = False) -> PassDirectories:
    """Make the private directories of a pass under ``work``; with ``check``, tests are run."""
    directories = PassDirectories(
        dpkg_tables=work / "dpkg",
        answers=work / "answers",
        commands=work / "commands",
        tolerant=work / "tolerant",
        link_log=work / "links",
        absent=work / "absent",
        home=work / "home",
        scratch=work / "tmp",
    )
    write_dpkg_tables(target, directories.dpkg_tables)
    for name in ("answers", "commands", "tolerant", "links", "home", "tmp"):
        (work / name).mkdir()
    directories.absent.touch()
    for command in Path("/usr/bin").glob("dh_*"):
        left = command.name in SHAPING_COMMANDS or command.name in _REPLACED_COMMANDS
        if not left and not (check and command.name == _TEST_COMMAND):
            (directories.commands / command.name).symlink_to("/bin/true")
    for name in _IDLE_COMMANDS:
        (directories.commands / name).symlink_to("/bin/true")
    for name in _REPLACED_COMMANDS:
        (directories.commands / name).symlink_to(paths.DEBHELPER / "pass" / name)
    for name in _TOLERANT_COMMANDS:
        (directories.tolerant / name).symlink_to(paths.DEBHELPER / "pass" / "tolerant")
    for name in _OWNER_COMMANDS:
        (directories.tolerant / name).symlink_to("/bin/true")
    (directories.tolerant / _FIND).symlink_to(paths.DEBHELPER / "pass" / _FIND)
    return directories


def put_plain_tools(target: Target, directories: PassDirectories) -> None:
    """Let plain ``gcc`` and its like be the target's, by commands that come first in PATH.

    What a build compiles for itself to run is then for the target too, and runs all the same
    where the build machine can run the target's programs.
    """
    for name in _PLAIN_TOOLS:
        tool = target.bin / f"{target.triple}-{name}"
        if tool.exists():
            command = directories.commands / name
            command.write_text(f'#!/bin/sh\nexec {shlex.quote(str(tool))} "$@"\n', encoding="utf-8")
            command.chmod(0o755)


def pass_environment(
    target: Target,
    directories: PassDirectories,
    *,
    source: str,
    epoch: int,
    jobs: int,
    sysroot: Path | None = None,
    profiles: frozenset[str] = PASS_PROFILES,
    check: bool = False,
) -> dict[str, str]:
    """The whole environment of the pass; nothing of the caller's steers the build unseen.

    ``source`` is the source package's name, ``epoch`` its SOURCE_DATE_EPOCH, ``jobs`` how many
    commands may run at once, ``sysroot`` holds the variants that the build needs, if they are
    not installed; ``check`` is for a build that runs the source's own tests.
    """
    tables = {"DPKG_DATADIR": str(directories.dpkg_tables)}
    environment = {
        **_inherited(),
        **_architecture(target, tables),
        **tables,
        **_LOCAL,
        "PATH": f"{directories.commands}:{target.bin}:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(directories.home),
        "TMPDIR": str(directories.scratch),
        "SOURCE_DATE_EPOCH": str(epoch),
        "DEB_BUILD_OPTIONS": " ".join(build_options(os.environ, jobs, check=check)),
        "DEB_BUILD_PROFILES": " ".join(
            sorted({*profiles, f"pkg.{source}.rumprun"} - ({"nocheck"} if check else set()))
        ),
        "PERL5LIB": str(paths.DEBHELPER),
        "DH_EXTRA_ADDONS": "rumprun_pass",
        "DH_RUMPRUN_PASS": target.name,
        "DH_RUMPRUN_ABSENT": str(directories.absent),
        "DH_RUMPRUN_ANSWERS": str(directories.answers),
        "CONFIG_SITE": str(target.data / "config.site"),
        "CMAKE_TOOLCHAIN_FILE": str(target.data / "toolchain.cmake"),
        "RUMPRUN_LINK_LOG": str(directories.link_log),
    }
    if not target.runs_here:
        # What debhelper would write says that programs run here, and another system.
        environment["DH_MESON_CROSS_FILE"] = str(target.data / "cross.meson")
    if sysroot:
        environment["RUMPRUN_SYSROOT"] = str(sysroot)
    return environment


def with_tolerant_tools(
    environment: dict[str, str], directories: PassDirectories
) -> dict[str, str]:
    """``environment`` for the install step, where absent shared libraries are passed over."""
    return {**environment, "PATH": f"{directories.tolerant}:{environment['PATH']}"}


def build_options(
    caller: os._Environ[str] | dict[str, str], jobs: int, *, check: bool = False
) -> list[str]:
    """The words of DEB_BUILD_OPTIONS for the pass: ours, and those of the caller that apply."""
    given = caller.get("DEB_BUILD_OPTIONS", "").split()
    words = ["nodoc", "noautodbgsym"] if check else ["nocheck", "nodoc", "noautodbgsym"]
    words += [word for word in given if word in _USER_OPTIONS]
    # The compiler driver does it: some sources record all flags of the build, paths and all.
    words.append("reproducible=-fixfilepath,-fixdebugpath")
    parallel = [word for word in given if word.startswith("parallel=")]
    return words + (parallel or [f"parallel={jobs}"])


def _inherited() -> dict[str, str]:
    names = ("LOGNAME", "USER", "TERM", "DH_VERBOSE")
    return {name: os.environ[name] for name in names if name in os.environ}


def _architecture(target: Target, tables: dict[str, str]) -> dict[str, str]:
    """What dpkg-buildpackage exports for a cross build: DEB_BUILD_*, DEB_HOST_*, DEB_TARGET_*.

    The build machine is asked for as if it were a host, because dpkg-architecture always calls
    it by its own name.
    """
    host = _ask(target.dpkg_architecture, tables)
    build = _ask(target.dpkg_build_architecture, tables)
    asked = {"DEB_BUILD_": build, "DEB_HOST_": host, "DEB_TARGET_": host}
    return {
        name.replace("DEB_HOST_", prefix): value
        for prefix, answer in asked.items()
        for name, value in answer.items()
        if name.startswith("DEB_HOST_")
    }


def _ask(architecture: str, tables: dict[str, str]) -> dict[str, str]:
    """``-f`` keeps answers for another architecture in the caller's environment out."""
    answer = run(
        ["dpkg-architecture", "-a", architecture, "-f"],
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **tables},
        hint="install dpkg-dev",
    )
    return dict(line.split("=", 1) for line in answer.stdout.splitlines())

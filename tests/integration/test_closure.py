# SPDX-License-Identifier: BSD-2-Clause
"""What ``rumpdeb build`` makes of a name when nothing is there yet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rumprun import paths
from rumprun.command import Completed, run

pytestmark = pytest.mark.integration


def rumpdeb(*words: str | Path, check: bool = True) -> Completed:
    return run([paths.DATA / "rumpdeb", *words], check=check, timeout=1200)


def test_what_is_needed_is_built_first(tmp_path: Path) -> None:
    words = ("build", "libpng1.6", "--enable-deb-src", "--output", tmp_path, "--json")
    first = rumpdeb(*words)
    assert "to build, in this order: zlib, libpng1.6" in first.stderr
    names = [Path(name).name.partition("_")[0] for name in json.loads(first.stdout)]
    assert {"zlib1g-rumprun-dev", "libpng-rumprun-dev"} <= set(names)
    assert names.index("zlib1g-rumprun-dev") < names.index("libpng-rumprun-dev")
    again = rumpdeb(*words)
    assert "zlib" not in again.stdout
    assert "libpng-rumprun-dev" in again.stdout


def test_a_plan_of_the_real_archive(tmp_path: Path) -> None:
    words = ("plan", "glib2.0", "--enable-deb-src", "--json")
    said = rumpdeb(*words).stdout
    plan = json.loads(said)
    names = [node["source"] for node in plan["nodes"]]
    assert {"zlib", "libffi", "pcre2", "util-linux"} < set(names)
    assert names[-1] == "glib2.0"
    for number, node in enumerate(plan["nodes"]):
        assert {need["source"] for need in node["needs"]} <= set(names[:number])
    assert "libselinux1-dev" in plan["nodes"][-1]["dropped"]
    assert rumpdeb(*words, "--offline").stdout == said
    page = tmp_path / "plan.html"
    rumpdeb("plan", "glib2.0", "--enable-deb-src", "--offline", "--html", page)
    assert "<svg" in page.read_text(encoding="utf-8")


def test_qemus_closure_is_short() -> None:
    plan = json.loads(rumpdeb("plan", "qemu", "--enable-deb-src", "--json").stdout)
    nodes = {node["source"]: node for node in plan["nodes"]}
    assert set(nodes) == {
        *("glib2.0", "libffi", "pcre2", "pixman", "qemu", "util-linux", "xen", "zlib"),
    }
    assert nodes["qemu"]["variants"] == ["qemu-system-x86-rumprun"]
    needs = {need["source"]: need["required"] for need in nodes["qemu"]["needs"]}
    assert needs == {"glib2.0": True, "pixman": True, "xen": True, "zlib": True}
    assert "libxen-rumprun-dev" in nodes["xen"]["variants"]


def test_a_plan_of_another_suite() -> None:
    said = rumpdeb("plan", "glib2.0", "--enable-deb-src", "--suite", "trixie", "--json").stdout
    versions = {node["source"]: node["version"] for node in json.loads(said)["nodes"]}
    assert versions["glib2.0"].startswith("2.84.")
    unknown = rumpdeb("plan", "zlib", "--enable-deb-src", "--suite", "no/such", check=False)
    assert (unknown.returncode, unknown.stderr.count("\n")) == (2, 1)

# SPDX-License-Identifier: BSD-2-Clause
"""The slim kernel's source package, and its build, with the tools that do the work."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from rumprun import command
from rumprun.bake import kernel_config, slim_kernel
from rumprun.bake.kernel_config import Setting
from rumprun.errors import BuildError, InputError

pytestmark = pytest.mark.integration

SETTING = Setting(symbol="A", value="y", fragment="10-a.config", line=1)


def test_the_recipe_has_the_fragments_and_the_compiler() -> None:
    recipe = slim_kernel.read_recipe()
    assert recipe.settings == kernel_config.read_fragments(kernel_config.fragment_files())
    assert recipe.compiler.startswith("gcc")


def source_package(directory: Path, members: dict[str, bytes]) -> Path:
    """A package with ``members``, as dpkg-deb makes it."""
    root = directory / "root"
    for name, content in members.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    control = "Package: x\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b.c>\nDescription: x\n"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN" / "control").write_text(control)
    deb = directory / "x.deb"
    command.run(["dpkg-deb", "--root-owner-group", "--build", root, deb], timeout=60)
    return deb


def tarball(names: list[str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(f"linux-source-6.1/{name}"))
    return buffer.getvalue()


CHANGELOG = b"""linux (6.1.9-1) bookworm; urgency=medium

  * New.

 -- A <a@b.c>  Mon, 16 Nov 2026 11:17:40 +0100
"""


def test_what_a_build_needs_is_unpacked(tmp_path: Path) -> None:
    kept = ["Makefile", "arch/Kconfig", "arch/x86/a.c", "arch/arm/crypto/Kconfig",
            "tools/arch/x86/a.h", "sound/Kconfig", "drivers/usb/core/Kconfig",
            "Documentation/Kconfig", "include/sound/a.h"]  # fmt: skip
    left = ["arch/arm/a.c", "sound/a/b.c", "drivers/usb/core/a.c", "Documentation/a/b.rst"]
    deb = source_package(
        tmp_path,
        {
            "usr/src/linux-source-6.1.tar.xz": tarball(kept + left),
            "usr/share/doc/linux-source-6.1/changelog.Debian.gz": gzip.compress(CHANGELOG),
        },
    )
    tree = tmp_path / "tree"
    stamp = slim_kernel.unpack_source(deb, tree)
    assert stamp == "2026-11-16T11:17:40+01:00"
    found = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
    assert found == set(kept)
    assert not deb.exists()


def test_a_package_without_source_is_refused(tmp_path: Path) -> None:
    deb = source_package(tmp_path, {"usr/src/README": b"no source"})
    with pytest.raises(InputError, match="has no kernel source"):
        slim_kernel.unpack_source(deb, tmp_path / "tree")
    deb.write_bytes(b"no package")
    with pytest.raises(InputError, match="damaged"):
        slim_kernel.unpack_source(deb, tmp_path / "tree")


def test_a_failed_build_shows_what_make_said(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(
        "allnoconfig:\n\t@echo CONFIG_A=y > .config\n"
        "bzImage:\n\t@echo 'mill.c:7: error: no flour' >&2; exit 1\n"
    )
    with pytest.raises(BuildError, match=r"mill\.c:7: error: no flour"):
        slim_kernel.build_kernel(tmp_path, [SETTING], tmp_path, stamp="now")

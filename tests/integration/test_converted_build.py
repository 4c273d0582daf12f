# SPDX-License-Identifier: BSD-2-Clause
"""Converted archive sources build their native packages as before, and the variants besides."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from archive_samples import Fetch
from debian.debfile import DebFile

from rumprun import paths
from rumprun.command import base_environment, run
from rumprun.source.convert import convert
from rumprun.source.naming import is_variant_name
from rumprun.source.package import read_source_tree
from rumprun.target.descriptor import load_target

pytestmark = pytest.mark.integration

# What a rebuild under another version and another changelog rightly changes.
CHANGED = ("/changelog.Debian.gz", "/changelog.gz")


def payload(deb: Path) -> dict[str, bytes | None]:
    """Each file of a package with its content; links and directories with ``None``."""
    with DebFile(filename=str(deb)) as package:
        tar = package.data.tgz()
        found: dict[str, bytes | None] = {}
        for member in tar.getmembers():
            if member.name.endswith(CHANGED) or "/.build-id/" in member.name:
                continue
            file = tar.extractfile(member) if member.isreg() else None
            found[member.name] = file.read() if file else None
    return found


def native(directory: Path) -> dict[str, Path]:
    """The packages of a build by name, without the variants and the debugging symbols."""
    return {
        deb.name.partition("_")[0]: deb
        for deb in directory.glob("*.deb")
        if "rumprun" not in deb.name.partition("_")[0] and "-dbgsym" not in deb.name
    }


def build_here(dsc: Path, directory: Path, variants: Path | None) -> None:
    """dpkg-buildpackage of ``dsc`` in ``directory``, with the checkout's add-on.

    The tree has the same name whatever the version, for it shows in what gcc records.
    """
    tree = directory / "tree"
    directory.mkdir()
    run(["dpkg-source", "-x", dsc, tree], cwd=directory)
    environment = {
        **base_environment(),
        "PATH": f"{paths.DATA}:{os.environ['PATH']}",
        "PERL5LIB": str(paths.DEBHELPER),
        "DEB_BUILD_OPTIONS": "parallel=2 nocheck",
        **({"RUMPRUN_VARIANTS": str(variants)} if variants else {}),
    }
    run(["dpkg-buildpackage", "-b", "-us", "-uc", "-d"], cwd=tree, env=environment)


def test_native_packages_of_a_converted_source_are_unchanged(
    archive: Fetch, tmp_path: Path
) -> None:
    load_target().tool("gcc")
    dsc = archive("libpng1.6")
    run(
        [paths.DATA / "rumpdeb", "build", "zlib", "--enable-deb-src", "-o", tmp_path / "variants"],
        env={**base_environment(), **os.environ},
    )
    build_here(dsc, tmp_path / "before", None)
    # The date of the changelog entry goes into pictures and compressed files: the same for both.
    date = read_source_tree(tmp_path / "before" / "tree").timestamp
    converted = convert(
        dsc, output=tmp_path / "converted", environment={"SOURCE_DATE_EPOCH": str(date)}
    )
    build_here(converted.dsc, tmp_path / "after", tmp_path / "variants")
    before, after = native(tmp_path / "before"), native(tmp_path / "after")
    assert sorted(before) == sorted(after)
    for name, deb in before.items():
        old, new = payload(deb), payload(after[name])
        assert sorted(old) == sorted(new), name
        assert not [path for path in old if old[path] != new[path] and not is_elf(old[path])], name
    names = {deb.name.partition("_")[0] for deb in (tmp_path / "after").glob("*.deb")}
    assert set(filter(is_variant_name, names)) == {"libpng-rumprun-dev", "libpng-tools-rumprun"}


def is_elf(content: bytes | None) -> bool:
    """Programs and libraries carry the version's own build id."""
    return content is not None and content.startswith(b"\x7fELF")

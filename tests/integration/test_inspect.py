# SPDX-License-Identifier: BSD-2-Clause
"""Images of programs that the target's compiler has linked say what is in them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from toolchain_shop import Shop, built_target

from rumprun import command, paths
from rumprun.target.descriptor import Target

pytestmark = pytest.mark.integration

MAIN = '#include <stdio.h>\nint f(void);\nint main(void) { return puts("x") + f() < 0; }\n'
KERNEL = bytes(0x202) + b"HdrS" + bytes(1000)


@pytest.fixture(scope="module")
def target() -> Target:
    return built_target("install")


@pytest.fixture
def shop(target: Target, tmp_path: Path) -> Shop:
    """A place with a program that is linked with a library of its own and one of a package."""
    shop = Shop(target, tmp_path)
    shop.write("main.c", MAIN)
    shop.write("f.c", "int g(void);\nint f(void) { return g(); }\n")
    shop.write("g.c", "const int table[3000] = {1};\nint g(void) { return table[7]; }\n")
    (tmp_path / "vmlinuz").write_bytes(KERNEL)
    for name in ("main", "f", "g"):
        shop.gcc("-c", f"{name}.c")
    shop.tool("ar", "rcsD", "libf.a", "f.o")
    (tmp_path / "overlay" / "lib").mkdir(parents=True)
    shop.tool("ar", "rcsD", "overlay/lib/libg.a", "g.o")
    overlay = {"RUMPRUN_SYSROOT": str(tmp_path / "overlay")}
    shop.gcc("main.o", "-L.", "-lf", "-lg", "-o", "prog", env=overlay)
    return shop


def bake(shop: Shop, program: str, image: str) -> dict[str, Any]:
    """Bake without network and boot code, and inspect."""
    rumpdeb = paths.DATA / "rumpdeb"
    words = ("--kernel", shop.directory / "vmlinuz", "-o", shop.directory / image)
    command.run([rumpdeb, "bake", *words, shop.directory / program])
    answer = command.run([rumpdeb, "inspect", "--json", shop.directory / image])
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def linked_into(found: dict[str, Any], name: str) -> dict[str, str]:
    """The packages that the SBOM says were linked into the program ``name``, with versions."""
    sbom = found["sbom"]
    packages = {package["SPDXID"]: package for package in sbom["packages"]}
    (own,) = [file["SPDXID"] for file in sbom["files"] if file["fileName"] == f"./bin/{name}"]
    return {
        package["name"]: package["versionInfo"]
        for relation in sbom["relationships"]
        if relation["spdxElementId"] == own and relation["relationshipType"] == "STATIC_LINK"
        if (package := packages.get(relation["relatedSpdxElement"]))
    }


def version_of(package: str) -> str:
    return command.run(["dpkg-query", "-W", "-f", "${source:Version}", package]).stdout


def test_installed_packages_are_named_with_their_versions(shop: Shop) -> None:
    linked = linked_into(bake(shop, "prog", "image"), "prog")
    assert linked["musl"] == version_of("musl-dev")
    assert linked["gcc-12"] == version_of("libgcc-12-dev")
    # Their sources nobody knows: one is of the build, and of the other no package is installed.
    assert linked["libf.a"] == linked["lib/libg.a"] == "NOASSERTION"


def test_sizes_are_those_of_what_was_linked(shop: Shop) -> None:
    found = bake(shop, "prog", "image")
    sizes = {(size["origin"], size["name"]): size["bytes"] for size in found["sizes"]}
    assert 12_000 < sizes["unknown", "lib/libg.a"] < 12_200
    assert sizes["kernel", "kernel"] == len(KERNEL)
    assert sizes["source", "musl"] > 2000
    components = found["image"]["components"]
    assert sum(sizes.values()) == sum(component["size"] for component in components)


def test_the_boards_own_entrypoint_is_known_whole(shop: Shop) -> None:
    (init,) = [
        component
        for component in bake(shop, "prog", "image")["image"]["components"]
        if component["kind"] == "entrypoint"
    ]
    assert init["source"]["name"] == "dh-rumprun"
    sources = {(file["source"] or {}).get("name") for file in init["linked"]}
    assert sources == {"dh-rumprun", "gcc-12", "musl"}


def test_the_toolchain_changed_since_the_link(shop: Shop, target: Target) -> None:
    other = shop.directory / "other"
    prefix = other / target.sysroot.relative_to(target.root)
    shutil.copytree(target.root, other, symlinks=True)
    (prefix / "lib" / "libg.a").write_bytes(b"!<arch>\nof another version\n")
    words = ("bake", "--kernel", shop.directory / "vmlinuz", "-o", shop.directory / "image")
    command.run(
        [paths.DATA / "rumpdeb", *words, shop.directory / "prog"],
        env={**command.base_environment(), "RUMPRUN_TOOLCHAIN_ROOT": str(other)},
    )
    document = json.loads((shop.directory / "image" / "image.json").read_text(encoding="utf-8"))
    (program,) = [each for each in document["components"] if each["kind"] == "program"]
    found = {file["file"]: file.get("source") for file in program["linked"]}
    assert found["lib/libg.a"] is None
    assert found["lib/libc.a"] == {"name": "musl", "version": version_of("musl-dev")}


def test_two_bakes_are_identical(shop: Shop) -> None:
    bake(shop, "prog", "one")
    bake(shop, "prog", "two")
    names = sorted(path.name for path in (shop.directory / "one").iterdir())
    assert names == ["image.json", "initramfs", "kernel", "sbom.spdx.json"]
    for name in names:
        one, two = (shop.directory / place / name for place in ("one", "two"))
        assert one.read_bytes() == two.read_bytes(), name


def test_a_program_that_says_nothing_is_unknown(shop: Shop) -> None:
    shop.tool("objcopy", "--remove-section=.rumprun.linked", "prog", "dark")
    found = bake(shop, "dark", "image")
    assert linked_into(found, "dark") == {}
    assert {"origin": "whole", "name": "/bin/dark", "version": None} in [
        {key: value for key, value in size.items() if key != "bytes"} for size in found["sizes"]
    ]
    answer = command.run([paths.DATA / "rumpdeb", "inspect", shop.directory / "image"])
    assert "1 part of unknown origin" in answer.stdout

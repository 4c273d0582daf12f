# SPDX-License-Identifier: BSD-2-Clause
"""pkg-config files and archives completed for static linking."""

from __future__ import annotations

from pathlib import Path

import pytest
from toolchain_shop import Shop, built_target

from rumprun.target.descriptor import load_target
from rumprun.variant.complete import complete, read_symbols, recorded
from rumprun.variant.harvest import Harvested
from rumprun.variant.sysroot import Sysroot
from unit.variant_samples import candidate

pytestmark = pytest.mark.integration

TARGET = load_target()
CORE = "int core(void) { return 1; }\n"
EXTRA = "int core(void), far(void); int extra(void) { return core() + far(); }\n"
FAR = "int far(void) { return 2; }\n"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(built_target("install"), tmp_path)


def archive(shop: Shop, place: Path, name: str, text: str) -> None:
    shop.write(f"{name}.c", text)
    shop.gcc("-c", f"{name}.c")
    place.mkdir(parents=True, exist_ok=True)
    shop.tool("ar", "rc", place / f"lib{name}.a", f"{name}.o")


def variant(root: Path) -> Harvested:
    return Harvested(candidate=candidate("libfoo-dev"), root=root)


def test_what_a_shared_library_brings_itself_is_named(shop: Shop, tmp_path: Path) -> None:
    root, sysroot = tmp_path / "root", tmp_path / "sysroot"
    library = root / TARGET.prefix.relative_to("/") / "lib"
    archive(shop, library, "core", CORE)
    archive(shop, library, "extra", EXTRA)
    archive(shop, sysroot / "lib", "far", FAR)
    archive(shop, sysroot / "lib", "unrelated", "int unrelated(void) { return 0; }\n")
    (library / "pkgconfig").mkdir()
    whole = "Name: core\nDescription: x\nVersion: 1\nLibs: -L/x -lcore\n"
    (library / "pkgconfig/core.pc").write_text(whole, encoding="utf-8")
    silent = "Name: extra\nDescription: x\nVersion: 1\nLibs: -L/x -lextra\n"
    (library / "pkgconfig/extra.pc").write_text(silent, encoding="utf-8")
    partial = silent + "Requires: core\nLibs.private: -lm\n"
    (library / "pkgconfig/partial.pc").write_text(partial, encoding="utf-8")
    complete([variant(root)], TARGET, Sysroot(path=sysroot, variants={}, owners={}))
    said = {path.stem: path.read_text("utf-8") for path in (library / "pkgconfig").iterdir()}
    assert recorded(library / "libextra.a", TARGET) == ("-lcore", "-lfar")
    assert recorded(library / "libcore.a", TARGET) == ()
    shop.write("program.c", "int extra(void);\nint main(void) { return extra() - 3; }\n")
    words = (f"-L{library}", f"-L{sysroot}/lib", "-lextra")
    shop.gcc("-o", "program", "program.c", *words)
    shop.run(tmp_path / "program")
    # Once is enough: the second time all is there.
    complete([variant(root)], TARGET, Sysroot(path=sysroot, variants={}, owners={}))
    assert recorded(library / "libextra.a", TARGET) == ("-lcore", "-lfar")
    assert said["core"] == whole
    assert said["extra"] == silent + "Libs.private: -lcore -lfar\n"
    assert said["partial"] == partial.replace("-lm\n", "-lm -lfar\n")


def test_what_nobody_defines_is_left_to_the_audit(shop: Shop, tmp_path: Path) -> None:
    root = tmp_path / "root"
    library = root / TARGET.prefix.relative_to("/") / "lib"
    archive(shop, library, "extra", EXTRA)
    (library / "pkgconfig").mkdir()
    silent = "Name: extra\nDescription: x\nVersion: 1\nLibs: -lextra\n"
    (library / "pkgconfig/extra.pc").write_text(silent, encoding="utf-8")
    complete([variant(root)], TARGET, Sysroot(path=None, variants={}, owners={}))
    assert (library / "pkgconfig/extra.pc").read_text(encoding="utf-8") == silent


def test_symbols_of_an_archive(shop: Shop, tmp_path: Path) -> None:
    archive(shop, tmp_path, "mix", EXTRA + "int core(void) { return 3; }\n")
    found = read_symbols(tmp_path / "libmix.a", TARGET)
    assert {"core", "extra"} <= found.defined
    assert "far" in found.wanted
    assert "core" not in found.wanted
    (tmp_path / "libbroken.a").write_bytes(b"!<arch>\nnothing")
    assert read_symbols(tmp_path / "libbroken.a", TARGET).defined == frozenset()

# SPDX-License-Identifier: BSD-2-Clause
"""The target's compiler leaves in each program what was linked into it."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from toolchain_shop import Shop, built_target

from rumprun import command
from rumprun.contributions import SECTION, Contributions, LinkedFile, Source, read_contributions
from rumprun.target.descriptor import Target
from rumprun.variant.contributed import name_sources
from rumprun.variant.harvest import Harvested
from rumprun.variant.sysroot import Sysroot, Variant
from unit.variant_samples import candidate, source

pytestmark = pytest.mark.integration

MAIN = '#include <stdio.h>\nint f(int);\nint main(void) { return puts("x") + f(1) < 0; }\n'
# Large enough to be told from everything else by its size.
LIBRARY = "const int table[5000] = {1};\nint f(int i) { return table[i]; }\n"


@pytest.fixture(scope="module")
def target() -> Target:
    return built_target("install")


@pytest.fixture
def shop(target: Target, tmp_path: Path) -> Shop:
    return stocked(target, tmp_path / "shop")


def stocked(target: Target, directory: Path) -> Shop:
    """A shop with a main program and two archives, of which it needs one."""
    shop = Shop(target, directory)
    shop.write("main.c", MAIN)
    shop.write("f.c", LIBRARY)
    shop.write("unused.c", "int unused(void) { return 0; }\n")
    for name in ("main", "f", "unused"):
        shop.gcc("-g", "-c", f"{name}.c")
    shop.tool("ar", "rcsD", "libf.a", "f.o")
    shop.tool("ar", "rcsD", "libunused.a", "unused.o")
    return shop


def said_by(path: Path) -> Contributions:
    found = read_contributions(path)
    assert found is not None
    return found


def files_of(said: Contributions) -> dict[str, LinkedFile]:
    return {file.file: file for file in said.linked}


def test_archives_are_named_with_their_bytes(shop: Shop) -> None:
    shop.gcc("main.o", "-L.", "-lf", "-lunused", "-o", "prog")
    said = said_by(shop.directory / "prog")
    files = files_of(said)
    assert {"libf.a", "lib/libc.a", "lib/rcrt1.o"} <= set(files)
    assert "libunused.a" not in files
    assert 20_000 < files["libf.a"].bytes < 20_200
    assert files["libf.a"].crc32 is None
    assert files["lib/libc.a"].bytes > 1000
    assert len(files["lib/libc.a"].crc32 or "") == 8
    assert 20 < said.own < 500
    assert shop.run("./prog") == "x\n"


def test_what_is_not_loaded_does_not_count(shop: Shop) -> None:
    shop.write("big.c", "char zeros[1 << 20];\nint main(void) { return zeros[5]; }\n")
    shop.gcc("-g3", "big.c", "-o", "big")
    path = shop.directory / "big"
    assert said_by(path).own < 500
    with path.open("rb") as file:
        loaded = sum(segment["p_filesz"] for segment in ELFFile(file).iter_segments("PT_LOAD"))
    assert said_by(path).bytes <= loaded


@pytest.mark.parametrize("words", [("-s",), ("--strip-unneeded",), ("-R", ".comment")])
def test_strip_leaves_it_there(shop: Shop, words: tuple[str, ...]) -> None:
    shop.gcc("main.o", "-L.", "-lf", "-o", "prog")
    before = said_by(shop.directory / "prog")
    shop.tool("strip", *words, "prog")
    assert said_by(shop.directory / "prog") == before
    assert shop.run("./prog") == "x\n"


def test_it_is_a_section_like_others(shop: Shop) -> None:
    shop.gcc("main.o", "-L.", "-lf", "-o", "prog", "-Wl,--build-id")
    data = (shop.directory / "prog").read_bytes()
    elf = ELFFile(io.BytesIO(data))
    section = elf.get_section_by_name(SECTION)
    assert section["sh_flags"] == 0
    # Nothing follows the headers of the sections, and readelf has nothing to say.
    assert len(data) == elf["e_shoff"] + elf["e_shnum"] * elf["e_shentsize"]
    listing = command.run([shop.target.tool("readelf"), "-SWl", shop.directory / "prog"])
    assert "arning" not in listing.stderr + listing.stdout


def test_the_place_of_the_build_does_not_matter(target: Target, tmp_path: Path) -> None:
    programs = []
    for name in ("one", "another place"):
        shop = stocked(target, tmp_path / name)
        place = shop.directory
        shop.gcc("-Wl,-S", "main.o", f"{place}/libf.a", "-o", f"{place}/prog")
        programs.append((shop.directory / "prog").read_bytes())
        assert str(tmp_path).encode() not in programs[-1]
    assert programs[0] == programs[1]


def test_other_ways_to_link(shop: Shop) -> None:
    shop.gcc("main.o", "-L.", "-lf", "-oprog")
    expected = set(files_of(said_by(shop.directory / "prog")))
    shop.tool("ld", "main.o", "-L.", "-lf", "-lc", "-emain", "--output=plain")
    assert "libf.a" in files_of(said_by(shop.directory / "plain"))
    shop.gcc("main.o", "-L.", "-lf")
    assert set(files_of(said_by(shop.directory / "a.out"))) == expected
    log = shop.directory / "log"
    log.mkdir()
    shop.gcc("main.o", "-L.", "-lf", "-o", "logged", env={"RUMPRUN_LINK_LOG": str(log)})
    assert set(files_of(said_by(shop.directory / "logged"))) == expected
    shop.gcc("-flto", "main.c", "f.c", "-o", "lto")
    assert "lib/libc.a" in files_of(said_by(shop.directory / "lto"))


def test_a_library_has_one_name_by_whatever_way(shop: Shop) -> None:
    overlay = shop.directory / "overlay"
    (overlay / "lib" / "pkgconfig").mkdir(parents=True)
    (shop.directory / "libf.a").rename(overlay / "lib" / "libf.a")
    (shop.directory / "link").symlink_to(overlay)
    env = {"RUMPRUN_SYSROOT": str(shop.directory / "link")}
    ways = ["-lf", f"{overlay}/lib/pkgconfig/..//libf.a", "link/lib/libf.a", "overlay/lib/libf.a"]
    for way in ways:
        shop.gcc("main.o", way, "-o", "prog", env=env)
        assert "lib/libf.a" in files_of(said_by(shop.directory / "prog")), way


def test_many_objects_take_no_time(shop: Shop) -> None:
    text = "".join(f"int f{i}(void) {{ return {i}; }}\n" for i in range(20))
    shop.write("many.c", text)
    shop.gcc("-ffunction-sections", "-c", "many.c")
    directory = shop.directory / "objects"
    directory.mkdir()
    names = [directory / f"a_long_name_as_of_a_large_source_{i}.o" for i in range(2000)]
    for name in names:
        name.hardlink_to(shop.directory / "many.o")
    words = "\n".join(map(str, names))
    (shop.directory / "objects.rsp").write_text(words, encoding="utf-8")
    spent = {}
    # The driver leaves no record in what is called conftest.
    for output in ("conftest", "prog"):
        started = os.times()
        shop.gcc("main.o", "f.o", "-Wl,-z,muldefs", "@objects.rsp", "-o", output)
        spent[output] = sum(os.times()[2:4]) - sum(started[2:4])
    assert said_by(shop.directory / "prog").own > 2000 * 20 * 6
    assert spent["prog"] < 2 * spent["conftest"] + 0.5


def test_links_that_are_left_alone(shop: Shop) -> None:
    shop.gcc("main.o", "-L.", "-lf", "-o", "conftest")
    assert read_contributions(shop.directory / "conftest") is None
    shop.gcc("main.o", "-L.", "-lf", "-o", "mapped", "-Wl,-Map=own.map")
    assert read_contributions(shop.directory / "mapped") is None
    assert "libf.a" in (shop.directory / "own.map").read_text(encoding="utf-8")
    shop.gcc("-r", "-nostdlib", "main.o", "f.o", "-o", "both.o")
    shop.gcc("-shared", "f.o", "-o", "libf.so")
    assert shop.members("libf.so") == ["f.o"]
    # What was there before is nobody's result.
    shop.gcc("main.o", "-L.", "-lf", "-o", "prog")
    before = (shop.directory / "prog").read_bytes()
    shop.gcc("-###", "main.o", "-L.", "-lf", "-o", "prog")
    assert (shop.directory / "prog").read_bytes() == before


def test_a_failed_link_fails_as_before(shop: Shop) -> None:
    with pytest.raises(command.CommandFailed, match="undefined reference to `f'"):
        shop.gcc("main.o", "-o", "prog")
    assert not (shop.directory / "prog").exists()
    shop.gcc("main.o", "-L.", "-lf", "-o", "/dev/null")


def test_the_variant_pass_adds_the_sources(shop: Shop) -> None:
    overlay = shop.directory / "overlay"
    (overlay / "lib").mkdir(parents=True)
    archive = overlay / "lib" / "libf.a"
    (shop.directory / "libf.a").rename(archive)
    env = {"RUMPRUN_SYSROOT": str(overlay)}
    (shop.directory / "variant").mkdir()
    shop.gcc("main.o", "-L.", "-lf", "-lunused", "-Wl,-uunused", "-o", "variant/prog", env=env)
    before = said_by(shop.directory / "variant" / "prog")
    variant = Variant(
        name="f-rumprun-dev",
        version="7",
        source="ffff",
        source_version="1:7-2",
        depends="",
        deb=None,
    )
    sysroot = Sysroot(
        path=overlay, variants={variant.name: variant}, owners={archive: variant.name}
    )
    item = Harvested(candidate=candidate("main"), root=shop.directory / "variant")
    for _ in range(2):
        name_sources([item], source("main"), shop.target, sysroot)
        after = said_by(shop.directory / "variant" / "prog")
        files = files_of(after)
        assert files["lib/libf.a"].source == Source(name="ffff", version="1:7-2")
        own = Source(name="foo", version="1:2.0-3")
        assert (after.source, files["libunused.a"].source) == (own, own)
        musl = files["lib/libc.a"].source
        assert musl
        assert musl.name == "musl"
        assert musl.version
        assert {file.crc32 for file in after.linked} == {None}
        assert after.bytes == before.bytes
    assert shop.run("variant/prog") == "x\n"

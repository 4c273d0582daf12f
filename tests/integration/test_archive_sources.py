# SPDX-License-Identifier: BSD-2-Clause
"""The main job on real input: variants of archive sources, unmodified, audited, linked, run."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from debian.deb822 import Deb822
from debian.debfile import DebFile

from rumprun import paths
from rumprun.command import Completed, base_environment, run
from rumprun.target.descriptor import load_target
from rumprun.workdir import temporary_tree

pytestmark = pytest.mark.integration

RUMPDEB = paths.DATA / "rumpdeb"
SOURCES = ("zlib", "libffi", "expat", "pcre2", "libpng1.6")
PACKAGES = {
    "zlib1g-rumprun-dev",
    "libffi-rumprun-dev",
    "libexpat1-rumprun-dev",
    "expat-rumprun",
    "libpcre2-rumprun-dev",
    "pcre2-utils-rumprun",
    "libpng-rumprun-dev",
    "libpng-tools-rumprun",
}
PROGRAM = r"""
#include <png.h>
#include <stdio.h>
#include <zlib.h>

int main(void)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);

    printf("libpng %s, zlib %s, %s\n", png_get_libpng_ver(NULL), zlibVersion(),
           png ? "working" : "broken");
    png_destroy_write_struct(&png, NULL);
    return png_access_version_number() == PNG_LIBPNG_VER ? 0 : 1;
}
"""


def rumpdeb(*arguments: str | Path, check: bool = True) -> Completed:
    return run([RUMPDEB, *arguments], env={**base_environment(), **os.environ}, check=check)


@pytest.fixture(scope="module")
def variants() -> Iterator[Path]:
    """The directory with the variants of all five sources."""
    with temporary_tree() as directory:
        rumpdeb("build", *SOURCES, "--enable-deb-src", "--output", directory)
        yield directory


def debs(directory: Path) -> dict[str, Path]:
    return {path.name.partition("_")[0]: path for path in directory.glob("*.deb")}


def control(deb: Path) -> Deb822:
    with DebFile(filename=str(deb)) as package:
        return package.debcontrol()


def members(deb: Path) -> list[str]:
    with DebFile(filename=str(deb)) as package:
        return [
            f"/{member.name.removeprefix('.').lstrip('/')}"
            for member in package.data.tgz().getmembers()
            if not member.isdir()
        ]


def test_each_source_gives_its_variants(variants: Path) -> None:
    assert set(debs(variants)) == PACKAGES


def test_audit_is_clean(variants: Path) -> None:
    answer = rumpdeb("audit", "--json", *sorted(debs(variants).values()))
    assert json.loads(answer.stdout)["findings"] == []


def test_control_fields(variants: Path) -> None:
    for name, deb in debs(variants).items():
        fields = control(deb)
        assert fields["Architecture"] == "all", name
        assert fields["Multi-Arch"] == "foreign", name
        assert "rumprun" in fields["Description"], name
        has_programs = any("/bin/" in path for path in members(deb) if "-config" not in path)
        assert ("Static-Built-Using" in fields) == has_programs, name
    assert "zlib (= " in control(debs(variants)["libpng-tools-rumprun"])["Static-Built-Using"]


def test_variants_depend_on_one_another_as_the_originals_do(variants: Path) -> None:
    assert control(debs(variants)["libpng-rumprun-dev"])["Depends"] == "zlib1g-rumprun-dev"


def test_paths(variants: Path) -> None:
    allowed = (f"{load_target().prefix}/", "/usr/share/doc/")
    for name, deb in debs(variants).items():
        assert all(path.startswith(allowed) for path in members(deb)), name


def test_no_temporary_name_in_any_member(variants: Path, tmp_path: Path) -> None:
    for name, deb in debs(variants).items():
        run(["dpkg-deb", "--extract", deb, tmp_path / name])
        for path in (tmp_path / name).rglob("*"):
            if path.is_file() and not path.is_symlink():
                assert b"dh-rumprun." not in path.read_bytes(), path


@pytest.fixture(scope="module")
def linked_program(variants: Path) -> Iterator[Path]:
    """A program of libpng and zlib, linked through the prefixed pkg-config."""
    target = load_target()
    with temporary_tree() as work:
        for deb in debs(variants).values():
            run(["dpkg-deb", "--extract", deb, work / "root"])
        sysroot = work / "root" / target.prefix.relative_to("/")
        environment = {**base_environment(), "RUMPRUN_SYSROOT": str(sysroot)}
        flags = run([target.tool("pkg-config"), "--cflags", "--libs", "libpng"], env=environment)
        source = work / "versions.c"
        source.write_text(PROGRAM)
        program = work / "versions"
        run(
            [target.tool("gcc"), "-O2", "-o", program, source, *flags.stdout.split()],
            env=environment,
        )
        yield program


def test_program_runs_natively(linked_program: Path) -> None:
    answer = run([linked_program])
    assert answer.stdout.startswith("libpng 1.6.")
    assert answer.stdout.endswith("working\n")


def test_a_program_of_a_variant_names_its_libraries(variants: Path, tmp_path: Path) -> None:
    run(["dpkg-deb", "--extract", debs(variants)["libpng-tools-rumprun"], tmp_path / "tools"])
    program = tmp_path / "tools" / load_target().prefix.relative_to("/") / "bin" / "pngfix"
    kernel = tmp_path / "vmlinuz"
    kernel.write_bytes(bytes(0x202) + b"HdrS")
    rumpdeb("bake", "--kernel", kernel, "-o", tmp_path / "image", program)
    found = json.loads(rumpdeb("inspect", "--json", tmp_path / "image").stdout)
    (pngfix,) = [each for each in found["image"]["components"] if each["kind"] == "program"]
    assert pngfix["source"]["name"] == "libpng1.6"
    linked = {file["file"]: file["source"] for file in pngfix["linked"]}
    zlib = control(debs(variants)["zlib1g-rumprun-dev"])
    assert linked["lib/libz.a"] == {"name": "zlib", "version": zlib["Version"]}
    assert linked["lib/libc.a"]["name"] == "musl"
    # Nothing has to be looked up later: every file has its source and version.
    assert all(source and source["version"] for source in linked.values())
    purl = "pkg:deb/debian/zlib@1%3A1.2.13"
    assert purl in json.dumps(found["sbom"])


@pytest.mark.boot
def test_program_runs_in_the_booted_image(linked_program: Path, tmp_path: Path) -> None:
    rumpdeb("bake", "--board", "linux", "-o", tmp_path / "image", linked_program)
    booted = rumpdeb("run", tmp_path / "image")
    assert run([linked_program]).stdout in booted.stdout.replace("\r\n", "\n")


def test_static_programs_run(variants: Path, tmp_path: Path) -> None:
    prefix = tmp_path / load_target().prefix.relative_to("/")
    run(["dpkg-deb", "--extract", debs(variants)["pcre2-utils-rumprun"], tmp_path])
    run(["dpkg-deb", "--extract", debs(variants)["expat-rumprun"], tmp_path])
    found = run([prefix / "bin" / "pcre2grep", "-o", "b+c"], stdin="aabbbccd\n")
    assert found.stdout == "bbbc\n"
    (tmp_path / "x.xml").write_text("<a><b></a>")
    assert (
        "mismatched tag" in run([prefix / "bin" / "xmlwf", tmp_path / "x.xml"], check=False).stdout
    )


@pytest.mark.parametrize("sources", [("zlib",), ("libpng1.6",), ("expat",)])
def test_second_build_is_bit_identical(
    variants: Path, tmp_path: Path, sources: tuple[str, ...]
) -> None:
    for deb in variants.glob("zlib1g-rumprun-dev*.deb"):
        if sources != ("zlib",):
            (tmp_path / deb.name).write_bytes(deb.read_bytes())
    answer = rumpdeb(
        "build", *sources, "--enable-deb-src", "--output", tmp_path, "--jobs", "1", "--json"
    )
    built = [Path(name) for name in json.loads(answer.stdout)]
    assert built
    for deb in built:
        first = variants / deb.name
        assert sha256(deb) == sha256(first), deb.name


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_features_switched_by_architecture_are_on(variants: Path, tmp_path: Path) -> None:
    prefix = tmp_path / load_target().prefix.relative_to("/")
    run(["dpkg-deb", "--extract", debs(variants)["pcre2-utils-rumprun"], tmp_path])
    answer = run([prefix / "bin" / "pcre2test", "-C", "jit"], check=False)
    assert answer.stdout.strip() == "1"

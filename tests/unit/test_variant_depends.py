# SPDX-License-Identifier: BSD-2-Clause
"""What a variant depends on, what a build wants, and in which order sources are built."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from rumprun.source.naming import DEFAULT_DPKG_ARCHITECTURE, Kind
from rumprun.source.needs import (
    build_order,
    conflicting_variants,
    provided_variants,
    required_variants,
    wanted_variants,
)
from rumprun.source.package import SourcePackage
from rumprun.variant.depends import missing_variants, variant_depends
from rumprun.variant.sysroot import Sysroot, Variant, closure
from unit.variant_samples import TARGET, binary, candidate, source, with_depends


def variant(name: str, depends: str = "") -> Variant:
    return Variant(
        name=name, version="1", source=name, source_version="1", depends=depends, deb=Path(name)
    )


def sysroot(*names: str) -> Sysroot:
    return Sysroot(path=None, variants={name: variant(name) for name in names}, owners={})


def wanted(field: str, arch: str = "") -> tuple[str, ...]:
    package = source("libx-dev", build_depends=field, build_depends_arch=arch)
    return wanted_variants(package, DEFAULT_DPKG_ARCHITECTURE)


def test_a_build_wants_the_variants_of_its_libraries() -> None:
    field = """debhelper-compat (= 13), zlib1g-dev (>= 1:1.2) , libc6-dev, libffi-dev:native,
     libselinux1-dev [hurd-any], libmount-dev [linux-any], python3-dev <!nopython>,
     libglib2.0-dev | libglib-dev, foo-rumprun-dev, ${extra:Depends}, libstdc++-dev:any"""
    assert wanted(field, "libarch-dev") == (
        "foo-rumprun-dev",
        "libarch-rumprun-dev",
        "libglib-rumprun-dev",
        "libglib2.0-rumprun-dev",
        "libmount-rumprun-dev",
        "libstdc++-rumprun-dev",
        "zlib1g-rumprun-dev",
    )


def test_what_a_dev_package_depends_on_is_required() -> None:
    package = source("libfoo-dev", build_depends="zlib1g-dev, libtool-dev, libbar-dev")
    one = with_depends(candidate("libfoo-dev"), "libfoo1 (= ${binary:Version}), zlib1g-dev, x-dev")
    found = required_variants(package, [one], DEFAULT_DPKG_ARCHITECTURE)
    assert found == ("zlib1g-rumprun-dev",)


def test_depends_of_a_dev_variant(tmp_path: Path) -> None:
    original = "libfoo2 (= ${binary:Version}), libfoo-core-dev (= ${binary:Version}),"
    original += " zlib1g-dev (>= 1:1.2), libbar-dev, libc6-dev | libc-dev, ${misc:Depends}"
    one = with_depends(candidate("libfoo-dev"), original)
    siblings = [one, candidate("libfoo-core-dev")]
    known = sysroot("zlib1g-rumprun-dev", "libfoo-core-rumprun-dev")
    found = variant_depends(one, siblings, tmp_path, known, version="1:2-3", target=TARGET)
    # Of libbar-dev there is no variant, so it cannot be depended on.
    assert found == ("libfoo-core-rumprun-dev (= 1:2-3)", "zlib1g-rumprun-dev (>= 1:1.2)")


def test_a_program_depends_on_nothing(tmp_path: Path) -> None:
    one = with_depends(candidate("foo"), "libfoo-dev, zlib1g-dev")
    assert one.kind is Kind.PROGRAM
    known = sysroot("zlib1g-rumprun-dev")
    assert variant_depends(one, [one], tmp_path, known, version="1", target=TARGET) == ()


def test_missing_variants_keep_their_order() -> None:
    assert missing_variants(["b-rumprun", "a-rumprun"], sysroot("a-rumprun")) == ("b-rumprun",)


def test_closure_follows_depends_once_and_passes_over_strangers() -> None:
    pool = {
        item.name: item
        for item in (
            variant("a-rumprun-dev", "b-rumprun-dev (= 1), absent-rumprun-dev"),
            variant("b-rumprun-dev", "a-rumprun-dev | c-rumprun-dev"),
            variant("c-rumprun-dev"),
            variant("d-rumprun-dev"),
        )
    }
    found = closure(["a-rumprun-dev", "x-rumprun-dev"], pool)
    assert [item.name for item in found] == ["a-rumprun-dev", "b-rumprun-dev", "c-rumprun-dev"]


def built_by(name: str, *needs: str) -> SourcePackage:
    field = ", ".join(f"lib{need}-dev" for need in needs)
    return dataclasses.replace(
        source(f"lib{name}-dev", f"lib{name}1"), name=name, build_depends=field
    )


def order(*sources: SourcePackage) -> list[str]:
    return [item.name for item in build_order(sources, DEFAULT_DPKG_ARCHITECTURE)]


def test_each_source_comes_after_those_that_it_wants() -> None:
    png, z, app = built_by("png", "z"), built_by("z"), built_by("app", "png", "z", "elsewhere")
    assert order(app, png, z) == ["z", "png", "app"]
    assert order(z, app, png) == ["z", "png", "app"]


def test_a_circle_ends() -> None:
    assert sorted(order(built_by("a", "b"), built_by("b", "a"), built_by("c", "c"))) == list("abc")


VIRTUAL = {"Provides": "libz-dev (= 1), zlib", "Conflicts": "libz-ng-dev (<< 2), zlib1-dev, x"}


def test_virtual_packages_have_variants_too() -> None:
    provider = dataclasses.replace(binary("zlib1g-dev"), fields=VIRTUAL)
    assert provided_variants(provider) == ("libz-rumprun-dev",)
    assert conflicting_variants(provider) == ("libz-ng-rumprun-dev", "zlib1-rumprun-dev")
    # A program's virtual names say nothing about libraries.
    program = dataclasses.replace(binary("gzip"), fields=VIRTUAL)
    assert provided_variants(program) == conflicting_variants(program) == ()


def test_a_virtual_package_is_found_by_what_provides_it() -> None:
    z = dataclasses.replace(variant("zlib1g-rumprun-dev"), provides=("libz-rumprun-dev",))
    pool = {item.name: item for item in (z, variant("a-rumprun-dev", "libz-rumprun-dev"))}
    assert closure(["libz-rumprun-dev"], pool) == [z]
    assert [item.name for item in closure(["a-rumprun-dev"], pool)] == [
        "a-rumprun-dev",
        "zlib1g-rumprun-dev",
    ]
    real = dataclasses.replace(
        built_by("z"), binaries=(dataclasses.replace(binary("zlib1g-dev"), fields=VIRTUAL),)
    )
    assert order(built_by("app", "z"), real) == ["z", "app"]

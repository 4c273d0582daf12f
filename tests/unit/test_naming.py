# SPDX-License-Identifier: BSD-2-Clause
"""Names of variants, and which packages get one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_samples import LIBRARY, SOURCE, read_source, stanza

from rumprun.errors import InputError
from rumprun.source.naming import (
    Kind,
    architecture_is,
    candidates,
    is_variant_name,
    original_name,
    variant_name,
)

package_names = st.from_regex(
    r"[a-z0-9][a-z0-9+.-]{1,20}(-dev|-rumprun|-rumprun-dev)?", fullmatch=True
)


def names_of(tmp_path: Path, *stanzas: str, source: str = SOURCE) -> list[str]:
    return [
        item.original.name for item in candidates(read_source(tmp_path, *stanzas, source=source))
    ]


@pytest.mark.parametrize(
    ("original", "variant"),
    [
        ("zlib1g-dev", "zlib1g-rumprun-dev"),
        ("libexpat1-dev", "libexpat1-rumprun-dev"),
        ("pcre2-utils", "pcre2-utils-rumprun"),
        ("libglib2.0-dev-bin", "libglib2.0-dev-bin-rumprun"),
    ],
)
def test_names(original: str, variant: str) -> None:
    assert variant_name(original) == variant
    assert original_name(variant) == original


@given(package_names)
def test_a_name_is_either_a_variant_or_has_one(name: str) -> None:
    if is_variant_name(name):
        assert variant_name(original_name(name)) == name or is_variant_name(original_name(name))
        with pytest.raises(InputError):
            variant_name(name)
    else:
        assert is_variant_name(variant_name(name))
        assert original_name(variant_name(name)) == name
        with pytest.raises(InputError):
            original_name(name)


@given(st.sets(package_names.filter(lambda name: not is_variant_name(name))))
def test_variants_of_different_packages_differ(names: set[str]) -> None:
    assert len({variant_name(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    "name", ["-rumprun", "-rumprun-dev", "rumprun-dev", "rumprun", "a-rumprunx"]
)
def test_names_that_only_look_like_it(name: str) -> None:
    assert not is_variant_name(name)


def test_a_library_gives_its_dev_package(tmp_path: Path) -> None:
    source = read_source(tmp_path, LIBRARY, stanza("sample-tools", "Section: utils"))
    found = candidates(source)
    assert [(item.variant, item.kind) for item in found] == [
        ("libsample-rumprun-dev", Kind.DEV),
        ("sample-tools-rumprun", Kind.PROGRAM),
    ]


@pytest.mark.parametrize(
    "unwanted",
    [
        stanza("libsample1-udeb", "Package-Type: udeb", "Section: debian-installer"),
        stanza("libsample1-ud", "XC-Package-Type: udeb"),
        stanza("sample-doc", "Section: doc"),
        stanza("sample-docs", "Section: utils"),
        stanza("libsample1-dbg", "Section: debug"),
        stanza("sample-common", "Section: utils"),
        stanza("sample-l10n", "Section: localization"),
        stanza("python3-sample", "Section: python"),
        stanza("libsample-perl", "Section: perl"),
        stanza("libsample-java", "Section: contrib/java"),
        stanza("libsample-ocaml-dev", "Section: ocaml"),
        stanza("librust-sample-dev", "Section: rust"),
        stanza("gir1.2-sample", "Section: introspection"),
        stanza("libsample2", "Section: non-free/libs"),
        stanza("libnss-sample", "Section: admin"),
        stanza("sample-cross", "Section: utils", "Build-Profiles: <!cross>"),
        stanza("sample-arm", "Section: utils", "Architecture: armhf arm64"),
        stanza("sample-hurd", "Section: utils", "Architecture: hurd-any"),
        stanza("sample-all", "Section: utils", "Architecture: all"),
        stanza("libsample-all-dev", "Section: libdevel", "Architecture: all"),
        stanza("lib32sample-dev", "Section: libdevel", "Architecture: amd64 s390x"),
        stanza(
            "sample-multilib",
            "Section: utils",
            "Architecture: amd64",
            "Depends: ${shlibs:Depends}, libc6-dev-i386",
        ),
        stanza("sample-system", "Section: admin", "Depends: sample-tools, ${misc:Depends}"),
        stanza("sample-rumprun", "Section: utils"),
    ],
)
def test_what_gets_no_variant(tmp_path: Path, unwanted: str) -> None:
    assert names_of(tmp_path, LIBRARY, unwanted) == ["libsample-dev"]


def test_a_library_in_another_section_is_known_by_its_dev_package(tmp_path: Path) -> None:
    source = SOURCE.replace("Section: libs", "Section: sound")
    assert names_of(tmp_path, LIBRARY, source=source) == ["libsample-dev"]


@pytest.mark.parametrize(
    "architecture", ["any", "linux-any", "any-amd64", "hurd-any linux-any", "amd64 arm64 armhf"]
)
def test_architectures_that_match(tmp_path: Path, architecture: str) -> None:
    tool = stanza("sample-tool", "Section: utils", f"Architecture: {architecture}")
    assert names_of(tmp_path, tool) == ["sample-tool"]


def test_a_header_only_source_is_wholly_all(tmp_path: Path) -> None:
    headers = stanza("libheaders-dev", "Section: libdevel", "Architecture: all")
    extra = stanza("headers-doc", "Section: doc", "Architecture: all")
    assert names_of(tmp_path, headers, extra) == ["libheaders-dev"]


@pytest.mark.parametrize(
    ("wildcard", "matches"),
    [
        ("any", True),
        ("linux-any", True),
        ("any-amd64", True),
        ("any-linux-any", True),
        ("gnu-linux-any", True),
        ("musl-linux-any", False),
        ("any-arm64", False),
        ("kfreebsd-any", False),
        ("amd64", True),
        ("all", False),
    ],
)
def test_wildcards_follow_dpkg(wildcard: str, *, matches: bool) -> None:
    assert architecture_is("amd64", wildcard) is matches

# SPDX-License-Identifier: BSD-2-Clause
"""The bill of materials has all that is known in SPDX's form, and says what is not known."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from typing import Any

import pytest

from rumprun.bake.sbom import package_url, sbom_document
from unit.image_samples import COMPONENTS, IMAGE, SHA1

DOCUMENT = sbom_document(IMAGE, SHA1, date=1_700_000_000)

PACKAGES = {package["SPDXID"]: package for package in DOCUMENT["packages"]}
FILES = {file["SPDXID"]: file for file in DOCUMENT["files"]}


def relations(name: str) -> set[tuple[str, str, str]]:
    """The relations of the file ``name``: kind, name and version of what it relates to."""
    (identity,) = (key for key, file in FILES.items() if file["fileName"] == name)
    found = set()
    for relation in DOCUMENT["relationships"]:
        if relation["spdxElementId"] == identity:
            other = PACKAGES.get(relation["relatedSpdxElement"], {"name": "NOASSERTION"})
            found.add((relation["relationshipType"], other["name"], other.get("versionInfo", "")))
    return found


def test_the_frame_is_that_of_spdx_2_3() -> None:
    assert DOCUMENT["spdxVersion"] == "SPDX-2.3"
    assert DOCUMENT["dataLicense"] == "CC0-1.0"
    assert DOCUMENT["SPDXID"] == "SPDXRef-DOCUMENT"
    assert DOCUMENT["creationInfo"]["created"] == "2023-11-14T22:13:20Z"
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", DOCUMENT["documentNamespace"])


def test_identities_are_well_formed_and_all_known() -> None:
    identities = [*PACKAGES, *FILES, DOCUMENT["SPDXID"]]
    assert len(PACKAGES) == len(DOCUMENT["packages"])
    assert len(set(identities)) == len(identities)
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", identity) for identity in identities)
    for relation in DOCUMENT["relationships"]:
        assert relation["spdxElementId"] in identities
        assert relation["relatedSpdxElement"] in {*identities, "NOASSERTION"}
    described = [r for r in DOCUMENT["relationships"] if r["relationshipType"] == "DESCRIBES"]
    assert [r["relatedSpdxElement"] for r in described] == ["SPDXRef-image"]


# Sections 7 and 8 of the specification, and its JSON schema.
@pytest.mark.parametrize("package", PACKAGES.values(), ids=PACKAGES.keys())
def test_packages_have_what_they_must(package: dict[str, Any]) -> None:
    assert package["name"]
    assert package["downloadLocation"] == "NOASSERTION"
    assert package["filesAnalyzed"] is (package["SPDXID"] == "SPDXRef-image")
    assert ("packageVerificationCode" in package) is package["filesAnalyzed"]
    assert package["primaryPackagePurpose"] in {"OPERATING_SYSTEM", "SOURCE", "LIBRARY"}


def test_files_have_their_checksums() -> None:
    assert [file["fileName"] for file in FILES.values()] == [
        *("./kernel", "./init", "./bin/hello", "./bin/dark", "./bin/old", "./etc/motd"),
    ]
    for component, file in zip(COMPONENTS, FILES.values(), strict=True):
        assert file["checksums"] == [
            {"algorithm": "SHA1", "checksumValue": SHA1[component.name]},
            {"algorithm": "SHA256", "checksumValue": component.sha256},
        ]


def test_the_verification_code_is_that_of_the_files() -> None:
    together = "".join(sorted(SHA1.values())).encode()
    code = PACKAGES["SPDXRef-image"]["packageVerificationCode"]["packageVerificationCodeValue"]
    assert code == hashlib.sha1(together, usedforsecurity=False).hexdigest()
    contained = {
        relation["relatedSpdxElement"]
        for relation in DOCUMENT["relationships"]
        if relation["relationshipType"] == "CONTAINS"
    }
    assert contained == set(FILES)


def test_every_source_and_version_that_is_linked_in() -> None:
    assert relations("./bin/hello") == {
        ("GENERATED_FROM", "hello", "2.10-3"),
        ("STATIC_LINK", "zlib", "1:1.2.13.dfsg-1"),
        ("STATIC_LINK", "musl", "1.2.3-1"),
        ("STATIC_LINK", "gcc-12", "NOASSERTION"),
        ("STATIC_LINK", "libstrange.a", "NOASSERTION"),
    }
    assert relations("./init") == {
        ("GENERATED_FROM", "dh-rumprun", "0.1"),
        ("STATIC_LINK", "musl", "1.2.3-1"),
    }
    assert relations("./kernel") == {
        ("GENERATED_FROM", "linux-image-6.1.0-1-amd64", "6.1~rc1+b1"),
    }


def test_what_is_not_known_is_not_guessed() -> None:
    assert relations("./bin/dark") == {
        ("GENERATED_FROM", "NOASSERTION", ""),
        ("STATIC_LINK", "NOASSERTION", ""),
    }
    # Its package names a source, and nobody knows whether that is all.
    assert relations("./bin/old") == {
        ("GENERATED_FROM", "hello", "2.10-3"),
        ("STATIC_LINK", "zlib", "1:1.2.13.dfsg-1"),
        ("STATIC_LINK", "NOASSERTION", ""),
    }
    assert relations("./etc/motd") == set()


@pytest.mark.parametrize(
    ("name", "version", "is_source", "expected"),
    [
        ("zlib", "1:1.2.13.dfsg-1", True, "pkg:deb/debian/zlib@1%3A1.2.13.dfsg-1?arch=source"),
        ("libsigc++-2.0", "2~a+b", True, "pkg:deb/debian/libsigc%2B%2B-2.0@2~a%2Bb?arch=source"),
        ("linux-image-1", "1-1", False, "pkg:deb/debian/linux-image-1@1-1"),
        ("gcc-12", None, True, "pkg:deb/debian/gcc-12?arch=source"),
        ("dh-rumprun", "0.1", True, "pkg:generic/dh-rumprun@0.1"),
    ],
)
def test_package_urls(name: str, version: str | None, is_source: bool, expected: str) -> None:
    assert package_url(name, version, is_source=is_source) == expected


def test_the_same_image_gives_the_same_document() -> None:
    again = sbom_document(IMAGE, dict(reversed(SHA1.items())), date=1_700_000_000)
    assert json.dumps(again) == json.dumps(DOCUMENT)


def test_another_image_has_another_name_space() -> None:
    others = [
        sbom_document(IMAGE, SHA1, date=1_700_000_001),
        sbom_document(
            dataclasses.replace(IMAGE, components=COMPONENTS[1:]), SHA1, date=1_700_000_000
        ),
    ]
    spaces = {document["documentNamespace"] for document in (DOCUMENT, *others)}
    assert len(spaces) == 3

# SPDX-License-Identifier: BSD-2-Clause
"""The bill of materials of an image, in SPDX 2.3's form as JSON.

https://spdx.github.io/spdx-spec/v2.3/. The same image gives the same document, byte for byte:
its date is that of the image's files, and its name space is made of its content.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from rumprun.bake.component import Component
from rumprun.bake.image import Image
from rumprun.contributions import LinkedFile, Source
from rumprun.origin import OWN_SOURCE
from rumprun.version import VERSION

SBOM_NAME: Final = "sbom.spdx.json"

_UNKNOWN = "NOASSERTION"
_DOCUMENT = "SPDXRef-DOCUMENT"
_IMAGE = "SPDXRef-image"

_FILE_TYPES = {
    "kernel": ["BINARY"],
    "base": ["BINARY"],
    "entrypoint": ["BINARY", "APPLICATION"],
    "program": ["BINARY", "APPLICATION"],
    "file": ["OTHER"],
}

_NO_RECORD = "the program does not say what was linked into it"

Element = dict[str, Any]


def sbom_document(image: Image, sha1: Mapping[str, str], *, date: int) -> Element:
    """The document for ``image``; ``sha1`` has the SHA-1, which SPDX wants, of each component.

    ``date`` is in seconds since 1970. What nobody knows is said to be so: ``NOASSERTION``.
    """
    files = {
        component.name: f"SPDXRef-file-{number}"
        for number, component in enumerate(image.components, 1)
    }
    packages = _packages(image.components)
    relations = [_relation(_DOCUMENT, "DESCRIBES", _IMAGE)]
    for component in image.components:
        own = files[component.name]
        relations.append(_relation(_IMAGE, "CONTAINS", own))
        relations += _relations_of(component, own, packages)
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": _DOCUMENT,
        "name": f"{image.board}-{image.programs[0].name}",
        "creationInfo": {
            "created": dt.datetime.fromtimestamp(date, tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": [f"Tool: {OWN_SOURCE}-{VERSION}"],
        },
        "packages": [_image_package(image, sha1), *packages.values()],
        "files": [_file(each, files[each.name], sha1) for each in image.components],
        "relationships": relations,
    }
    content = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    # A version 5 UUID is a hash, so nothing is random in it.
    name_space = uuid.uuid5(uuid.NAMESPACE_OID, f"rumprun image {content}")
    return document | {"documentNamespace": f"urn:uuid:{name_space}"}


def _image_package(image: Image, sha1: Mapping[str, str]) -> Element:
    """What the document describes; the code is that of SPDX 2.3, 7.9."""
    together = "".join(sorted(sha1.values())).encode()
    return {
        "SPDXID": _IMAGE,
        "name": f"{image.board}-{image.programs[0].name}",
        "downloadLocation": _UNKNOWN,
        "filesAnalyzed": True,
        "packageVerificationCode": {
            "packageVerificationCodeValue": hashlib.sha1(
                together, usedforsecurity=False
            ).hexdigest()
        },
        "primaryPackagePurpose": "OPERATING_SYSTEM",
        "licenseConcluded": _UNKNOWN,
        "licenseDeclared": _UNKNOWN,
        "licenseInfoFromFiles": [_UNKNOWN],
        "copyrightText": _UNKNOWN,
    }


def _file(component: Component, identity: str, sha1: Mapping[str, str]) -> Element:
    element: Element = {
        "SPDXID": identity,
        "fileName": f"./{component.name.lstrip('/')}",
        "fileTypes": _FILE_TYPES[component.kind],
        "checksums": [
            {"algorithm": "SHA1", "checksumValue": sha1[component.name]},
            {"algorithm": "SHA256", "checksumValue": component.sha256},
        ],
        "licenseConcluded": _UNKNOWN,
        "licenseInfoInFiles": [_UNKNOWN],
        "copyrightText": _UNKNOWN,
    }
    return element


# How a package is told from others: the kind of its name, the name, and the version.
_Key = tuple[str, str, str | None]


def _key(source: Source, kind: str = "source") -> _Key:
    return (kind, source.name, source.version)


def _key_of_linked(file: LinkedFile) -> _Key:
    return _key(file.source) if file.source else ("archive", file.file, None)


def _keys_of(component: Component) -> Iterable[_Key]:
    if component.source:
        yield _key(component.source, "kernel" if component.kind == "kernel" else "source")
    for source in component.contains:
        yield _key(source)
    yield from map(_key_of_linked, component.linked)


def _packages(components: Iterable[Component]) -> dict[_Key, Element]:
    """The packages that anything comes from, in the order of kind, name and version."""
    keys = {key for component in components for key in _keys_of(component)}
    ordered = sorted(keys, key=lambda key: (key[0], key[1], key[2] or ""))
    return {key: _package(key, number) for number, key in enumerate(ordered, 1)}


def _package(key: _Key, number: int) -> Element:
    kind, name, version = key
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")
    element: Element = {
        "SPDXID": f"SPDXRef-{kind}-{number}-{plain}",
        "name": name,
        "versionInfo": version or _UNKNOWN,
        "downloadLocation": _UNKNOWN,
        "filesAnalyzed": False,
        "primaryPackagePurpose": {"kernel": "OPERATING_SYSTEM", "source": "SOURCE"}.get(
            kind, "LIBRARY"
        ),
        "licenseConcluded": _UNKNOWN,
        "licenseDeclared": _UNKNOWN,
        "copyrightText": _UNKNOWN,
    }
    if kind == "archive":
        element["comment"] = "a static library that no package owns as it was linked"
    else:
        element["externalRefs"] = [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": package_url(name, version, is_source=kind == "source"),
            }
        ]
    return element


def package_url(name: str, version: str | None, *, is_source: bool) -> str:
    """The package URL of a Debian package; ours, which Debian does not have, is a generic one."""
    kind = "generic" if name == OWN_SOURCE else "deb/debian"
    at = f"@{quote(version, safe='')}" if version else ""
    qualifier = "?arch=source" if is_source and name != OWN_SOURCE else ""
    return f"pkg:{kind}/{quote(name, safe='')}{at}{qualifier}"


def _relation(element: str, kind: str, other: str, comment: str = "") -> Element:
    relation = {
        "spdxElementId": element,
        "relationshipType": kind,
        "relatedSpdxElement": other,
    }
    return relation | ({"comment": comment} if comment else {})


def _relations_of(
    component: Component, own: str, packages: Mapping[_Key, Element]
) -> list[Element]:
    """What ``component`` was made from, and what was linked into it."""
    kind = "kernel" if component.kind == "kernel" else "source"
    maker = _UNKNOWN
    if component.source:
        maker = packages[_key(component.source, kind)]["SPDXID"]
    relations = [_relation(own, "GENERATED_FROM", maker)] if component.kind != "file" else []
    if component.kind not in ("base", "program", "entrypoint"):
        return relations
    linked: dict[str, int] = {}
    for file in component.linked:
        identity = packages[_key_of_linked(file)]["SPDXID"]
        linked[identity] = linked.get(identity, 0) + file.bytes
    for source in component.contains:
        linked.setdefault(packages[_key(source)]["SPDXID"], 0)
    for identity, size in sorted(linked.items()):
        if identity != maker:
            comment = f"{size} bytes" if component.contributions else ""
            relations.append(_relation(own, "STATIC_LINK", identity, comment))
    if component.contributions is None:
        relations.append(_relation(own, "STATIC_LINK", _UNKNOWN, _NO_RECORD))
    return relations

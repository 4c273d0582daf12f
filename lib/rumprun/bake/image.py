# SPDX-License-Identifier: BSD-2-Clause
"""Images: what a baked directory holds, as its ``image.json`` says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jsonschema

from rumprun.bake.abi import ABI
from rumprun.bake.component import SCHEMA as COMPONENT_SCHEMA
from rumprun.bake.component import Component, component_value, read_component
from rumprun.digest import sha256_of
from rumprun.errors import InputError, MissingError

IMAGE_JSON: Final = "image.json"

# What is written here; an image with a higher number is of a newer rumpdeb.
_FORMAT: Final = 2

# More than any image needs: a document that somebody else made is not read without a bound.
_DOCUMENT_LIMIT = 16 << 20

# In MiB; no machine that QEMU emulates has more.
MOST_MEMORY: Final = 1 << 20

# No directory in it, and no hidden file.
_FILE_NAME: Final = "\\A[a-z][a-z0-9-]*(\\.[a-z0-9-]+)*\\Z"

_STRING: Final = {"type": "string", "pattern": "^[^\\u0000]*$"}
_SIZE: Final = {"type": "integer", "minimum": 0}
_SHA256: Final = {"type": "string", "pattern": "\\A[0-9a-f]{64}\\Z"}
_NAME: Final = {"type": "string", "pattern": "\\A[A-Za-z0-9][A-Za-z0-9+._-]{0,127}\\Z"}

SCHEMA: Final[dict[str, Any]] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "additionalProperties": False,
    "required": [
        "format",
        "abi",
        "board",
        "target",
        "programs",
        "config",
        "memory",
        "options",
        "kernel",
        "components",
        "sbom",
        "files",
    ],
    "properties": {
        "format": {"const": _FORMAT},
        "abi": {"const": ABI},
        "board": _NAME,
        "target": _NAME,
        "programs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "path", "argv", "env", "size", "sha256"],
                "properties": {
                    "name": _NAME,
                    "path": {"type": "string", "pattern": "\\A(/[A-Za-z0-9][A-Za-z0-9+._-]*)+\\Z"},
                    "argv": {"type": "array", "minItems": 1, "items": _STRING},
                    "env": {
                        "type": "object",
                        "propertyNames": {"pattern": "\\A[^=\\u0000]+\\Z"},
                        "additionalProperties": _STRING,
                    },
                    "size": _SIZE,
                    "sha256": _SHA256,
                },
            },
        },
        "config": {"type": ["object", "null"]},
        "memory": {"type": ["integer", "null"], "minimum": 1, "maximum": MOST_MEMORY},
        "options": {"type": "array", "items": {"type": "string", "pattern": "\\A[!-~]+\\Z"}},
        "kernel": {
            "type": ["object", "null"],
            "additionalProperties": False,
            "required": ["package", "version"],
            "properties": {"package": _NAME, "version": _STRING},
        },
        "components": {"type": "array", "items": COMPONENT_SCHEMA},
        "sbom": {"type": ["string", "null"], "pattern": _FILE_NAME},
        # Only where a program says which hypervisor it is for.
        "xen": {
            "type": "object",
            "additionalProperties": False,
            "required": ["domctl"],
            "properties": {"domctl": {"type": "integer", "minimum": 1, "maximum": 0xFFFFFFFF}},
        },
        "files": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": _FILE_NAME},
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["size", "sha256"],
                "properties": {"size": _SIZE, "sha256": _SHA256},
            },
        },
    },
}


@dataclass(frozen=True, kw_only=True)
class Program:
    """A baked program: where it is in the machine, and what it is started with.

    ``argv`` includes ``argv[0]``; ``env`` is its whole environment, pairs of name and value.
    """

    name: str
    path: str
    argv: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class KernelOrigin:
    """The archive's package that a kernel came from."""

    package: str
    version: str


@dataclass(frozen=True, kw_only=True)
class ImageFile:
    """One file of an image; ``name`` has no directory in it, ``size`` is in bytes."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Image:
    """One baked image.

    ``config`` is the runtime configuration baked in, as JSON values, or None; ``memory`` what the
    machine is to have, in MiB, None for what it needs; ``options`` words of the kernel command
    line. ``kernel`` is None where the user gave the kernel or there is none. ``components`` are
    what the image is made of; ``sbom`` is the name of the file that lists them in SPDX's form.
    ``domctl`` is the version of Xen's domctl interface that the programs were linked for, None
    where they do not say.
    """

    board: str
    target: str
    programs: tuple[Program, ...]
    config: Mapping[str, Any] | None = None
    memory: int | None = None
    options: tuple[str, ...] = ()
    kernel: KernelOrigin | None
    files: tuple[ImageFile, ...]
    components: tuple[Component, ...] = ()
    sbom: str | None = None
    domctl: int | None = None

    @property
    def size(self) -> int:
        """All of the image's files together, in bytes."""
        return sum(file.size for file in self.files)


def describe_file(path: Path) -> ImageFile:
    """The entry for a file that a board has just written."""
    return ImageFile(name=path.name, size=path.stat().st_size, sha256=sha256_of(path))


def image_document(image: Image) -> dict[str, Any]:
    """``image`` as the JSON document that :data:`SCHEMA` describes."""
    kernel = image.kernel
    return {
        "format": _FORMAT,
        "abi": dict(ABI),
        "board": image.board,
        "target": image.target,
        "programs": [
            {
                "name": program.name,
                "path": program.path,
                "argv": list(program.argv),
                "env": dict(program.env),
                "size": program.size,
                "sha256": program.sha256,
            }
            for program in image.programs
        ],
        "config": dict(image.config) if image.config is not None else None,
        "memory": image.memory,
        "options": list(image.options),
        "kernel": {"package": kernel.package, "version": kernel.version} if kernel else None,
        "components": [component_value(component) for component in image.components],
        "sbom": image.sbom,
        **({"xen": {"domctl": image.domctl}} if image.domctl else {}),
        "files": {
            file.name: {"size": file.size, "sha256": file.sha256}
            for file in sorted(image.files, key=lambda file: file.name)
        },
    }


def image_text(image: Image) -> str:
    """``image`` as the text of ``image.json``.

    Plain ASCII: an argument that is not UTF-8 keeps its bytes as escaped surrogates.
    """
    return json.dumps(image_document(image), indent=2, ensure_ascii=True) + "\n"


def parse_image(text: str, *, where: str = IMAGE_JSON) -> Image:
    """The image that ``text`` describes; ``where`` is its name in messages.

    The text may come from anywhere: nothing in it is believed before the schema has passed.
    Raises :class:`InputError`.
    """
    try:
        document = json.loads(text)
        _check_format(document, where)
        jsonschema.Draft7Validator(SCHEMA).validate(document)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: no JSON: {error}", hint="bake the image again") from error
    except jsonschema.ValidationError as error:
        place = "/".join(str(part) for part in error.absolute_path) or "the document"
        # The message quotes the offending value, which may be as long as the document.
        raise InputError(
            f"{where}: {place}: {error.message[:200]}", hint="bake the image again"
        ) from error
    kernel = document["kernel"]
    return Image(
        board=document["board"],
        target=document["target"],
        programs=tuple(
            Program(
                name=entry["name"],
                path=entry["path"],
                argv=tuple(entry["argv"]),
                env=tuple(entry["env"].items()),
                size=entry["size"],
                sha256=entry["sha256"],
            )
            for entry in document["programs"]
        ),
        config=document["config"],
        memory=document["memory"],
        options=tuple(document["options"]),
        kernel=KernelOrigin(**kernel) if kernel else None,
        files=tuple(ImageFile(name=name, **facts) for name, facts in document["files"].items()),
        components=tuple(map(read_component, document["components"])),
        sbom=document["sbom"],
        domctl=document.get("xen", {}).get("domctl"),
    )


def _check_format(document: object, where: str) -> None:
    """An image from another time is told by its numbers: what else is in it may be anything."""
    if not isinstance(document, dict):
        return
    abi = document.get("abi")
    numbers = [("format", document.get("format"), _FORMAT)]
    if isinstance(abi, dict):
        numbers += [(f"abi/{name}", abi.get(name), known) for name, known in ABI.items()]
    for name, found, known in numbers:
        if isinstance(found, int) and found > known:
            raise InputError(
                f"{where}: of {name} {found}, and this rumpdeb reads up to {known}",
                hint="use the rumpdeb that baked it, or bake the image again",
            )


def read_image(directory: Path) -> Image:
    """The image in ``directory``.

    Raises :class:`MissingError` where there is none, :class:`InputError` where its document is
    not acceptable.
    """
    path = directory / IMAGE_JSON
    remedy = "give the directory that 'rumpdeb bake -o' wrote"
    try:
        if path.stat().st_size > _DOCUMENT_LIMIT:
            raise InputError(f"{path}: larger than {_DOCUMENT_LIMIT} bytes", hint=remedy)
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingError(f"{directory}: no image there", hint=remedy) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: no UTF-8 text", hint=remedy) from error
    return parse_image(text, where=str(path))


def check_files(image: Image, directory: Path) -> None:
    """See that the files in ``directory`` are the ones that the image was baked with.

    Raises :class:`MissingError` for one that is not there, :class:`InputError` for another one.
    """
    for file in image.files:
        path = directory / file.name
        if not path.is_file():
            raise MissingError(f"{path}: not there", hint="bake the image again")
        if path.stat().st_size != file.size or sha256_of(path) != file.sha256:
            raise InputError(
                f"{path}: not the file that {IMAGE_JSON} names", hint="bake the image again"
            )

# SPDX-License-Identifier: BSD-2-Clause
"""Manifests: what to bake into an image, as ``debian/<package>.rumprun-bake`` says in TOML.

The keys are those of ``share/bake-manifest.schema.json``. Relative paths start at the directory
of the manifest, or above it where that is ``debian``, as those in other files there do.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rumprun import paths
from rumprun.bake.board import BakeRequest, ProgramRequest
from rumprun.bake.installed import find_program
from rumprun.bake.kernel import DEFAULT_PACKAGE
from rumprun.bake.program import program_name
from rumprun.bake.root import Directory, Entry, Link, Root, member_path, read_tree
from rumprun.bake.slim_kernel import SLIM, kernel_choice
from rumprun.config.check import parse_document
from rumprun.config.complaint import Complaint, ConfigError
from rumprun.config.document import Document
from rumprun.config.schema import complaints_about
from rumprun.config.text import read_bytes
from rumprun.errors import InputError, MissingError
from rumprun.target.descriptor import DEFAULT_TARGET, Target, load_target

SCHEMA_FILE = paths.DATA / "share" / "bake-manifest.schema.json"

SUFFIX = ".rumprun-bake"

# Far more than anybody writes: a file that is no manifest is not read whole.
_LONGEST_TEXT = 4 << 20

Values = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A manifest with its paths resolved; what is not in it is None or empty.

    ``kernel`` is a file, ``kernel_package`` the archive's package, ``options`` are words of the
    kernel command line; ``memory`` is in MiB; ``packages`` are those that programs are of.
    """

    board: str
    target: Target
    programs: tuple[ProgramRequest, ...]
    files: Root = field(default_factory=dict)
    config: Document | None = None
    entrypoint: Path | None = None
    memory: int | None = None
    kernel: str | None = None
    kernel_package: str | None = None
    options: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


def manifest_request(
    manifest: Manifest,
    *,
    date: int,
    offline: bool,
    kernel: str | None = None,
    kernel_package: str | None = None,
) -> BakeRequest:
    """``manifest`` as a request; a ``kernel`` or ``kernel_package`` wins over its own."""
    if kernel is None and kernel_package is None:
        kernel, kernel_package = manifest.kernel, manifest.kernel_package
    file, package = kernel_choice(kernel, kernel_package or DEFAULT_PACKAGE)
    return BakeRequest(
        programs=manifest.programs,
        target=manifest.target,
        files=manifest.files,
        config=manifest.config,
        entrypoint=manifest.entrypoint,
        memory=manifest.memory,
        options=manifest.options,
        kernel=file,
        kernel_package=package,
        offline=offline,
        date=date,
    )


def for_board(manifest: Manifest, board: str) -> Manifest:
    """``manifest`` for another board, without what it says of the kernel of its own."""
    if board == manifest.board:
        return manifest
    return dataclasses.replace(
        manifest, board=board, kernel=None, kernel_package=None, memory=None, options=()
    )


@functools.cache
def load_schema() -> dict[str, Any]:
    """The manifest's schema as it is shipped."""
    schema: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return schema


def read_manifest(path: Path) -> Manifest:
    """The manifest in the file ``path``.

    Raises :class:`ConfigError` with all complaints where it departs from the schema,
    :class:`InputError` for what is no TOML, :class:`MissingError` for a file that it names and
    that is not there.
    """
    values = _parse(path)
    complaints = [*complaints_about(values, load_schema()), *_choices(values)]
    if complaints:
        raise ConfigError(str(path), complaints)
    base = path.absolute().parent
    if base.name == "debian":
        base = base.parent
    target = load_target(values.get("target", DEFAULT_TARGET))
    programs = tuple(_program(one, base, target) for one in values["program"])
    kernel = values.get("kernel", {})
    return Manifest(
        board=values.get("board", "linux"),
        target=target,
        programs=programs,
        files=_root(values.get("file", []), base),
        config=_config(values, path, base, [program.name for program in programs]),
        entrypoint=base / values["entrypoint"] if "entrypoint" in values else None,
        memory=values.get("memory"),
        kernel=_kernel(kernel.get("file"), base),
        kernel_package=kernel.get("package"),
        options=tuple(kernel.get("options", ())),
        packages=tuple(one["package"] for one in values["program"] if "package" in one),
    )


def _parse(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST_TEXT + 1)
    except FileNotFoundError as error:
        raise MissingError(f"{path}: no such manifest") from error
    except IsADirectoryError as error:
        raise InputError(f"{path}: a directory, not a manifest") from error
    if len(data) > _LONGEST_TEXT:
        raise InputError(f"{path}: longer than {_LONGEST_TEXT} bytes, no manifest")
    try:
        return tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: no UTF-8 text", hint="a manifest is a TOML file") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: no TOML: {error}", hint="see https://toml.io") from error


def _choices(values: Values) -> list[Complaint]:
    """What the schema cannot say briefly: keys that exclude or need each other."""
    found = []
    if "config" in values and "config-file" in values:
        wrong = "there is a table config, too"
        found.append(Complaint(path=("config-file",), wrong=wrong, hint="keep one of them"))
    kernel = values.get("kernel")
    if isinstance(kernel, dict) and {"file", "package"} <= kernel.keys():
        wrong = "there is a file, too"
        found.append(Complaint(path=("kernel", "package"), wrong=wrong, hint="keep one of them"))
    for number, one in enumerate(_tables(values, "program")):
        if not {"path", "package"} & one.keys():
            wrong = "has neither path nor package"
            found.append(Complaint(path=("program", number), wrong=wrong, hint="say what to bake"))
    for number, one in enumerate(_tables(values, "file")):
        several = [key for key in ("source", "text", "link") if key in one]
        if len(several) > 1:
            wrong = f"has {' and '.join(several)}"
            found.append(Complaint(path=("file", number), wrong=wrong, hint="keep one of them"))
    return found


def _tables(values: Values, key: str) -> list[Values]:
    """The tables of a list that may be anything yet."""
    found = values.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _program(values: Values, base: Path, target: Target) -> ProgramRequest:
    if "package" in values:
        file = find_program(values["package"], values.get("path"), target)
    else:
        file = base / values["path"]
    name = values.get("name") or program_name(file)
    return ProgramRequest(
        file=file,
        name=name,
        argv=tuple(values.get("argv", (name,))),
        env=tuple(values.get("env", {}).items()),
    )


def _kernel(file: str | None, base: Path) -> str | None:
    return file if file is None or file == SLIM else str(base / file)


def _root(tables: list[Values], base: Path) -> Root:
    found: dict[str, Entry | Link | Directory] = {}
    for one in tables:
        path = one["path"]
        if "source" in one:
            found.update(read_tree(base / one["source"], path))
        elif "text" in one:
            found[member_path(path)] = Entry(content=one["text"].encode())
        else:
            found[member_path(path)] = Link(goal=one["link"]) if "link" in one else Directory()
    return found


def _config(values: Values, path: Path, base: Path, programs: list[str]) -> Document | None:
    if "config-file" in values:
        file = base / values["config-file"]
        return parse_document(read_bytes(file), where=str(file), programs=programs)
    if "config" not in values:
        return None
    try:
        text = json.dumps(values["config"], allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path}: config: holds a value that JSON has no form for: {error}",
            hint="write dates as strings",
        ) from error
    return parse_document(text.encode(), where=f"{path}: config", programs=programs)

# SPDX-License-Identifier: BSD-2-Clause
"""Source packages from the archive, fetched by apt, which verifies signatures and hashes."""

from __future__ import annotations

import difflib
import functools
import shutil
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

import apt_pkg
from debian.deb822 import Deb822
from debian.debian_support import Version

from rumprun import paths, ui
from rumprun.command import CommandFailed
from rumprun.errors import InputError, MissingError, UsageError
from rumprun.source.apt_errors import NotOnMirror, explain
from rumprun.source.apt_root import (
    AptRoot,
    has_root,
    madison,
    private_root,
    suite_root,
    system_root,
)
from rumprun.source.dsc import read_dsc
from rumprun.source.index_dsc import dsc_from_index
from rumprun.workdir import atomic_path, locked

_DOWNLOAD_TIMEOUT = 3600.0

# Seconds within which an index that lacks a source is not worth another update.
_JUST_UPDATED = 60.0


@dataclass(frozen=True, kw_only=True)
class Available:
    """A version of a source in the archive, and the suites that have it."""

    version: str
    suites: tuple[str, ...]


def fetch(
    name: str,
    *,
    destination: Path,
    version: str | None = None,
    suite: str | None = None,
    enable_deb_src: bool = False,
    offline: bool = False,
) -> Path:
    """Download the source package ``name`` into ``destination``; returns its ``.dsc``.

    ``name`` may carry the choice itself, as apt takes it: ``name=version``, ``name/suite``.
    Without a choice it is the newest version; where the mirror lists that but does not have
    it, the next one, with a warning; where only its .dsc is gone, the index stands for that.
    ``enable_deb_src`` uses a private apt root instead of the system's entries. Downloads are
    kept in the user's cache; ``offline`` takes them from there and refreshes nothing.

    Raises :class:`MissingError` (no deb-src entry, unknown source, suite or version, mirror
    out of reach), :class:`InputError` (hash, size or signature wrong), :class:`SystemFault`.
    """
    name, version, suite = _split_choice(name, version, suite)
    root, found = _look_up(name, suite, enable_deb_src=enable_deb_src, offline=offline)
    wanted = _choose(root, name, found, version=version, suite=suite)
    for number, choice in enumerate(wanted):
        try:
            with ui.step(f"fetching {name} {choice.version} from {', '.join(choice.suites)}"):
                return _download(root, name, choice.version, destination)
        except NotOnMirror as error:
            if version or suite or number + 1 == len(wanted):
                raise
            ui.warn(f"{error.message}; taking {name} {wanted[number + 1].version} instead")
    raise AssertionError(name)


def _split_choice(
    name: str, version: str | None, suite: str | None
) -> tuple[str, str | None, str | None]:
    for mark, given in (("=", version), ("/", suite)):
        plain, found, choice = name.partition(mark)
        if not found:
            continue
        if given or not plain or not choice:
            raise UsageError(f"{name!r} is no source", hint="NAME, NAME=VERSION or NAME/SUITE")
        return (plain, choice, suite) if mark == "=" else (plain, version, choice)
    return name, version, suite


def _look_up(
    name: str, suite: str | None, *, enable_deb_src: bool, offline: bool
) -> tuple[AptRoot, tuple[Available, ...]]:
    """The view of apt to use and what it has of ``name``; a stale private view is refreshed."""
    root = _root_for(name, suite, enable_deb_src=enable_deb_src, offline=offline)
    found = available(root, name)
    if not found and enable_deb_src and suite is None and not offline:
        root = private_root(max_age=_JUST_UPDATED)
        found = available(root, name)
    if not found:
        raise MissingError(
            f"no source package {name!r} in {', '.join(root.suites())}",
            hint=_suggestion(root, name),
        )
    return root, found


def _root_for(name: str, suite: str | None, *, enable_deb_src: bool, offline: bool) -> AptRoot:
    """The view that has ``suite``: the usual one, or one of its own."""
    if suite is not None and has_root(suite):
        return suite_root(suite, offline=offline)
    root = private_root(offline=offline) if enable_deb_src else system_root(wanted=name)
    if suite is None or suite in _suite_aliases(root):
        return root
    try:
        return suite_root(suite, offline=offline)
    except NotOnMirror as error:
        known = ", ".join(root.suites())
        raise MissingError(f"unknown suite {suite!r}", hint=f"apt knows {known}") from error


def available(root: AptRoot, name: str) -> tuple[Available, ...]:
    """The versions of the source ``name`` that ``root`` knows, newest first."""
    versions: dict[str, set[str]] = {}
    for row in madison(root, name):
        if row.source:
            versions.setdefault(row.version, set()).add(row.suite)
    return tuple(
        Available(version=version, suites=tuple(sorted(versions[version])))
        for version in sorted(versions, key=Version, reverse=True)
    )


def _choose(
    root: AptRoot,
    name: str,
    found: tuple[Available, ...],
    *,
    version: str | None,
    suite: str | None,
) -> tuple[Available, ...]:
    """Those of ``found`` that the user's choice admits, best first."""
    kept = found
    if suite:
        aliases = _suite_aliases(root)
        if suite not in aliases:
            raise MissingError(
                f"unknown suite {suite!r}", hint=f"apt knows {', '.join(root.suites())}"
            )
        kept = tuple(item for item in kept if aliases[suite] & set(item.suites))
    if version:
        kept = tuple(item for item in kept if item.version == version)
    if not kept:
        choice = " ".join(filter(None, (version, f"in {suite}" if suite else "")))
        known = ", ".join(f"{item.version} ({', '.join(item.suites)})" for item in found)
        raise MissingError(f"no source {name} {choice}", hint=f"there is {known}")
    return kept


def _suite_aliases(root: AptRoot) -> dict[str, set[str]]:
    """Every name of a suite (entry, code name, stable and the like) to its names in entries."""
    aliases: dict[str, set[str]] = {}
    for target in root.targets("Sources"):
        for field in ("Release", "Codename", "Suite"):
            if target.get(field):
                aliases.setdefault(target[field], set()).add(target["Release"])
    return aliases


def _download(root: AptRoot, name: str, version: str, destination: Path) -> Path:
    """Fetch into the cache, where apt checks what is there already, and copy from there."""
    safe = urllib.parse.quote(version, safe="+~")
    cache = paths.cache() / "sources" / name / safe
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache.with_name(f"{safe}.lock")):
        _fill(root, name, version, cache)
        dscs = sorted(cache.glob("*.dsc"))
        if len(dscs) != 1:
            raise InputError(f"{cache} has {len(dscs)} .dsc files", hint="remove that directory")
        control = read_dsc(dscs[0])
        for path in (*control.files, control.path):
            with atomic_path(destination / path.name) as partial:
                shutil.copyfile(path, partial)
    return destination / control.path.name


def _fill(root: AptRoot, name: str, version: str, cache: Path) -> None:
    """Have apt download what ``cache`` lacks; the index will do where only the .dsc is gone."""
    try:
        root.run(
            "apt-get", "source", "-q", "--download-only", "--only-source",
            f"{name}={version}", cwd=cache, timeout=_DOWNLOAD_TIMEOUT,
        )  # fmt: skip
    except CommandFailed as failure:
        error = explain(failure, doing=f"cannot fetch {name} {version}")
        if not isinstance(error, NotOnMirror):
            raise error from failure
        dsc = dsc_from_index(root, name, version, cache)
        if dsc is None:
            raise error from failure
        ui.warn(f"the mirror has all of {name} {version} but {dsc.name}: written from the index")


def _suggestion(root: AptRoot, name: str) -> str:
    """What the user may have meant: the source of a binary package, or a similar name."""
    shown = root.run("apt-cache", "showsrc", "--", name, check=False).stdout
    sources = {stanza["Package"] for stanza in Deb822.iter_paragraphs(shown, use_apt_pkg=False)}
    if sources:
        return f"{name} is a binary package of the source {', '.join(sorted(sources))}"
    near = difflib.get_close_matches(name, sorted(_source_names(root)), n=3)
    return f"did you mean {', '.join(near)}?" if near else "check the name"


@functools.cache
def _source_names(root: AptRoot) -> frozenset[str]:
    names: set[str] = set()
    for target in root.targets("Sources"):
        if Path(target["Filename"]).exists():
            names |= {stanza["Package"] for stanza in apt_pkg.TagFile(target["Filename"])}
    return frozenset(names)

# SPDX-License-Identifier: BSD-2-Clause
"""The two views of apt that sources come from: the system's own, and a private one.

The private root has its own source entries, indexes and cache below the user's cache
directory, so that sources can be fetched on a system without ``deb-src`` entries, by any user,
and without a change in ``/etc``. Keys, proxies and preferences stay the system's.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from debian.deb822 import Deb822

from rumprun import paths, ui
from rumprun.command import CommandFailed, Completed, run
from rumprun.errors import MissingError, UsageError
from rumprun.source.apt_errors import explain
from rumprun.workdir import atomic_path, locked, remove_tree

_STAMP = "updated"
_MAX_AGE = 6 * 3600.0
# A mirror may be out of reach for a moment.
_RETRIES = 3
_UPDATE_TIMEOUT = 1800.0

_APT = Path("/etc/apt")

_SUITE = re.compile(r"[a-z][a-z0-9]*")

# sources.list(5), one-line style: "deb [ options ] uri suite component...".
_LINE = re.compile(
    r"deb(?:-src)?\s+(?P<place>(?:\[[^]]*\]\s+)?\S+)\s+(?P<suite>\S+)\s*(?P<parts>.*)"
)

# Debian's development suites have neither updates nor security updates of their own.
_WITHOUT_POCKETS = frozenset({"experimental", "sid", "unstable"})

# What every Debian system has, so its origin tells the distribution from third parties.
_BASE_PACKAGE = "base-files"

# Read after all of the system's configuration (apt-get -c), so it has the last word.
_CONFIGURATION = """\
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "{root}/sources.list.d";
Dir::State::lists "{root}/lists";
Dir::Cache "{root}/cache";
APT::Update::Error-Mode "any";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""


@dataclass(frozen=True, kw_only=True)
class AptRoot:
    """One view of apt: the system's (no ``configuration``) or a private one."""

    configuration: Path | None = None

    def run(
        self,
        program: str,
        *arguments: str,
        cwd: Path | None = None,
        timeout: float | None = None,
        check: bool = True,
    ) -> Completed:
        """Run ``apt-get`` or ``apt-cache`` in this view; the rest is :func:`command.run`'s."""
        options = ["-c", str(self.configuration)] if self.configuration else []
        options.append(f"-oAcquire::Retries={_RETRIES}")
        return run([program, *options, *arguments], cwd=cwd, timeout=timeout, check=check)

    def targets(self, created_by: str) -> tuple[dict[str, str], ...]:
        """The index files of this view that ``created_by`` made: ``Packages`` or ``Sources``.

        Each as apt-get(8) describes it under ``indextargets``.
        """
        said = self.run("apt-get", "indextargets", f"Created-By: {created_by}").stdout
        return tuple(dict(stanza) for stanza in Deb822.iter_paragraphs(said, use_apt_pkg=False))

    def kept_targets(self, created_by: str) -> tuple[dict[str, str], ...]:
        """As :meth:`targets`, from the user's cache where apt's entries are the same as then.

        Asking apt takes half a second, and it hardly ever says anything new.
        """
        return tuple(self.kept(created_by, lambda: self.targets(created_by)))

    def kept(self, what: str, ask: Callable[[], Sequence[dict[str, str]]]) -> list[dict[str, str]]:
        """What ``ask`` says of ``what``, or said when apt's entries were as they are now."""
        state = self._state()
        words = json.dumps([str(self.configuration), what]).encode()
        path = paths.cache() / "index" / f"{hashlib.sha256(words).hexdigest()[:20]}.json"
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["state"] == state:
                return [dict(item) for item in kept["said"]]
        said = [dict(item) for item in ask()]
        _write(path, json.dumps({"state": state, "said": said}))
        return said

    def _state(self) -> list[list[object]]:
        """Names and dates of apt's configuration and entries, which the targets depend on."""
        if self.configuration is not None:
            places = [self.configuration, *self.configuration.parent.glob("sources.list.d/*")]
        else:
            places = [
                Path("/etc/apt/apt.conf"),
                *Path("/etc/apt/apt.conf.d").glob("*"),
                *_entries(),
            ]
            places += [Path(os.environ["APT_CONFIG"])] if "APT_CONFIG" in os.environ else []
        return [[str(path), path.stat().st_mtime_ns] for path in sorted(places) if path.exists()]

    def suites(self) -> tuple[str, ...]:
        """The suites whose sources this view knows, as the source entries name them."""
        return tuple(sorted({target["Release"] for target in self.targets("Sources")}))


@dataclass(frozen=True, kw_only=True)
class Row:
    """A version of a package, and where an index has it; ``source`` tells Sources from Packages."""

    version: str
    site: str
    suite: str
    source: bool


def madison(root: AptRoot, name: str) -> tuple[Row, ...]:
    """What ``root`` knows of the package ``name``, as ``apt-cache madison`` lists it."""
    rows = []
    # "zlib | 1:1.2.13 | http://deb.debian.org/debian bookworm/main Sources"
    for line in root.run("apt-cache", "madison", "--", name).stdout.splitlines():
        package, version, origin = (part.strip() for part in line.split("|", 2))
        site, place, *kind = origin.split()
        if package == name:
            suite = place.rpartition("/")[0]
            rows.append(Row(version=version, site=site, suite=suite, source=kind == ["Sources"]))
    return tuple(rows)


def system_root(*, wanted: str) -> AptRoot:
    """The system's own view of apt.

    ``wanted`` is what is to be fetched, for the message. Raises :class:`MissingError` where
    no entry has sources, naming the files where ``deb-src`` belongs.
    """
    root = AptRoot()
    if root.targets("Sources"):
        return root
    files = sorted({path for path, _number in _base_entries()})
    where = " and ".join(str(path) for path in files) or "/etc/apt/sources.list"
    raise MissingError(
        f"cannot fetch {wanted}: apt has no deb-src entry",
        hint=f"add deb-src beside deb in {where} and run 'apt-get update',"
        " or give --enable-deb-src",
    )


def private_root(*, max_age: float = _MAX_AGE, offline: bool = False) -> AptRoot:
    """A private view with the sources of the system's own distribution entries.

    Its indexes are refreshed when they are older than ``max_age`` seconds or the system's
    entries changed; never where ``offline`` is set. Raises :class:`MissingError` where the
    system has no usable entry or the mirror cannot be reached.
    """
    return _root(paths.cache() / "apt", deb_src_entries, max_age=max_age, offline=offline)


def suite_root(suite: str, *, max_age: float = _MAX_AGE, offline: bool = False) -> AptRoot:
    """A private view with the sources and packages of another ``suite`` of the distribution.

    They come from where the system's own entries point. Raises :class:`MissingError` as
    :func:`private_root` does, and :class:`UsageError` for what is no suite's name.
    """
    if not _SUITE.fullmatch(suite):
        raise UsageError(f"{suite!r} is no suite's name", hint="such as bookworm or trixie")
    directory = _suite_directory(suite)
    try:
        return _root(directory, lambda: suite_entries(suite), max_age=max_age, offline=offline)
    finally:
        # Nothing is kept of a suite that there is not.
        if not (directory / _STAMP).exists():
            remove_tree(directory)


def has_root(suite: str) -> bool:
    """Whether :func:`suite_root` has been asked for ``suite`` before: a plan is made of it."""
    return bool(_SUITE.fullmatch(suite)) and (_suite_directory(suite) / _STAMP).exists()


def _suite_directory(suite: str) -> Path:
    return paths.cache() / f"apt-{suite}"


def _root(
    directory: Path, entries: Callable[[], dict[str, str]], *, max_age: float, offline: bool
) -> AptRoot:
    """The private view in ``directory``, refreshed where it has to be."""
    for name in ("sources.list.d", "lists/partial", "cache/archives/partial"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    configuration = directory / "apt.conf"
    root = AptRoot(configuration=configuration)
    stamp = directory / _STAMP
    with locked(directory / "lock"):
        if offline and not stamp.exists():
            raise MissingError("no index of sources yet", hint="run once with network")
        if not offline and not _is_fresh(stamp, max_age):
            _write(configuration, _CONFIGURATION.format(root=directory))
            for name, text in entries().items():
                _write(directory / "sources.list.d" / name, text)
            _update(root)
            stamp.touch()
    return root


def deb_src_entries() -> dict[str, str]:
    """The system's own distribution entries as ``deb-src`` entries: file name to content.

    Both forms of sources.list(5) keep their options, Signed-By above all. Raises
    :class:`MissingError` where there is no entry from which the base system comes.
    """
    return _rewritten(("deb-src",), lambda suite: suite)


def suite_entries(suite: str) -> dict[str, str]:
    """The system's own distribution entries, pointed to ``suite`` and its updates.

    As :func:`deb_src_entries`, with binary packages too.
    """

    def other(own: str) -> str | None:
        pocket = re.sub(r"^[^-/]+", "", own)
        return None if pocket and suite in _WITHOUT_POCKETS else f"{suite}{pocket}"

    return _rewritten(("deb", "deb-src"), other)


def base_mirror() -> str:
    """The URI of the mirror that the base system comes from.

    Raises :class:`MissingError` where apt knows none.
    """
    return _base_place()["site"]


def base_suite() -> str:
    """The suite that the base system comes from; raises as :func:`base_mirror` does."""
    return _base_place()["suite"]


def _base_place() -> dict[str, str]:
    """Site and suite of the base system."""

    def ask() -> list[dict[str, str]]:
        rows = madison(AptRoot(), _BASE_PACKAGE)
        if not rows:
            raise MissingError(f"apt knows no {_BASE_PACKAGE}", hint="run 'apt-get update'")
        # The name of the main suite has no pocket.
        row = min(rows, key=lambda row: ("-" in row.suite, row.suite))
        return [{"site": row.site, "suite": row.suite}]

    return AptRoot().kept(_BASE_PACKAGE, ask)[0]


def _rewritten(types: Sequence[str], rename: Callable[[str], str | None]) -> dict[str, str]:
    """The distribution's entries, of ``types``, their suites renamed; ``None`` leaves one out."""
    lines: list[str] = []
    stanzas: list[str] = []
    for path, number in _base_entries():
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".sources":
            stanza = list(Deb822.iter_paragraphs(text, use_apt_pkg=False))[number - 1]
            suites = list(filter(None, map(rename, stanza["Suites"].split())))
            stanza["Types"] = " ".join(types)
            stanza["Suites"] = " ".join(suites)
            stanzas += [stanza.dump() or ""] if suites else []
        else:
            entry = _LINE.fullmatch(text.splitlines()[number - 1].strip())
            suite = rename(entry["suite"]) if entry else None
            if entry and suite:
                lines += [f"{kind} {entry['place']} {suite} {entry['parts']}\n" for kind in types]
    if not lines and not stanzas:
        raise MissingError(
            f"no source entry of this system has {_BASE_PACKAGE}", hint="run 'apt-get update'"
        )
    return {"system.list": "".join(lines), "system.sources": "\n".join(stanzas)}


def _base_entries() -> list[tuple[Path, int]]:
    """The entries of the distribution itself: file, and line or stanza number in it."""
    root = AptRoot()
    targets = root.targets("Packages")
    base = {(row.site, row.suite) for row in madison(root, _BASE_PACKAGE)}
    origins = {
        target.get("Origin") for target in targets if (target["Site"], target["Release"]) in base
    }
    entries: dict[tuple[Path, int], None] = {}
    for target in targets:
        if target.get("Origin") in origins - {None, ""}:
            path, _colon, number = target["Sourcesentry"].rpartition(":")
            entries[Path(path), int(number)] = None
    return list(entries)


def _update(root: AptRoot) -> None:
    with ui.step("reading the archive's index of sources"):
        try:
            root.run("apt-get", "update", "-q", timeout=_UPDATE_TIMEOUT)
        except CommandFailed as failure:
            raise explain(failure, doing="cannot read the index of sources") from failure


def _is_fresh(stamp: Path, max_age: float) -> bool:
    """Whether ``stamp`` is young enough, and younger than the system's source entries."""
    if not stamp.exists():
        return False
    updated = stamp.stat().st_mtime
    changed = max((path.stat().st_mtime for path in _entries() if path.exists()), default=0.0)
    return time.time() - updated <= max_age and changed < updated


def _entries() -> list[Path]:
    """The files and directories of the system's source entries."""
    words = ("LIST", "Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d")
    said = run(["apt-config", "shell", *words])
    entries = [Path(word.partition("=")[2]) for word in shlex.split(said.stdout)]
    return entries + [path for entry in entries if entry.is_dir() for path in entry.iterdir()]


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")

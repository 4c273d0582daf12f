# SPDX-License-Identifier: BSD-2-Clause
"""The packages that dom0 is made of: chosen by apt, downloaded and verified by it, not installed.

apt is asked in a view of its own with a system in which nothing is installed but what a lab does
without, such as Python and udev; so any user can ask, and what the machine has makes no difference.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from debian.deb822 import Deb822

from rumprun import paths, ui
from rumprun.command import CommandFailed
from rumprun.errors import MissingError
from rumprun.lab.releases import Release
from rumprun.source.apt_errors import explain
from rumprun.source.apt_root import AptRoot, suite_root

# What packages of Xen and the kernel depend on, and no lab runs.
_WITHOUT = (
    "adduser", "debconf", "dpkg", "init-system-helpers", "initramfs-tools", "kmod", "libpam0g",
    "libpython3-stdlib", "linux-base", "linux-initramfs-tool", "linux-sysctl-defaults", "lsb-base",
    "media-types", "passwd", "perl", "perl-base", "python3", "python3-minimal", "sensible-utils",
    "sysvinit-utils", "tar", "ucf", "udev",
)  # fmt: skip

_TIMEOUT = 3600.0

# "'http://…/xl_1%3a2_amd64.deb' xl_1%3a2_amd64.deb 1234 SHA256:…"
_LINE = re.compile(r"'(?P<uri>[^']+)' (?P<file>(?P<name>[^_ ]+)_(?P<version>[^_ ]+)_[^_ ]+\.deb) ")


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A package that apt chose; ``file`` is the name that apt gives its download."""

    name: str
    version: str
    file: str


@dataclass(frozen=True, kw_only=True)
class Packages:
    """What apt chose for a lab: those of the release itself, and further ones for the user."""

    base: tuple[Chosen, ...]
    further: tuple[Chosen, ...]

    @property
    def every(self) -> tuple[Chosen, ...]:
        """All of them."""
        return self.base + self.further


def view_of(release: Release, *, offline: bool = False) -> AptRoot:
    """The view of apt that has the release's suite: the system's own if it can, or a private one.

    Raises :class:`MissingError` where the mirror cannot be reached.
    """
    own = AptRoot()
    names = (target.get("Codename") for target in own.kept_targets("Packages"))
    return own if release.suite in names else suite_root(release.suite, offline=offline)


def state_of(view: AptRoot) -> str:
    """A hash that changes when the view's lists do, or their places."""
    digest = hashlib.sha256()
    for target in view.kept_targets("Packages"):
        path = Path(target["Filename"])
        facts = path.stat() if path.exists() else None
        said = (facts.st_size, facts.st_mtime_ns) if facts else ()
        digest.update(f"{path}\0{said}\0".encode())
    return digest.hexdigest()


def choose(view: AptRoot, release: Release, further: Collection[str], scratch: Path) -> Packages:
    """What apt would install for the release, and for the packages ``further``.

    Raises :class:`MissingError` for a package that the suite does not have.
    """
    base = _closure(view, release.packages, scratch, without=_WITHOUT)
    known = {chosen.name for chosen in base}
    if not further:
        return Packages(base=base, further=())
    without = [name for name in _WITHOUT if name not in further]
    both = _closure(view, (*release.packages, *further), scratch, without=without)
    return Packages(base=base, further=tuple(chosen for chosen in both if chosen.name not in known))


def download(view: AptRoot, packages: Iterable[Chosen], directory: Path) -> None:
    """Put the files of ``packages`` into ``directory``, as :attr:`Chosen.file`.

    Raises :class:`MissingError` where the mirror does not give them.
    """
    words = [f"{package.name}={package.version.replace('%3a', ':')}" for package in packages]
    sandbox = ["-oAPT::Sandbox::User=root"] if os.geteuid() == 0 else []
    with ui.step(f"downloading {len(words)} packages for dom0"):
        try:
            view.run("apt-get", "download", "-q", *sandbox, *words, cwd=directory, timeout=_TIMEOUT)
        except CommandFailed as failure:
            raise explain(failure, doing="cannot download dom0's packages") from failure


def _closure(
    view: AptRoot, names: Iterable[str], scratch: Path, *, without: Iterable[str]
) -> tuple[Chosen, ...]:
    status = scratch / "status"
    status.write_text(_installed(view, without), encoding="utf-8")
    (scratch / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    try:
        said = view.run(
            "apt-get", "install", "--yes", "--print-uris", "--no-install-recommends", "-q",
            f"-oDir::State::status={status}",
            f"-oDir::Cache::archives={scratch / 'archives'}",
            f"-oDir::Cache::pkgcache={scratch / 'pkgcache.bin'}",
            f"-oDir::Cache::srcpkgcache={scratch / 'srcpkgcache.bin'}",
            "-oDebug::NoLocking=true",
            *names,
        ).stdout  # fmt: skip
    except CommandFailed as failure:
        raise explain(failure, doing="apt finds no packages for the lab") from failure
    found = tuple(
        Chosen(name=match["name"], version=match["version"], file=match["file"])
        for match in map(_LINE.match, said.splitlines())
        if match
    )
    if not found:
        raise MissingError("apt names no packages for the lab", hint="run 'apt-get update' as root")
    return tuple(sorted(found, key=lambda chosen: chosen.name))


def _installed(view: AptRoot, names: Iterable[str]) -> str:
    """A status file of dpkg with the packages ``names`` installed, as the suite has them."""
    shown = view.run("apt-cache", "show", "--no-all-versions", *names, check=False).stdout
    fields = ("Package", "Architecture", "Version", "Multi-Arch", "Provides")
    stanzas = [
        "".join(f"{field}: {stanza[field]}\n" for field in fields if field in stanza)
        + "Status: install ok installed\nMaintainer: none\nDescription: none\n"
        for stanza in Deb822.iter_paragraphs(shown, use_apt_pkg=False)
        if "Package" in stanza
    ]
    return "\n".join(stanzas)


def cache() -> Path:
    """Where the roots of labs are kept."""
    return paths.cache() / "labs"

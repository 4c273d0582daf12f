# SPDX-License-Identifier: BSD-2-Clause
"""Sources for tests: the real archive's, fetched once, and archives made on the spot."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

import pytest

from rumprun import paths
from rumprun.command import base_environment, run
from rumprun.source.apt import fetch

Fetch = Callable[[str], Path]

_CONTROL = """\
Source: {name}
Section: utils
Priority: optional
Maintainer: A Person <person@example.org>
Build-Depends: debhelper-compat (= 13)
Standards-Version: 4.6.2

Package: {name}-tool
Architecture: any
Depends: ${{misc:Depends}}, ${{shlibs:Depends}}
Description: tool for tests
 It does nothing.
"""

_CHANGELOG = """\
{name} ({version}) unstable; urgency=medium

  * A release.

 -- A Person <person@example.org>  Mon, 26 Dec 2022 15:30:00 +0000
"""

_RULES = "#!/usr/bin/make -f\n%:\n\tdh $@\n"


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Fetch:
    """Fetches a source of the real archive; downloads outlive the test run."""
    directory = tmp_path_factory.mktemp("archive")
    cache = str(paths.DATA / "build" / "cache")

    def get(name: str) -> Path:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_CACHE_HOME", cache)
            patch.delenv("APT_CONFIG", raising=False)
            return fetch(name, destination=directory / name, enable_deb_src=True)

    return get


def make_source(
    work: Path,
    *,
    name: str = "sample",
    version: str = "1.0-1",
    source_format: str = "3.0 (quilt)",
    control: str = _CONTROL,
    rules: str = _RULES,
    extra: dict[str, str] | None = None,
) -> Path:
    """A small source package, built by dpkg-source in ``work``; returns its .dsc.

    ``extra`` has further files of debian/, by name.
    """
    upstream = version.rpartition("-")[0] or version
    tree = work / f"{name}-{upstream}"
    debian = tree / "debian"
    (debian / "source").mkdir(parents=True)
    (tree / "README").write_text("An upstream file.\n")
    if "-" in version:
        _write_orig(work / f"{name}_{upstream}.orig.tar.gz", tree.name)
    (debian / "source" / "format").write_text(f"{source_format}\n")
    (debian / "control").write_text(control.format(name=name))
    (debian / "changelog").write_text(_CHANGELOG.format(name=name, version=version))
    (debian / "rules").write_text(rules)
    (debian / "rules").chmod(0o755)
    for file, text in (extra or {}).items():
        (debian / file).write_text(text)
    run(["dpkg-source", "--build", tree.name], cwd=work, env=base_environment())
    return work / f"{name}_{version}.dsc"


def _write_orig(path: Path, top: str) -> None:
    content = b"An upstream file.\n"
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo(f"{top}/README")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))


class LocalArchive:
    """An apt archive in a directory, and a system that knows no other."""

    def __init__(self, root: Path, *, origin: str = "Debian") -> None:
        self.root = root
        self.pool = root / "pool"
        self.origin = origin
        self.pool.mkdir(parents=True)

    def publish(self, *, suite: str = "testing", package: str = "base-files") -> None:
        """Write the indexes of ``suite``: what is in the pool, and one binary ``package``."""
        component = self.root / "dists" / suite / "main"
        sources, packages = component / "source", component / "binary-amd64"
        sources.mkdir(parents=True, exist_ok=True)
        packages.mkdir(exist_ok=True)
        listed = run(["dpkg-scansources", "pool"], cwd=self.root).stdout
        (sources / "Sources").write_text(listed)
        base = (
            f"Package: {package}\nVersion: 1\nArchitecture: amd64\nMaintainer: x <x@example.org>\n"
            f"Filename: pool/b.deb\nSize: 1\nSHA256: {'0' * 64}\nDescription: base\n\n"
        )
        (packages / "Packages").write_text(base)
        self._release(suite)

    def _release(self, suite: str) -> None:
        top = self.root / "dists" / suite
        files = [path for path in sorted(top.rglob("*")) if path.name in {"Sources", "Packages"}]
        sums = [
            f" {hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_size}"
            f" {path.relative_to(top)}"
            for path in files
        ]
        (top / "Release").write_text(
            f"Origin: {self.origin}\nLabel: {self.origin}\nSuite: {suite}\nCodename: {suite}\n"
            f"Architectures: amd64\nComponents: main\nDate: {formatdate(0, usegmt=True)}\n"
            "SHA256:\n" + "\n".join(sums) + "\n"
        )


class System:
    """A system of our own for apt: its sources and state, used by way of ``APT_CONFIG``."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.parts = root / "sources.list.d"
        self.cache = root / "xdg"
        for name in ("sources.list.d", "lists/partial", "cache/archives/partial"):
            (root / name).mkdir(parents=True)
        configuration = root / "apt.conf"
        configuration.write_text(
            f'Dir::Etc::sourcelist "{root}/sources.list";\nDir::Etc::sourceparts "{self.parts}";\n'
            f'Dir::State::lists "{root}/lists";\nDir::Cache "{root}/cache";\n'
            'APT::Architecture "amd64";\nAPT::Architectures "amd64";\nAcquire::Retries "0";\n'
            f'Dir::State::status "{root}/status";\n'
        )
        (root / "status").touch()
        (root / "sources.list").touch()
        monkeypatch.setenv("APT_CONFIG", str(configuration))
        monkeypatch.setenv("XDG_CACHE_HOME", str(self.cache))

    def deb822(self, name: str, uri: str, *, types: str = "deb", suite: str = "testing") -> Path:
        """An entry in the deb822 form; returns its file, which may get several."""
        path = self.parts / f"{name}.sources"
        before = path.read_text() + "\n" if path.exists() else ""
        path.write_text(
            f"{before}# {name}\nTypes: {types}\nURIs: {uri}\nSuites: {suite}\n"
            "Components: main\nTrusted: yes\n"
        )
        return path

    def one_line(self, name: str, uri: str, *, kind: str = "deb") -> Path:
        """An entry in the one-line form; returns its file."""
        path = self.parts / f"{name}.list"
        path.write_text(f"# a comment\n\n{kind} [trusted=yes] {uri} testing main\n")
        return path

    def update(self) -> None:
        """What the administrator does from time to time."""
        run(["apt-get", "update"])

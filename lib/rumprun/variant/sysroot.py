# SPDX-License-Identifier: BSD-2-Clause
"""The variants that a build uses: unpacked for it, or installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from debian.debfile import DebFile
from debian.debian_support import Version

from rumprun.command import CommandFailed, run
from rumprun.errors import InputError
from rumprun.source.deb import read_control
from rumprun.source.naming import is_variant_name
from rumprun.source.relations import alternatives
from rumprun.target.descriptor import Target

_FIELDS = ("db:Status-Status", "Package", "Version", "source:Package", "source:Version", "Provides")
_QUERY = "\t".join(f"${{{field}}}" for field in _FIELDS) + "\n"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One variant package: its name and version, and the source that it was built from.

    ``provides`` are names of virtual packages. ``deb`` is its file, or ``None`` for one that is
    installed.
    """

    name: str
    version: str
    source: str
    source_version: str
    depends: str
    deb: Path | None
    provides: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sysroot:
    """The variants at hand for one build, also under the names that they provide.

    ``path`` is a directory with ``include`` and ``lib`` for :envvar:`RUMPRUN_SYSROOT`, or
    ``None`` where everything is installed; ``owners`` maps files in it to their package.
    """

    path: Path | None
    variants: Mapping[str, Variant]
    owners: Mapping[Path, str]


def read_pool(debs: Iterable[Path]) -> dict[str, Variant]:
    """The variants among ``debs`` by name; of two versions the later one.

    Raises :class:`InputError` for a file that is no Debian package.
    """
    pool: dict[str, Variant] = {}
    for deb in sorted(debs):
        if not is_variant_name(deb.name.partition("_")[0]):
            continue
        variant = _read_deb(deb)
        known = pool.get(variant.name)
        if known is None or Version(variant.version) > Version(known.version):
            pool[variant.name] = variant
    return pool


def installed_variants() -> dict[str, Variant]:
    """The variants that dpkg knows as installed."""
    answer = run(["dpkg-query", "-W", "-f", _QUERY, "*-rumprun*"], check=False)
    found = {}
    for line in answer.stdout.splitlines():
        status, name, version, source, source_version, provides = line.split("\t")
        if status == "installed" and is_variant_name(name):
            found[name] = Variant(
                name=name,
                version=version,
                source=source,
                source_version=source_version,
                depends="",
                deb=None,
                provides=_names(provides),
            )
    return found


def assemble(
    wanted: Iterable[str], pool: Mapping[str, Variant], directory: Path, target: Target
) -> Sysroot:
    """Unpack the variants ``wanted``, and what they depend on, from ``pool`` below ``directory``.

    Names that the pool lacks are passed over. Variants that are installed count as at hand
    where the toolchain is the installed one, which finds them. Raises :class:`InputError` for
    a package that cannot be unpacked.
    """
    chosen = closure(wanted, pool)
    owners: dict[Path, str] = {}
    for variant in chosen:
        assert variant.deb is not None
        try:
            run(["dpkg-deb", "--extract", variant.deb, directory])
        except CommandFailed as error:
            raise InputError(
                error.message, hint="if the package is damaged, build it again"
            ) from error
        with DebFile(filename=str(variant.deb)) as package:
            members = package.data.tgz().getmembers()
        files = [member for member in members if not member.isdir()]
        owners.update({directory / member.name: variant.name for member in files})
    variants = installed_variants() if target.root == Path("/") else {}
    variants.update({variant.name: variant for variant in chosen})
    for variant in tuple(variants.values()):
        for name in variant.provides:
            variants.setdefault(name, variant)
    path = directory / target.prefix.relative_to("/") if chosen else None
    return Sysroot(path=path, variants=variants, owners=owners)


def closure(wanted: Iterable[str], pool: Mapping[str, Variant]) -> list[Variant]:
    """``wanted`` and all that they depend on, as far as ``pool`` has them, sorted by name."""
    known = {name: variant for variant in pool.values() for name in variant.provides}
    known.update(pool)
    found: dict[str, Variant] = {}
    waiting = [name for name in wanted if name in known]
    while waiting:
        variant = known[waiting.pop()]
        if variant.name not in found:
            found[variant.name] = variant
            waiting += [r.name for r in alternatives(variant.depends) if r.name in known]
    return [found[name] for name in sorted(found)]


def _read_deb(path: Path) -> Variant:
    control = read_control(path)
    return Variant(
        name=control.name,
        version=control.version,
        source=control.source,
        source_version=control.source_version,
        depends=control.fields.get("Depends", ""),
        deb=path,
        provides=_names(control.fields.get("Provides", "")),
    )


def _names(field: str) -> tuple[str, ...]:
    return tuple(relation.name for relation in alternatives(field))

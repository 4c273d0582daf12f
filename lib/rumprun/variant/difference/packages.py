# SPDX-License-Identifier: BSD-2-Clause
"""The binary packages of both sides: the archive's own, and the variants that were built."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from debian.deb822 import Deb822
from debian.debian_support import Version

from rumprun.command import CommandFailed, run
from rumprun.errors import InputError, MissingError
from rumprun.source.control import formula_holds
from rumprun.source.naming import Candidate, architecture_is, candidates, is_variant_name
from rumprun.source.package import Binary, SourcePackage
from rumprun.target.descriptor import Target
from rumprun.variant.difference.configure import NATIVE_PROFILES
from rumprun.variant.sysroot import Variant
from rumprun.workdir import remove_tree

_DOWNLOAD_SECONDS = 1800.0
_EXTRACT_SECONDS = 600.0

# What holds no part of a library's or program's interface.
_NEVER = ("-dbg", "-dbgsym", "-doc", "-docs", "-examples", "-udeb")


@dataclass(frozen=True, kw_only=True)
class Unpacked:
    """Packages as one tree; ``owners`` maps files, relative to ``root``, to their package."""

    root: Path
    owners: Mapping[Path, str]


def native_names(source: SourcePackage, target: Target) -> tuple[str, ...]:
    """The binary packages of ``source`` that a native build makes and that are worth a look."""
    return tuple(binary.name for binary in source.binaries if _is_compared(binary, target))


def _is_compared(binary: Binary, target: Target) -> bool:
    architectures = binary.architecture
    return (
        binary.package_type == "deb"
        and not is_variant_name(binary.name)
        and not binary.name.endswith(_NEVER)
        and formula_holds(binary.build_profiles, NATIVE_PROFILES)
        and (
            architectures == ("all",)
            or any(architecture_is(target.dpkg_architecture, word) for word in architectures)
        )
    )


def variants_of(
    source: SourcePackage, pool: Mapping[str, Variant], target: Target
) -> tuple[tuple[Candidate, Variant | None], ...]:
    """Each binary package of ``source`` that gets a variant, with that of ``pool``.

    Raises :class:`MissingError` where the pool has none of them, :class:`InputError` where
    one is of another version of the source.
    """
    found = [
        (candidate, pool.get(candidate.variant))
        for candidate in candidates(source, target.dpkg_architecture)
    ]
    if not found:
        raise InputError(f"{source.name} has no library or program to vary")
    built = [variant for _candidate, variant in found if variant]
    if not built:
        raise MissingError(
            f"no variant of {source.name} is here: no {found[0][0].variant}_*_all.deb",
            hint=f"run 'rumpdeb build {source.name}', or say where with --variants",
        )
    for variant in built:
        if variant.source_version != source.version:
            raise InputError(
                f"{variant.deb}: of {source.name} {variant.source_version}, not {source.version}",
                hint="compare the source that the variant was built from",
            )
    return tuple(found)


def find_native(directory: Path, source: SourcePackage, names: Iterable[str]) -> tuple[Path, ...]:
    """The packages ``names`` of ``source`` among the .deb files of ``directory``.

    Raises :class:`MissingError` where there is none.
    """
    wanted = set(names)
    found = []
    for deb in sorted(directory.glob("*.deb")):
        if deb.name.partition("_")[0] in wanted:
            said = run(["dpkg-deb", "--field", deb], check=False).stdout
            if said and _source_version(Deb822(said)) == source.version:
                found.append(deb)
    if not found:
        raise MissingError(
            f"{directory} has no native package of {source.name} {source.version}",
            hint=f"it should have {', '.join(sorted(wanted))}",
        )
    return tuple(found)


def download_native(
    directory: Path, source: SourcePackage, names: Iterable[str]
) -> tuple[Path, ...]:
    """Fetch the packages ``names``, built from ``source``, into the empty ``directory``.

    apt verifies them. A package that no index has is passed over: architectures differ in what
    they build. Raises :class:`MissingError` where there is none, or apt cannot.
    """
    versions = _available(names, source)
    if not versions:
        raise MissingError(
            f"the archive has no binary package of {source.name} {source.version}",
            hint="name the directory of its packages with --native",
        )
    words = [f"{name}={version}" for name, version in sorted(versions.items())]
    try:
        run(["apt-get", "download", "-q", *words], cwd=directory, timeout=_DOWNLOAD_SECONDS)
    except CommandFailed as error:
        raise MissingError(
            f"apt-get cannot download {' '.join(words)}",
            hint="run 'apt-get update', or name a directory with --native",
        ) from error
    return tuple(sorted(directory.glob("*.deb")))


def _available(names: Iterable[str], source: SourcePackage) -> dict[str, str]:
    """Each package's latest version that was built from this version of ``source``."""
    argv = ["apt-cache", "show", "--all-versions", *names]
    found: dict[str, str] = {}
    for stanza in Deb822.iter_paragraphs(run(argv, check=False).stdout, use_apt_pkg=False):
        name, version = stanza.get("Package", ""), stanza.get("Version", "")
        if _source_version(stanza) == source.version and (
            name not in found or Version(version) > Version(found[name])
        ):
            found[name] = version
    return found


def _source_version(stanza: Mapping[str, str]) -> str:
    # Policy 5.6.1: "Source: name (version)" where they differ, as they do for a binNMU.
    _name, _, version = stanza.get("Source", "").partition(" ")
    return version.strip("()") or stanza.get("Version", "")


def unpack_all(debs: Iterable[Path], root: Path) -> Unpacked:
    """Unpack ``debs`` into one tree at ``root``.

    Raises :class:`InputError` for what dpkg-deb refuses.
    """
    root.mkdir(parents=True)
    owners: dict[Path, str] = {}
    for deb in debs:
        # Before another package's files are there, what appears is this one's.
        single = root.with_name(f"{root.name}.one")
        try:
            run(["dpkg-deb", "--extract", deb.absolute(), single], timeout=_EXTRACT_SECONDS)
        except CommandFailed as error:
            raise InputError(f"{deb}: not a sound Debian package", hint="remove it") from error
        name = deb.name.partition("_")[0]
        for path in sorted(single.rglob("*")):
            relative = path.relative_to(single)
            if path.is_dir() and not path.is_symlink():
                (root / relative).mkdir(exist_ok=True)
                (root / relative).chmod(0o755)
                continue
            path.rename(root / relative)
            owners[relative] = name
        remove_tree(single)
    return Unpacked(root=root, owners=owners)

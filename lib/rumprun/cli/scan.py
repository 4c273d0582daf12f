# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb scan``: predict, without building, which sources convert and what blocks them."""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from rumprun.cli.sources import add_source_arguments, unpack_source
from rumprun.errors import InputError, MissingError
from rumprun.source.package import read_source_tree
from rumprun.source.scan import (
    Context,
    Report,
    Severity,
    all_names,
    find_cycles,
    look_up_packages,
    scan_tree,
    variants_of,
)
from rumprun.target.descriptor import Target, load_target
from rumprun.variant.failure_classes import DATA_FILE
from rumprun.variant.sysroot import installed_variants, read_pool
from rumprun.workdir import temporary_tree

HELP = "predict without building which sources convert, and what blocks them"

# Neither glibc's own nor musl's: BSD's, which glibc took over.
_MORE_HEADERS = ("fts.h", "bsd/stdlib.h", "bsd/string.h")
_MUSL_HEADERS = Path("/usr/include/x86_64-linux-musl")

# A blocker of these classes is something that is not there, not a fault of the source's.
_ABSENT = frozenset({"needs-variant", "needs-cxx"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    add_source_arguments(parser)
    parser.add_argument(
        "--variants",
        type=Path,
        metavar="DIR",
        help="variants in this directory are at hand",
    )
    parser.add_argument("--json", action="store_true", help="print the reports as JSON")


def main(arguments: argparse.Namespace) -> int:
    """Scan all sources named, as if those made by one were there for the others."""
    target = load_target()
    with temporary_tree() as work:
        trees = [
            Path(name)
            if Path(name).is_dir()
            else unpack_source(name, arguments, work / str(number))
            for number, name in enumerate(arguments.sources)
        ]
        sources = [read_source_tree(tree) for tree in trees]
        architecture = target.dpkg_architecture
        context = Context(
            architecture=architecture,
            variants=_at_hand(arguments.variants, target),
            coming=variants_of(sources, architecture),
            packages=look_up_packages(frozenset().union(*map(all_names, sources))),
            missing_headers=_missing_headers(target),
            missing_names=frozenset(_lists()["libc_names"]),
            has_cxx=(target.sysroot / "lib" / "libstdc++.a").exists(),
        )
        cycles = find_cycles(sources, architecture)
        reports = [scan_tree(tree, context, cycles=cycles) for tree in trees]
    if arguments.json:
        print(json.dumps([report.to_json() for report in reports], indent=2))
    else:
        print("\n".join(_lines(reports)))
    return exit_status(reports)


def exit_status(reports: Iterable[Report]) -> int:
    """0 where all convert; 4 where all that blocks is absent and can be built; 3 otherwise."""
    blockers = {
        risk.name
        for report in reports
        for risk in report.risks
        if risk.severity is Severity.BLOCKER
    }
    if not blockers:
        return 0
    return MissingError.exit_code if blockers <= _ABSENT else InputError.exit_code


def _at_hand(directory: Path | None, target: Target) -> frozenset[str]:
    """The variants that a build would find, also by the names that they provide."""
    found = dict(installed_variants()) if target.root == Path("/") else {}
    if directory is not None:
        if not directory.is_dir():
            raise MissingError(f"{directory}: no such directory", hint="check --variants")
        found.update(read_pool(directory.glob("*.deb")))
    return frozenset(found).union(*(variant.provides for variant in found.values()))


def _lists() -> Mapping[str, Sequence[str]]:
    document = tomllib.loads(DATA_FILE.read_text(encoding="utf-8"))
    lists: Mapping[str, Sequence[str]] = document["lists"]
    return lists


def _missing_headers(target: Target) -> frozenset[str]:
    places = (_MUSL_HEADERS, target.sysroot / "include")
    return frozenset(
        header
        for header in (*_lists()["libc_headers"], *_MORE_HEADERS)
        if not any((place / header).exists() for place in places)
    )


def _lines(reports: Sequence[Report]) -> Iterator[str]:
    for report in reports:
        yield f"{report.source} {report.version}: {report.verdict}"
        yield f"  variants: {', '.join(report.variants) or 'none'}"
        languages = ", ".join(f"{name} ({count})" for name, count in report.languages.items())
        systems = ", ".join(report.build_systems) or "debian/rules alone"
        yield f"  rules: {report.rules}; builds with {systems}"
        yield f"  languages: {languages or 'none'}"
        yield from _needs_lines(report)
        for risk in report.risks:
            more = f", {risk.count} places" if risk.count > len(risk.evidence) else ""
            yield f"  {risk.severity.value}: {risk.name}: {risk.subject}{more}"
            yield from (f"    {evidence}" for evidence in risk.evidence)
    blocked = sum(report.is_blocked for report in reports)
    if len(reports) > 1:
        yield f"{len(reports) - blocked} of {len(reports)} sources convert"


def _needs_lines(report: Report) -> Iterator[str]:
    needs = report.needs
    made = [f"{name} (source {source})" for name, source in needs.coming.items()]
    absent = [f"{name} (source {source or 'unknown'})" for name, source in needs.missing.items()]
    tools = [name if there else f"{name} (not installed)" for name, there in needs.tools.items()]
    dropped = [f"{name} ({reason})" for name, reason in needs.dropped.items()]
    for label, names in (
        ("libraries at hand", needs.at_hand),
        ("libraries made by the sources given", made),
        ("libraries without a variant", absent),
        ("build tools", tools),
        ("not used", dropped),
    ):
        if names:
            yield f"  {label}: {', '.join(names)}"

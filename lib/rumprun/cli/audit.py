# SPDX-License-Identifier: BSD-2-Clause
"""``rumpdeb audit``: judge packages, trees or single files by the audit's rules."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from rumprun.cli.target_option import add_target_argument, chosen_target
from rumprun.errors import AuditError, InputError
from rumprun.target.descriptor import Target
from rumprun.variant.audit import Finding, Verdict, judge_file, judge_tree
from rumprun.variant.audit.debs import Unpacked, is_deb, unpack
from rumprun.variant.audit.finding import printable
from rumprun.workdir import temporary_tree

HELP = "judge packages, trees or files by the rules that variants must keep"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the subcommand."""
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="a .deb, a directory laid out like an unpacked one, a program, object or archive; "
        "several .debs may depend on one another",
    )
    parser.add_argument(
        "--sysroot",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="an unpacked dependency: its root, or its /usr/<triple> (repeatable)",
    )
    parser.add_argument(
        "--forbid",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="a build directory that no file may name (repeatable)",
    )
    add_target_argument(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(arguments: argparse.Namespace) -> int:
    """Judge each path, print the findings; the status says whether there are any."""
    target = chosen_target(arguments)
    verdicts = _judge_all(
        arguments.paths,
        target=target,
        closure=[_sysroot(path, target) for path in arguments.sysroot],
        forbidden=[str(path.absolute()) for path in arguments.forbid],
    )
    findings = [finding for verdict in verdicts for finding in verdict.findings]
    if arguments.json:
        print(json.dumps(_document(verdicts, findings), indent=2))
    else:
        for finding in findings:
            print(f"{finding.to_line()}\n    {finding.remedy}")
        print(_closing_line(verdicts, findings))
    return AuditError.exit_code if findings else 0


def _judge_all(
    paths: Sequence[Path], *, target: Target, closure: Sequence[Path], forbidden: Sequence[str]
) -> list[Verdict]:
    for path in paths:
        if not path.exists():
            raise InputError(f"{printable(str(path))}: no such file or directory")
    with temporary_tree() as work:
        debs = _unpack_all(paths, work)
        verdicts = []
        for path in paths:
            if path in debs:
                verdict = _judge_deb(path, debs, target, closure, forbidden)
            elif path.is_dir():
                verdict = judge_tree(
                    path, target=target, closure=closure, forbidden_paths=forbidden
                )
                if not verdict.files and not verdict.findings:
                    raise InputError(f"{printable(str(path))}: no file below it to judge")
            else:
                verdict = judge_file(
                    path, target=target, closure=closure, forbidden_paths=forbidden
                )
            verdicts.append(verdict)
    return verdicts


def _unpack_all(paths: Sequence[Path], work: Path) -> dict[Path, Unpacked]:
    debs = {}
    for number, path in enumerate(paths):
        if path.is_file() and (path.suffix == ".deb" or is_deb(path)):
            place = work / str(number)
            place.mkdir()
            debs[path] = unpack(path, place)
    return debs


def _judge_deb(
    path: Path,
    debs: Mapping[Path, Unpacked],
    target: Target,
    closure: Sequence[Path],
    forbidden: Sequence[str],
) -> Verdict:
    """Judge one package with all the others as its dependencies."""
    relative = target.prefix.relative_to("/")
    others = [other.root / relative for name, other in debs.items() if name != path]
    return judge_tree(
        debs[path].root,
        target=target,
        closure=[*closure, *(other for other in others if other.is_dir())],
        forbidden_paths=forbidden,
        package=debs[path].name,
        control=debs[path].control,
    )


def _sysroot(path: Path, target: Target) -> Path:
    below = path / target.prefix.relative_to("/")
    if not path.is_dir():
        raise InputError(f"{printable(str(path))}: not a directory")
    return below if below.is_dir() else path


def _document(verdicts: Sequence[Verdict], findings: Sequence[Finding]) -> dict[str, object]:
    rules = Counter(finding.rule for finding in findings)
    return {
        "findings": [finding.to_json() for finding in findings],
        "counts": {
            "audited": len(verdicts),
            "files": sum(verdict.files for verdict in verdicts),
            "findings": len(findings),
            "rules": dict(sorted(rules.items())),
        },
    }


def _closing_line(verdicts: Sequence[Verdict], findings: Sequence[Finding]) -> str:
    files = sum(verdict.files for verdict in verdicts)
    count = f"{len(findings)} finding{'' if len(findings) == 1 else 's'}" if findings else "clean"
    return f"{count}; {files} file{'' if files == 1 else 's'} in {len(verdicts)} audited"

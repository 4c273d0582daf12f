# SPDX-License-Identifier: BSD-2-Clause
"""The audit: every rule on one package, tree or file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rumprun.errors import InputError, UsageError
from rumprun.target.descriptor import Target
from rumprun.variant.audit.closure import Closure, Layer, layer_of
from rumprun.variant.audit.finding import Finding, printable
from rumprun.variant.audit.subject import Subject, all_rules
from rumprun.variant.audit.tree import Kind, scan_path, scan_tree

# Every rule looks at untrusted text; a finding is one line that a person reads.
_MOST_DETAIL = 500


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the audit of one package, tree or file gave; ``files`` is how many were read."""

    package: str
    files: int
    findings: tuple[Finding, ...]


def audit_tree(
    root: Path,
    *,
    target: Target,
    closure: Sequence[Path] = (),
    forbidden_paths: Sequence[str] = (),
    package: str = "",
) -> tuple[Finding, ...]:
    """Judge the tree ``root``, laid out like an unpacked .deb, by every rule.

    ``closure`` are further sysroots (``…/usr/<triple>`` of unpacked dependencies); the
    toolchain's own is always among them. ``forbidden_paths`` are absolute build directories
    that no file may name. ``package`` is what findings call the tree. Findings come sorted.

    Raises :class:`InputError` where ``root`` is no directory, :class:`UsageError` for a
    forbidden path that is not absolute, :class:`MissingError` where the toolchain is not there.
    """
    return judge_tree(
        root,
        target=target,
        closure=closure,
        forbidden_paths=forbidden_paths,
        package=package,
    ).findings


def judge_tree(
    root: Path,
    *,
    target: Target,
    closure: Sequence[Path] = (),
    forbidden_paths: Sequence[str] = (),
    package: str = "",
    control: dict[str, str] | None = None,
) -> Verdict:
    """As :func:`audit_tree`, with the control fields of a .deb, and a count of the files."""
    root = root.absolute()
    own = Layer(sysroot=root / target.prefix.relative_to("/"), root=root)
    subject = Subject(
        target=target,
        entries=scan_tree(root),
        closure=Closure(target=target, own=own, others=_layers(closure, target)),
        forbidden=_forbidden(forbidden_paths),
        control=control,
    )
    return _judge(subject, package)


def judge_file(
    path: Path,
    *,
    target: Target,
    closure: Sequence[Path] = (),
    forbidden_paths: Sequence[str] = (),
) -> Verdict:
    """Judge one program, object or archive by the rules that do not ask where it lies.

    Raises :class:`InputError` for any other file, and as :func:`audit_tree` does.
    """
    entry = scan_path(path.resolve(), str(path))
    if entry.kind not in (Kind.ELF, Kind.ARCHIVE) and not (entry.damage or path.suffix == ".a"):
        raise InputError(
            f"{path}: neither a Debian package nor a directory, ELF file or archive",
            hint="see rumpdeb audit --help",
        )
    subject = Subject(
        target=target,
        entries=(entry,),
        closure=Closure(target=target, others=_layers(closure, target)),
        placed=False,
        forbidden=_forbidden(forbidden_paths),
    )
    return _judge(subject, "")


def _judge(subject: Subject, package: str) -> Verdict:
    findings = {
        Finding(
            package=package,
            file=printable(fault.file),
            rule=rule.name,
            detail=printable(fault.detail)[:_MOST_DETAIL],
            remedy=printable(fault.remedy or rule.remedy),
        )
        for rule in all_rules()
        for fault in rule.check(subject)
    }
    ordered = sorted(findings, key=lambda f: (f.file, f.rule, f.detail))
    count = sum(1 for _ in subject.files())
    return Verdict(package=package, files=count, findings=tuple(ordered))


def _layers(closure: Sequence[Path], target: Target) -> tuple[Layer, ...]:
    return tuple(layer_of(path.absolute(), target) for path in closure)


def _forbidden(paths: Sequence[str]) -> tuple[str, ...]:
    for path in paths:
        if not path.startswith("/") or not path.strip("/"):
            raise UsageError(
                f"{path!r} cannot be forbidden", hint="name an absolute directory other than /"
            )
    return tuple(path.rstrip("/") for path in paths)

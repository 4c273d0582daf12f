# SPDX-License-Identifier: BSD-2-Clause
"""A source package around another, which builds the variants of that and nothing else.

sbuild and pbuilder build source packages as a whole. The original's own rules would build its own
packages too, for its data packages at least; in an envelope, the original is upstream's file, and
``rumpdeb build`` does inside what it does outside, with its options, recipes and reports.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from debian.changelog import Changelog

from rumprun.archive.builder import Job
from rumprun.command import base_environment, run
from rumprun.source.dsc import read_dsc
from rumprun.target.descriptor import TARGET_OPTION, read_descriptor
from rumprun.templates import load_template
from rumprun.version import VERSION

REPORT = "rumprun-report.json"

# The add-on's package has rumpdeb, and depends on the toolchain.
_OURS = "dh-rumprun"
_CXX = "rumprun-toolchain-c++"

_AUTHOR = "rumpdeb build <dh-rumprun@packages.debian.org>"
# What is built has the original's dates; the envelope itself is thrown away.
_DATE = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
_TIMEOUT = 600.0

# Directories of the envelope.
_ORIGINAL = "source"
_RECIPES = "recipes"


def make_envelope(
    job: Job, directory: Path, *, options: Sequence[str], own: Sequence[Path]
) -> Path:
    """Write the source package that builds the variants of ``job`` into the new ``directory``.

    ``options`` are further words for ``rumpdeb build``; ``own`` are our packages that the chroot
    may install. Returns its ``.dsc``.
    """
    tree = directory / "rumprun-envelope"
    debian = tree / "debian"
    (debian / "source").mkdir(parents=True)
    original = read_dsc(job.dsc)
    (tree / _ORIGINAL).mkdir()
    for path in (*original.files, original.path):
        shutil.copyfile(path, tree / _ORIGINAL / path.name)
    if job.recipe is not None:
        (tree / _RECIPES).mkdir()
        shutil.copyfile(job.recipe.origin, tree / _RECIPES / f"{job.source}.toml")
    fields = fields_of(job, options, own)
    for name in ("control", "rules"):
        (debian / name).write_text(render(f"envelope-{name}.j2", fields), encoding="utf-8")
    (debian / "rules").chmod(0o755)
    (debian / "source" / "format").write_text("3.0 (native)\n", encoding="utf-8")
    (debian / "changelog").write_text(_changelog(str(fields["name"])), encoding="utf-8")
    # Without compression: what is in it is compressed already.
    run(
        ["dpkg-source", "-Zgzip", "-z1", "--build", tree.name],
        cwd=directory,
        env=base_environment(),
        timeout=_TIMEOUT,
        hint="install dpkg-dev",
    )
    (dsc,) = directory.glob("*.dsc")
    return dsc


def fields_of(job: Job, options: Sequence[str], own: Sequence[Path]) -> dict[str, object]:
    """What the templates of an envelope are filled in with."""
    given = {_package(path) for path in own}
    # Without any of ours, the suite has them all.
    wanted = {_OURS, _CXX, *_toolchain(options)}
    ours = wanted & given if given else wanted
    recipe = ("--recipe", _RECIPES) if job.recipe is not None else ()
    jobs = ("--jobs", str(job.jobs)) if job.jobs else ()
    words = [*recipe, *options, *jobs, f"{_ORIGINAL}/{job.dsc.name}"]
    return {
        "name": f"{job.source}-rumprun-variants",
        "source": job.source,
        "build_depends": sorted({*ours, *job.tools, *map(_package, job.variants)}),
        "command": shlex.join(words),
        "report": REPORT,
    }


def _toolchain(options: Sequence[str]) -> list[str]:
    """The toolchain of another target than the default one, on which the add-on does not depend."""
    if TARGET_OPTION not in options:
        return []
    return [read_descriptor(options[list(options).index(TARGET_OPTION) + 1]).package]


def _package(deb: Path) -> str:
    return deb.name.partition("_")[0]


def render(template: str, fields: Mapping[str, object]) -> str:
    """The text of one of an envelope's files."""
    return load_template(template).render(fields)


def _changelog(name: str) -> str:
    changelog = Changelog()
    changelog.new_block(
        package=name,
        version=VERSION,
        distributions="UNRELEASED",
        urgency="medium",
        author=_AUTHOR,
        date=email.utils.format_datetime(_DATE),
    )
    for line in ("", "  * Not for any archive.", ""):
        changelog.add_change(line)
    return str(changelog)

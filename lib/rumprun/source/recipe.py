# SPDX-License-Identifier: BSD-2-Clause
"""Recipes: a data file with what cannot be derived for one source. The goal is to need none.

Every entry has a reason, and one that has no effect is an error: see
:mod:`rumprun.source.recipe_use`. The keys are declared in :mod:`rumprun.source.recipe_schema`.
"""

from __future__ import annotations

import enum
import operator
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any

from debian.debian_support import Version

from rumprun.errors import InputError
from rumprun.source.naming import PASS_PROFILES
from rumprun.source.recipe_schema import first_departure
from rumprun.wording import nearest, shown

# What the variant pass sets itself: see rumprun.variant.environment.
_PASS_VARIABLES = re.compile(
    r"PATH|HOME|LOGNAME|USER|TMPDIR|TERM|LANG|LC_\w+|SOURCE_DATE_EPOCH|LD_\w+|DH_\w+|DPKG_\w+"
    r"|RUMPRUN_\w+|DEB_(HOST|TARGET)_\w+|DEB_BUILD_(ARCH|GNU|MULTIARCH)\w*"
    r"|DEB_BUILD_(OPTIONS|PROFILES)|DEB_RULES_REQUIRES_ROOT|CONFIG_SITE|CMAKE_TOOLCHAIN_FILE"
    r"|FORCE_UNSAFE_CONFIGURE|PERL5LIB|https?_proxy|PKG_CONFIG\w*"
    r"|AR|AS|CC|CPP|CXX|LD|NM|OBJCOPY|OBJDUMP|RANLIB|STRIP"
)
_FLAGS = re.compile(r"(C|CPP|CXX|LD)FLAGS")
_PASS_ARGUMENTS = frozenset(
    {
        "--build", "--host", "--prefix", "--enable-shared", "--disable-shared", "--enable-static",
        "--disable-static", "--cross-file", "--native-file", "--default-library",
        "-DBUILD_SHARED_LIBS", "-DCMAKE_INSTALL_PREFIX", "-DCMAKE_TOOLCHAIN_FILE",
        "-Ddefault_library", "-Dprefix",
    }
)  # fmt: skip

_ALWAYS_KEPT = frozenset({"debhelper", "debhelper-compat", "dpkg-dev"})

_CONDITION = re.compile(r"(<<|<=|=|>=|>>)\s*((?:[0-9]+:)?[0-9][A-Za-z0-9.+~-]*)")
_OPERATORS: Mapping[str, Callable[[Version, Version], Any]] = {
    "<<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">>": operator.gt,
}


class Kind(enum.Enum):
    """What an entry does; the value is table and key."""

    ARGUMENT = ("configure", "arguments")
    BUILD_DEPENDS = ("drop", "build-depends")
    PACKAGE = ("drop", "package")
    KEPT = ("keep", "build-depends")
    ADDED = ("add", "build-depends")
    BUILD_STEP = ("steps", "build")
    INSTALL_STEP = ("steps", "install")
    VARIANT = ("variant", "files")
    VARIABLE = ("environment", "name")
    PROFILE_ADDED = ("profiles", "add")
    PROFILE_REMOVED = ("profiles", "remove")
    EXCLUDED = ("exclude", "files")
    ALLOWED = ("allow", "file")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that a recipe asks for, and why.

    ``table`` counts the tables of that name from 1; ``value`` is the argument, package,
    variable, profile, command or pattern; ``setting`` the variable's value, the rule of a
    finding that is allowed, or the variant that gets the files, else empty; ``package`` is what
    that variant is a part of.
    """

    kind: Kind
    table: int
    value: str
    setting: str
    reason: str
    package: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The packages that :attr:`value` means: any of them, as versions of the source differ."""
        return tuple(name.strip() for name in self.value.split("|"))

    @property
    def key(self) -> str:
        """Where it is in the file, such as ``configure[1].arguments``."""
        table, key = self.kind.value
        return f"{table}[{self.table}].{key}"

    @property
    def text(self) -> str:
        """What it asks for: ``NAME=value``, ``rule: file``, or just the value."""
        if self.kind is Kind.VARIABLE:
            return f"{self.value}={self.setting}"
        named = self.kind in (Kind.ALLOWED, Kind.VARIANT)
        return f"{self.setting}: {self.value}" if named else self.value


@dataclass(frozen=True, kw_only=True)
class OwnVariant:
    """A variant that is a part of the binary package ``of``; ``files`` are its patterns."""

    name: str
    of: str
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One recipe. ``origin`` says where it was found; ``versions`` is empty for any version."""

    source: str
    origin: str
    versions: str
    entries: tuple[Entry, ...]

    @property
    def lines(self) -> int:
        """How much it says: each argument, name and pattern counts 1."""
        return len(self.entries)

    @property
    def arguments(self) -> tuple[str, ...]:
        """What to append to the arguments of configure, cmake or meson."""
        return self.values(Kind.ARGUMENT)

    @property
    def variables(self) -> dict[str, str]:
        """What to set in the environment of the pass."""
        return {entry.value: entry.setting for entry in self.of(Kind.VARIABLE)}

    def drops(self, package: str) -> bool:
        """Whether the pass does without ``package`` in Build-Depends, a library or a tool.

        Where some are to be kept, it does without all others but what runs any debian/rules.
        """
        kept = [name for entry in self.of(Kind.KEPT) for name in entry.names]
        wanted = (*kept, *self.values(Kind.ADDED))
        left = bool(kept) and package not in wanted and package not in _ALWAYS_KEPT
        return left or package in self.values(Kind.BUILD_DEPENDS)

    def added_to(self, build_depends: str) -> str:
        """The field Build-Depends with what the recipe adds to it."""
        return ", ".join(filter(None, (build_depends, *self.values(Kind.ADDED))))

    @property
    def own_variants(self) -> tuple[OwnVariant, ...]:
        """The variants that are a part of a binary package only."""
        found: dict[tuple[str, str], list[str]] = {}
        for entry in self.of(Kind.VARIANT):
            found.setdefault((entry.setting, entry.package), []).append(entry.value)
        return tuple(
            OwnVariant(name=name, of=of, files=tuple(files)) for (name, of), files in found.items()
        )

    @property
    def names_all_variants(self) -> bool:
        """Whether :attr:`own_variants` are all that there are: only they know what is staged."""
        return bool(self.values(Kind.INSTALL_STEP))

    @property
    def dropped_packages(self) -> frozenset[str]:
        """The source's binary packages, by their own names, that get no variant."""
        return frozenset(self.values(Kind.PACKAGE))

    def of(self, kind: Kind) -> tuple[Entry, ...]:
        """The entries of one kind, as the file has them in order."""
        return tuple(entry for entry in self.entries if entry.kind is kind)

    def values(self, kind: Kind) -> tuple[str, ...]:
        """The values of the entries of one kind."""
        return tuple(entry.value for entry in self.of(kind))

    def profiles(self, active: frozenset[str] = PASS_PROFILES) -> frozenset[str]:
        """The build profiles of the pass where they would be ``active`` without this recipe."""
        removed = frozenset(self.values(Kind.PROFILE_REMOVED))
        return (active | frozenset(self.values(Kind.PROFILE_ADDED))) - removed

    def excludes(self, name: PurePosixPath) -> bool:
        """Whether the staged file ``name``, relative to its package's tree, is left out."""
        return any(covers(pattern, str(name)) for pattern in self.values(Kind.EXCLUDED))

    def allows(self, rule: str, file: str) -> bool:
        """Whether an audit finding of ``rule`` about ``file``, as installed, is accepted."""
        return any(
            entry.setting == rule and covers(entry.value, file) for entry in self.of(Kind.ALLOWED)
        )

    def is_for(self, version: str) -> bool:
        """Whether ``versions`` covers the Debian ``version``."""
        return all(
            _OPERATORS[sign](Version(version), Version(bound))
            for sign, bound in _CONDITION.findall(self.versions)
        )

    def to_json(self) -> dict[str, object]:
        """The recipe as a JSON object."""
        return {
            "source": self.source,
            "origin": self.origin,
            "versions": self.versions,
            "lines": self.lines,
            "entries": [
                {"key": entry.key, "entry": entry.text, "reason": entry.reason}
                for entry in self.entries
            ],
        }


def covers(pattern: str, file: str) -> bool:
    """Whether ``pattern`` covers ``file``, itself or by a directory above it.

    As in debhelper's lists of files ``*`` does not cross a slash; a slash in front means
    nothing in either.
    """
    wanted = PurePosixPath(pattern.lstrip("/")).parts
    parts = PurePosixPath(file.lstrip("/")).parts[: len(wanted)]
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def parse_recipe(text: str, *, name: str, origin: str) -> Recipe:
    """The recipe for the source ``name`` that ``text`` is; ``origin`` says where it is from.

    Raises :class:`InputError` in one line: the origin, the key, what is wrong, what is allowed.
    """
    try:
        document = tomllib.loads(text)
        departure = first_departure(document)
    except tomllib.TOMLDecodeError as error:
        wrong = " ".join(str(error).split())
        raise InputError(f"{origin}: {wrong}", hint="see https://toml.io") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{origin}: a number too long, or lists in lists too deep") from error
    if departure is not None:
        where = f"{origin}: {departure.key}: {departure.wrong}"
        raise InputError(where, hint=departure.hint)
    recipe = Recipe(
        source=document.get("source", name),
        origin=origin,
        versions=document.get("versions", ""),
        entries=tuple(_entries(document)),
    )
    for key, wrong, hint in _mistakes(recipe, name):
        raise InputError(f"{origin}: {key}: {wrong}", hint=hint)
    return recipe


def _entries(document: Mapping[str, Any]) -> Iterator[Entry]:
    """The entries of a ``document`` that keeps to the schema, in the order of the kinds."""
    for kind in Kind:
        name, key = kind.value
        for number, table in enumerate(document.get(name, ()), start=1):
            values = table.get(key, ())
            for value in [values] if isinstance(values, str) else values:
                yield Entry(
                    kind=kind,
                    table=number,
                    value=value,
                    setting=table.get("value", table.get("rule", table.get("name", ""))),
                    reason=" ".join(table["reason"].split()),
                    package=table.get("of", ""),
                )


def _mistakes(recipe: Recipe, name: str) -> Iterator[tuple[str, str, str]]:
    """What the schema cannot say: key, what is wrong, and what is allowed."""
    if recipe.source != name:
        yield "source", f"is {shown(recipe.source)}", f"this is the recipe of {name}"
    for condition in recipe.versions.split(",") if recipe.versions else ():
        if not _CONDITION.fullmatch(condition.strip()):
            yield "versions", f"has {shown(condition)}", "write it as in '>= 1.2, << 2'"
    seen: dict[tuple[Kind, str, str], Entry] = {}
    for entry in recipe.entries:
        texts = (entry.value, entry.setting, entry.reason)
        if not all(text.isprintable() for text in texts):
            unfit = next(text for text in texts if not text.isprintable())
            yield entry.key, f"has {shown(unfit)}", "no control characters"
        rule = entry.setting if entry.kind in (Kind.ALLOWED, Kind.VARIANT) else ""
        first = seen.setdefault((entry.kind, entry.value, rule), entry)
        if first is not entry:
            yield entry.key, f"{shown(entry.text)} is in {first.key} already", "remove one"
        wrong, hint = _misuse(entry, recipe)
        if wrong:
            yield entry.key, wrong, hint


def _misuse(entry: Entry, recipe: Recipe) -> tuple[str, str]:
    """What the pass does itself, or could not do; the first is empty where all is well."""
    value = entry.value
    if entry.kind is Kind.ARGUMENT:
        option = re.split("[=:]", value, maxsplit=1)[0]
        return (f"{option} is for the variant pass to say" if option in _PASS_ARGUMENTS else ""), ""
    if entry.kind is Kind.VARIABLE:
        if _FLAGS.fullmatch(value):
            return f"{value} would replace all flags", f"set DEB_{value}_APPEND"
        own_variable = _PASS_VARIABLES.fullmatch(value)
        return (f"{value} is for the variant pass to set" if own_variable else ""), ""
    own = PASS_PROFILES | {f"pkg.{recipe.source}.rumprun"}
    if entry.kind is Kind.PROFILE_ADDED and value in own:
        return f"{value} is set in any variant pass", "remove it"
    if entry.kind is Kind.PROFILE_REMOVED and value not in PASS_PROFILES:
        hint = f"{nearest(value, PASS_PROFILES)}these are: {', '.join(sorted(PASS_PROFILES))}"
        return f"{value} is not set in a variant pass", hint
    is_pattern = entry.kind in (Kind.EXCLUDED, Kind.ALLOWED, Kind.VARIANT)
    if is_pattern and not PurePosixPath(value.lstrip("/")).parts:
        return f"{shown(value)} names no file", "write a path such as usr/lib/*/libfoo.a"
    return "", ""

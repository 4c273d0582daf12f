# SPDX-License-Identifier: BSD-2-Clause
"""The reason of each difference, from the evidence; the first rule that has one decides."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from rumprun.variant.difference.answers import GENERATOR
from rumprun.variant.difference.evidence import Evidence, Library
from rumprun.variant.difference.model import UNKNOWN, Answer, Cause, Kind, Reason
from rumprun.variant.difference.normal import TRIPLE, subject
from rumprun.variant.difference.symbols import OLD_VERSION

Rule = Callable[[Answer, Evidence], Reason | None]

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_CHECK = re.compile(
    r"^(?:\w{1,8}_cv_)?(?:func|have_decl|decl|header|type|member|sizeof|lib|have|search|var"
    r"|sys|working|macro|c|onwards_func|\d+_func)_",
    re.IGNORECASE,
)
_MACRO = re.compile(
    r"^(?:GL_COND_OBJ_|GL_GENERATE_|GNULIB_TEST_|GNULIB_|REPLACE_|HAVE_RAW_DECL_|HAVE_DECL_"
    r"|HAVE_STRUCT_|HAVE_TYPE_|HAVE_FUNC_|HAVE_WORKING_|HAVE_SANE_|HAVE_C_|HAVE_|HAS_|USE_|NEED_|"
    r"SIZEOF_|MISSING_|WITH_|NO_)"
)

# Words that tell of run-time linking, which a static program has none of.
_SHARED_WORDS = frozenset(
    {
        "dll", "dlopen", "dlfcn", "dso", "export", "loadable", "map", "module", "modules", "pic",
        "plugin", "plugins", "rpath", "runpath", "shared", "so", "soname", "symver", "symvers",
        "versioned", "versions", "versioning",
    }
)  # fmt: skip
_STATIC_WORDS = frozenset({"static"})

# What configure was asked, and said.
_ANSWERED = frozenset({Kind.CONFIGURE, Kind.DEFINE, Kind.DEPENDENCY})

_COMPILERS = re.compile(r"^lib(?:gcc|stdc\+\+|objc|gfortran|asan)-?\d+-dev$")

# Word of a name to the build profile of the pass that leaves such parts out.
_PROFILE_WORDS = {
    "doc": "nodoc", "docs": "nodoc", "documentation": "nodoc", "doxygen": "nodoc", "man": "nodoc",
    "manpages": "nodoc", "html": "nodoc", "xsltproc": "nodoc", "gtkdoc": "nodoc",
    "introspection": "nogir", "gir": "nogir", "python": "nopython", "python3": "nopython",
    "perl": "noperl", "ruby": "noruby", "java": "nojava", "go": "nogolang", "test": "nocheck",
    "tests": "nocheck", "testing": "nocheck", "installed": "noinsttest",
}  # fmt: skip

_TARGET_WORDS = frozenset(
    {"arch", "canonical", "cross", "crosscompiling", "endian", "host", "multiarch", "platform",
     "target", "triple", "triplet"}
)  # fmt: skip
_TOOL_NAME = re.compile(
    r"_cv_(?:prog|path)_|^(?:CC|CXX|LD|AR|NM|AS)_|compiler|linker|binutils|ld_|attribute|flag|flto"
    r"|sanitiz|werror|warn",
    re.IGNORECASE,
)

# The least that a word of a name must have in common with a library's name.
_SHORTEST = 3
# The least that the end of a name must have in common with a symbol.
_DISTINCTIVE = 8
_GENERAL = frozenset({"common", "core", "dev", "lib", "library", "tools", "util", "utils"})


def explain(answer: Answer, evidence: Evidence) -> Reason:
    """Why the two sides of ``answer`` differ; ``unknown`` where the evidence does not say."""
    for rule in _RULES:
        reason = rule(answer, evidence)
        if reason:
            return reason
    return UNKNOWN


def explain_needs(needed: Iterable[str], evidence: Evidence) -> Reason | None:
    """Why there is no variant of what is linked with ``needed``: one of those has none."""
    for stem in needed:
        for library in evidence.missing:
            if stem.removeprefix("lib") in library.libraries:
                return Reason(cause=Cause.NO_VARIANT, detail=library.name)
        for library, reason in evidence.lost:
            if stem == library.name:
                return reason
    return None


def _linking(answer: Answer, _evidence: Evidence) -> Reason | None:
    """What differs because one side is a shared object."""
    details = {
        Kind.SYMBOLS_GAINED: "an archive hides nothing",
        Kind.PLUGIN: "a static program loads no plug-ins",
    }
    detail = details.get(answer.kind)
    if answer.kind is Kind.SYMBOL and answer.native == OLD_VERSION:
        detail = "only for programs linked long ago, by symbol version"
    return Reason(cause=Cause.STATIC, detail=detail) if detail else None


def _missing_library(answer: Answer, evidence: Evidence) -> Reason | None:
    """Something of a library that has no variant, known by its headers, symbols and modules."""
    if answer.native is None and answer.kind is not Kind.CONFIGURE:
        return None
    for library in evidence.missing:
        if _offers(library, answer) or _is_named(library, answer):
            return Reason(cause=Cause.NO_VARIANT, detail=library.name)
    return None


def _stray_library(answer: Answer, evidence: Evidence) -> Reason | None:
    """Something of a library that the machine has and the source does not ask for."""
    if answer.native is None or answer.kind not in _ANSWERED:
        return None
    owner = evidence.owners.get(subject(answer.name))
    if owner:
        return Reason(cause=Cause.NO_VARIANT, detail=f"{owner}, which is installed here")
    for library in evidence.stray:
        if not _COMPILERS.match(library.name) and _offers(library, answer):
            detail = f"{library.name}, which is installed here and no Build-Depends"
            return Reason(cause=Cause.NO_VARIANT, detail=detail)
    return None


def _offers(library: Library, answer: Answer) -> bool:
    """Whether ``library`` has the header, function, module or archive that was looked for."""
    name = subject(answer.name)
    if name in library.headers or library.functions.intersection(_candidates(answer.name)):
        return True
    names = {answer.name, name.lower(), f"lib{name.lower()}"}
    return bool(names & library.modules) or name.lower() in library.libraries


def _is_named(library: Library, answer: Answer) -> bool:
    # A word of two letters alone would name many things.
    words = {word for word in map(_stem, _words(answer.name)) if len(word) >= _SHORTEST}
    known = {_stem(part) for part in library.libraries | library.modules}
    return bool((words - _GENERAL) & known)


def _switched_off(answer: Answer, evidence: Evidence) -> Reason | None:
    """Something of a feature that the pass turned off, by the words of the option's name."""
    words = {_stem(word) for word in _words(answer.name)}
    for switch in evidence.switches:
        named = {_stem(word) for word in _words(switch.option)} - {"enable", "with", "use"}
        if named & words:
            return Reason(cause=Cause.NO_VARIANT, detail=f"what {switch} does without")
    return None


def _recipe(answer: Answer, evidence: Evidence) -> Reason | None:
    """What the recipe asks for, by the words that it and the answer have in common."""
    words = {_stem(word) for word in _words(answer.name)} - _GENERAL
    for entry in evidence.recipe:
        named = {_stem(word) for word in _words(entry.text)} - _GENERAL
        if named & words - {"enable", "disable", "with", "without", "use", "have"}:
            return Reason(cause=Cause.RECIPE, detail=f"{entry.text}: {entry.reason}")
    return None


def _profile(answer: Answer, evidence: Evidence) -> Reason | None:
    """What a build profile of the pass leaves out."""
    if (
        answer.kind in (Kind.PACKAGE, Kind.PROGRAM, Kind.PLUGIN)
        and answer.where in evidence.dropped
    ):
        return Reason(cause=Cause.PROFILE, detail=f"{answer.where} is not built under the profiles")
    if answer.kind in (Kind.SYMBOL, Kind.HEADER):
        return None
    for word in _words(answer.name):
        if word in _PROFILE_WORDS and not _is_c_check(answer.name):
            return Reason(cause=Cause.PROFILE, detail=_PROFILE_WORDS[word])
    return None


def _is_c_check(name: str) -> bool:
    return re.search(r"_cv_(?:func|header|type|member|have_decl)_", name) is not None


def _static(answer: Answer, _evidence: Evidence) -> Reason | None:
    words = set(_words(answer.name))
    if words & _SHARED_WORDS and answer.kind is not Kind.SYMBOL:
        return Reason(cause=Cause.STATIC, detail="the variant has no shared objects")
    if words & _STATIC_WORDS and "assert" not in words and answer.kind in _ANSWERED:
        return Reason(cause=Cause.STATIC, detail="the variant has archives alone")
    return None


def _libc(answer: Answer, evidence: Evidence) -> Reason | None:
    """What one C library has and the other has not, or does otherwise."""
    if answer.kind is Kind.SYMBOL:
        return None
    native, variant = evidence.native, evidence.variant
    detail = _libc_file(subject(answer.name), native, variant)
    if not detail and not subject(answer.name).endswith("_H"):
        detail = _libc_name(answer.name, native, variant)
    detail = detail or _libc_other_header(answer.name, native, variant)
    return Reason(cause=Cause.LIBC, detail=detail) if detail else None


def _libc_file(name: str, native: Library, variant: Library) -> str:
    """A header that one of them lacks, or a library that is part of both."""
    for header in (name, f"{name}_H"):
        if (header in native.headers) != (header in variant.headers):
            owner, other = _sides(native, variant, has=header in native.headers)
            return f"{owner} has the header {_header(header)}, {other} has not"
    if name.startswith("LIB") and name[3:].lower() in native.libraries & variant.libraries:
        return f"{variant.name} has what {name.lower()} is for in libc itself"
    return ""


def _libc_other_header(name: str, native: Library, variant: Library) -> str:
    """A header that both have, which a check that is about headers found to differ."""
    if "header" not in name and "GENERATE" not in name:
        return ""
    both = native.headers & variant.headers
    parts = _plain(name).upper().split("_")
    for end in range(len(parts), 0, -1):
        word = "_".join(parts[:end])
        for header in (word, f"{word}_H"):
            if header.endswith("_H") and header in both:
                return f"{_header(header)} is not the same in both"
    return ""


def _header(macro: str) -> str:
    return re.sub("_h$", ".h", macro.lower())


def _libc_name(name: str, native: Library, variant: Library) -> str:
    """A function or another C name that one of them lacks, or has elsewhere, or does otherwise."""
    words = list(_candidates(name))
    for word in words:
        if (word in native.functions) != (word in variant.functions):
            owner, other = _sides(native, variant, has=word in native.functions)
            return f"{owner} has {word}, {other} has not"
        if word in native.functions and (word in native.core) != (word in variant.core):
            owner, _other = _sides(native, variant, has=word in native.core)
            return f"{owner} has {word} in libc itself"
    for word in _identifiers(name):
        if (word in native.words) != (word in variant.words):
            owner, other = _sides(native, variant, has=word in native.words)
            return f"{owner}'s headers have {word}, {other}'s have not"
    both = native.functions & variant.functions
    known = next((word for word in words if word in both), None)
    return f"{known} is not the same in both" if known else ""


def _generator(answer: Answer, evidence: Evidence) -> Reason | None:
    """A macro that one autoconf's configure defines and another's does not ask for."""
    if answer.name == GENERATOR and answer.kind is Kind.CONFIGURE:
        return Reason(cause=Cause.TOOL, detail="the pass keeps a configure that is up to date")
    if evidence.generators is None or answer.kind is not Kind.DEFINE:
        return None
    if answer.native is not None and answer.variant is not None:
        return None
    name = subject(answer.name)
    in_both = evidence.native.headers & evidence.variant.headers
    if name not in in_both and not answer.name.startswith(("_", "STDC_", "__")):
        return None
    native, variant = evidence.generators
    return Reason(cause=Cause.TOOL, detail=f"configure is of {native}, in the pass of {variant}")


def _lost_library(answer: Answer, evidence: Evidence) -> Reason | None:
    """What belongs to a library that the variant lacks as a whole, and so lacks for its reason."""
    words = {_stem(word) for word in _words(answer.name)}
    parts = _plain(answer.name).lower().split("_")
    ends = ["_".join(parts[start:]) for start in range(len(parts) - 1)]
    ends = [end for end in ends if len(end) >= _DISTINCTIVE]
    for library, reason in evidence.lost:
        named = any(_stem(word) in words for word in library.libraries)
        inside = any(symbol.endswith(end) for end in ends for symbol in library.functions)
        if answer.kind is not Kind.LIBRARY and (named or inside):
            return Reason(cause=reason.cause, detail=reason.detail)
    return None


def _sides(native: Library, variant: Library, *, has: bool) -> tuple[str, str]:
    names = ("glibc" if native.name == "libc" else native.name), variant.name
    return names if has else (names[1], names[0])


def _tool(answer: Answer, evidence: Evidence) -> Reason | None:
    if answer.native is not None and answer.kind in _ANSWERED:
        for library in evidence.stray:
            if _COMPILERS.match(library.name) and _offers(library, answer):
                return Reason(cause=Cause.TOOL, detail=f"{library.name} is the native compiler's")
    if answer.kind is Kind.CONFIGURE and _TOOL_NAME.search(answer.name):
        return Reason(cause=Cause.TOOL, detail="of a tool for the build")
    return None


def _target(answer: Answer, _evidence: Evidence) -> Reason | None:
    values = f"{answer.native} {answer.variant}"
    if TRIPLE in values or "cross" in values or "guessing" in values:
        return Reason(cause=Cause.TARGET, detail="it names or depends on the GNU type")
    if set(_words(answer.name)) & _TARGET_WORDS:
        return Reason(cause=Cause.TARGET, detail="the GNU type differs")
    return None


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[^A-Za-z0-9]+", name.lower()) if _WORD.fullmatch(word)]


def _stem(word: str) -> str:
    """``libFoo2`` and ``foo`` are the same: no case, no ``lib``, no version."""
    plain = re.sub(r"[-_.\d]+$", "", word.lower())
    return plain.removeprefix("lib") if len(plain) > len("lib") + 1 else plain


def _candidates(name: str) -> Iterator[str]:
    """The C functions that a check or macro may be about, longest first.

    ``ac_cv_func_strerror_r_char_p``: strerror_r_char_p, strerror_r_char, strerror_r, strerror;
    of ``ac_cv_lib_z_gzopen`` also gzopen.
    """
    plain = _plain(name)
    for spelling in dict.fromkeys((plain, plain.lower())):
        parts = spelling.split("_")
        for end in range(len(parts), 0, -1):
            word = "_".join(parts[:end])
            if len(word) >= _SHORTEST:
                yield word
        if "_cv_lib_" in name:
            yield from ("_".join(parts[start:]) for start in range(1, len(parts)))


def _identifiers(name: str) -> Iterator[str]:
    """The C names that a check or macro may be about, as a whole; of a struct, its members."""
    plain = _plain(name)
    spellings = dict.fromkeys((plain, plain.lower(), plain.upper()))
    yield from (word for word in spellings if len(word) >= _SHORTEST)
    if "member" in name or "STRUCT" in name:
        for spelling in spellings:
            parts = spelling.split("_")
            for start in range(1, len(parts)):
                yield from ("_".join(parts[start:end]) for end in range(len(parts), start + 1, -1))


def _plain(name: str) -> str:
    if "_cv_" not in name:
        return _MACRO.sub("", _MACRO.sub("", name)).lstrip("_")
    plain = _CHECK.sub("", name)
    return plain if plain != name else name.partition("_cv_")[2]


_RULES: tuple[Rule, ...] = (
    _linking,
    _recipe,
    _missing_library,
    _switched_off,
    _static,
    _profile,
    _lost_library,
    _stray_library,
    _generator,
    _libc,
    _tool,
    _target,
)

# SPDX-License-Identifier: BSD-2-Clause
"""Which answers count as different, and what reason each is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from rumprun.variant.difference.answers import differing_answers
from rumprun.variant.difference.evidence import Evidence, Library
from rumprun.variant.difference.files import (
    Places,
    differing_headers,
    differing_modules,
    differing_programs,
)
from rumprun.variant.difference.model import Answer, Cause, Kind, Reason, with_reason
from rumprun.variant.difference.reasons import explain, explain_needs
from rumprun.variant.difference.symbols import OLD_VERSION
from rumprun.variant.features import BuildSystem, Switch

NO_GMP = Reason(cause=Cause.NO_VARIANT, detail="libgmp-dev")

EVIDENCE = Evidence(
    native=Library(
        name="libc",
        functions=frozenset({"fork", "qsort_r", "pow", "strerror_r", "arc4random"}),
        core=frozenset({"fork", "qsort_r", "strerror_r", "arc4random"}),
        headers=frozenset({"STDIO_H", "SYS_CDEFS_H"}),
        libraries=frozenset({"m", "c"}),
        words=frozenset({"FTW_ACTIONRETVAL", "st_mtim"}),
    ),
    variant=Library(
        name="musl",
        functions=frozenset({"fork", "pow", "strlcpy", "strerror_r"}),
        core=frozenset({"fork", "pow", "strlcpy", "strerror_r"}),
        headers=frozenset({"STDIO_H"}),
        libraries=frozenset({"m", "c"}),
        words=frozenset({"st_mtim"}),
    ),
    missing=(
        Library(
            name="libacl1-dev",
            functions=frozenset({"acl_get_file"}),
            headers=frozenset({"SYS_ACL_H", "ACL_LIBACL_H"}),
            libraries=frozenset({"acl"}),
        ),
        Library(name="libgmp-dev", libraries=frozenset({"gmp"})),
    ),
    stray=(
        Library(name="libgcc-12-dev", functions=frozenset({"__atomic_fetch_add_4", "pow"})),
        Library(name="zlib1g-dev", functions=frozenset({"gzopen"}), libraries=frozenset("z")),
    ),
    switches=(
        Switch(build_system=BuildSystem.MESON, option="icu", value="disabled", reason="not found"),
    ),
    dropped=frozenset({"python3-demo"}),
    owners={"VALGRIND_MEMCHECK_H": "valgrind"},
    lost=((Library(name="libhogweed", functions=frozenset({"_nettle_ecc_secp192r1_modp"}),
                   libraries=frozenset({"hogweed"})), NO_GMP),),
    generators=("autoconf 2.71", "autoconf 2.69"),
)  # fmt: skip


def answer(
    kind: Kind, name: str, native: str | None = "1", variant: str | None = None, where: str = ""
) -> Answer:
    return Answer(kind=kind, where=where, name=name, native=native, variant=variant)


CONFIGURE = [
    ("ac_cv_func_qsort_r", Cause.LIBC, "glibc has qsort_r, musl has not"),
    ("ac_cv_header_sys_cdefs_h", Cause.LIBC, "glibc has the header sys_cdefs.h, musl has not"),
    ("ac_cv_func_strerror_r_char_p", Cause.LIBC, "strerror_r is not the same in both"),
    ("ac_cv_have_decl_FTW_ACTIONRETVAL", Cause.LIBC, "glibc's headers have FTW_ACTIONRETVAL"),
    ("ac_cv_func_acl_get_file", Cause.NO_VARIANT, "libacl1-dev"),
    ("ac_cv_header_acl_libacl_h", Cause.NO_VARIANT, "libacl1-dev"),
    ("ac_cv_lib_z_gzopen", Cause.NO_VARIANT, "zlib1g-dev, which is installed here"),
    ("ENABLE_ICU", Cause.NO_VARIANT, "what -Dicu=disabled does without"),
    ("BUILD_SHARED_LIBS", Cause.STATIC, "no shared objects"),
    ("BUILD_MANPAGES", Cause.PROFILE, "nodoc"),
    ("GL_GENERATE_STDIO_H", Cause.LIBC, "stdio.h is not the same in both"),
    ("gl_cv_header_stdio_width", Cause.LIBC, "stdio.h is not the same in both"),
    ("COND_SYMBOL_VERSIONS_LINUX", Cause.STATIC, "no shared objects"),
    ("ac_cv_search___atomic_fetch_add_4", Cause.TOOL, "libgcc-12-dev"),
    ("ac_cv_prog_cc_demo", Cause.TOOL, ""),
    ("cross_compiling", Cause.TARGET, ""),
    ("ac_cv_demo", Cause.UNKNOWN, ""),
    ("configure", Cause.TOOL, "up to date"),
]


@pytest.mark.parametrize(("name", "cause", "detail"), CONFIGURE)
def test_reasons_of_configure_answers(name: str, cause: Cause, detail: str) -> None:
    reason = explain(answer(Kind.CONFIGURE, name, "yes", "no"), EVIDENCE)
    assert reason.cause is cause
    assert detail in reason.detail


DEFINES = [
    ("HAVE_ARC4RANDOM", "1", None, Cause.LIBC, "glibc has arc4random, musl has not"),
    ("HAVE_STRLCPY", None, "1", Cause.LIBC, "musl has strlcpy, glibc has not"),
    ("HAVE_POW", None, "1", Cause.LIBC, "musl has pow in libc itself"),
    ("HAVE_LIBM", "1", None, Cause.LIBC, "musl has what libm is for in libc itself"),
    ("HAVE_STDIO_H", "1", None, Cause.TOOL, "autoconf 2.71, in the pass of autoconf 2.69"),
    ("HAVE_VALGRIND_MEMCHECK_H", "1", None, Cause.NO_VARIANT, "valgrind"),
    ("WITH_HOGWEED", "1", None, Cause.NO_VARIANT, "libgmp-dev"),
    ("HAVE_NATIVE_ecc_secp192r1_modp", "1", None, Cause.NO_VARIANT, "libgmp-dev"),
    ("HAVE_SYS_ACL_H", "1", None, Cause.NO_VARIANT, "libacl1-dev"),
    ("DEMO_DIFFERS", "1", None, Cause.UNKNOWN, ""),
]


@pytest.mark.parametrize(("name", "native", "variant", "cause", "detail"), DEFINES)
def test_reasons_of_macros(
    name: str, native: str | None, variant: str | None, cause: Cause, detail: str
) -> None:
    reason = explain(answer(Kind.DEFINE, name, native, variant), EVIDENCE)
    assert (reason.cause, detail in reason.detail) == (cause, True)


def test_reasons_of_packages() -> None:
    gained = answer(Kind.SYMBOLS_GAINED, "3 symbols", None, "visible")
    assert explain(gained, EVIDENCE).cause is Cause.STATIC
    assert explain(answer(Kind.SYMBOL, "old", OLD_VERSION), EVIDENCE).cause is Cause.STATIC
    assert explain(answer(Kind.SYMBOL, "current", "exported"), EVIDENCE).cause is Cause.UNKNOWN
    assert explain(answer(Kind.PLUGIN, "engines/x.so"), EVIDENCE).cause is Cause.STATIC
    dropped = answer(Kind.PROGRAM, "demo", where="python3-demo")
    assert explain(dropped, EVIDENCE).cause is Cause.PROFILE
    assert explain(answer(Kind.PKG_CONFIG, "hogweed.pc"), EVIDENCE) == NO_GMP
    assert explain_needs(("libc", "libgmp"), EVIDENCE) == NO_GMP
    assert explain_needs(("libhogweed",), EVIDENCE) == NO_GMP
    assert explain_needs(("libc",), EVIDENCE) is None


def test_reasons_read_as_text_and_json() -> None:
    assert str(NO_GMP) == "no variant of libgmp-dev"
    difference = with_reason(answer(Kind.DEFINE, "A"), Reason(cause=Cause.LIBC, detail="why"))
    assert str(difference.reason) == "libc: why"
    assert difference.to_json()["cause"] == "libc"
    assert difference.to_json()["variant"] is None


def log_of(checks: str, macros: str) -> str:
    return (
        f"## ---- ##\n## Cache variables. ##\n## ---- ##\n{checks}\n"
        f"## ---- ##\n## confdefs.h. ##\n## ---- ##\n{macros}\n"
    )


@pytest.fixture(name="trees")
def _trees(tmp_path: Path) -> dict[str, Path]:
    found = {name: tmp_path / name for name in ("pristine", "native", "variant")}
    for name, tree in found.items():
        triple = "x86_64-linux-gnu" if name == "native" else "x86_64-rumprun-linux-musl"
        (tree / f"obj-{triple}").mkdir(parents=True)
        (tree / "shipped.h").write_text("#define SHIPPED 1\n")
    return found


def write_both(trees: dict[str, Path], name: str, native: str, variant: str) -> None:
    (trees["native"] / "obj-x86_64-linux-gnu" / name).write_text(native)
    (trees["variant"] / "obj-x86_64-rumprun-linux-musl" / name).write_text(variant)


def compared(trees: dict[str, Path]) -> dict[str, tuple[str | None, str | None]]:
    found = differing_answers(trees["native"], trees["variant"], trees["pristine"])
    return {item.name: (item.native, item.variant) for item in found}


def test_build_directories_are_matched_and_each_thing_is_told_once(trees: dict[str, Path]) -> None:
    write_both(
        trees,
        "config.log",
        log_of("ac_cv_func_a=yes\nac_cv_only_here=yes\nac_cv_same=yes\nac_cv_b=yes",
               "#define HAVE_A 1\n#define WHERE \"/usr/lib\""),
        log_of("ac_cv_func_a=no\nac_cv_same=yes\nac_cv_b=no", "#define WHERE \"/opt\""),
    )  # fmt: skip
    write_both(trees, "config.h", "#define HAVE_A 1\n", "/* #undef HAVE_A */\n")
    assert compared(trees) == {"HAVE_A": ("1", None), "ac_cv_b": ("yes", "no")}


def test_headers_that_configure_did_not_touch_are_left_alone(trees: dict[str, Path]) -> None:
    (trees["native"] / "shipped.h").write_text("#define SHIPPED 1\n#define MORE 1\n")
    assert compared(trees) == {"MORE": ("1", None)}
    (trees["native"] / "shipped.h").write_text("#define SHIPPED 1\n")
    assert compared(trees) == {}


def test_a_lone_build_directory_is_one_difference(trees: dict[str, Path]) -> None:
    path = trees["native"] / "shared" / "config.log"
    path.parent.mkdir()
    path.write_text(log_of("ac_cv_a=yes", "#define A 1"))
    (path.parent / "config.h").write_text("#define A 1")
    assert compared(trees) == {"shared/config.log": ("made", None)}


def places(root: Path, files: dict[str, str]) -> Places:
    found: dict[str, Path] = {}
    for number, (name, text) in enumerate(files.items()):
        path = root / str(number)
        root.mkdir(exist_ok=True)
        path.write_text(text)
        found[name] = path
    return {type(root)(name): path for name, path in found.items()}


def test_headers_modules_and_programs(tmp_path: Path) -> None:
    native = places(
        tmp_path / "n",
        {
            "include/a.h": "#define A 1\n",
            "include/b.h": "int f(void); /* one */\n",
            "include/c.h": "int g(void);\n",
            "include/gone.h": "",
            "lib/pkgconfig/a.pc": "",
            "bin/x86_64-linux-gnu-a-config": "",
            "bin/gone": "",
        },
    )
    variant = places(
        tmp_path / "v",
        {
            "include/a.h": "#define A 2\n",
            "include/b.h": "int f(void); /* two */\n",
            "include/c.h": "long g(void);\n",
            "include/new.h": "",
            "bin/x86_64-rumprun-linux-musl-a-config": "",
        },
    )
    headers = {(a.name, a.native, a.variant) for a in differing_headers(native, variant)}
    assert headers == {
        ("A", "1", "2"),
        ("c.h", "int g(void);", "long g(void);"),
        ("gone.h", "there", None),
        ("new.h", None, "there"),
    }
    assert [a.name for a in differing_modules(native, variant)] == ["a.pc"]
    assert [a.name for a in differing_programs(native, variant)] == ["gone"]

# SPDX-License-Identifier: BSD-2-Clause
"""Which entries of a recipe had an effect."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun.errors import InputError
from rumprun.source.package import SourcePackage, read_source_tree
from rumprun.source.recipe import Recipe, parse_recipe
from rumprun.source.recipe_use import (
    check_rules,
    check_used,
    known_features,
    unused_configure,
    use_in_build,
    use_in_source,
)
from rumprun.source.recipe_variants import candidates_with, wanted_with
from unit.source_samples import LIBRARY, SOURCE, stanza, write_tree

R = 'reason = "why"\n'


def recipe(text: str) -> Recipe:
    return parse_recipe(text, name="sample", origin="sample.toml")


def configure(*arguments: str) -> Recipe:
    words = ", ".join(f"'{argument}'" for argument in arguments)
    return recipe(f"[[configure]]\narguments = [{words}]\n{R}")


def refused(log: str, argument: str, features: frozenset[str] | None = None) -> str:
    """Why ``argument`` is not used; empty if it is."""
    found = unused_configure(log, configure(argument), features)
    return found[0].why if found else ""


AUTOCONF = """\
   dh_auto_configure -a
\t./configure --build=x86_64-linux-gnu --disable-option-checking --with-y=3 --disable-x
configure: WARNING: unrecognized options: --with-z, --disable-x
checking for gcc... gcc
checking whether make sets $(MAKE)... yes
config.status: creating Makefile
configure: WARNING: unrecognized options: --with-z, --with-y
"""

# As cmake 3.25 has it; its output ends with an empty line.
CMAKE = """\
\tcd obj-x && cmake -DCMAKE_INSTALL_PREFIX=/usr -DWITH_X=OFF -DWITH_Y:BOOL=ON ..
-- The C compiler identification is GNU 12.2.0
-- Configuring done
CMake Warning:
  Manually-specified variables were not used by the project:

    CMAKE_EXPORT_NO_PACKAGE_REGISTRY
    WITH_X


-- Build files have been written to: /build
cc -DWITH_X=OFF -c main.c
"""


def test_autoconf_says_what_it_does_not_know() -> None:
    assert refused(AUTOCONF, "--disable-x") == "configure does not know it"
    assert refused(AUTOCONF, "--with-y=3") == ""
    assert refused(AUTOCONF, "--with-z") == "no configure step was given it"


def test_one_configure_script_that_knows_it_is_enough() -> None:
    other = "\tcd sub && ./configure --disable-x\nchecking for gcc... gcc\n"
    assert refused(AUTOCONF + other, "--disable-x") == ""
    assert refused(other + AUTOCONF, "--disable-x") == ""
    assert refused(AUTOCONF + AUTOCONF, "--disable-x") == "configure does not know it"


def test_the_scripts_say_what_they_know() -> None:
    features = frozenset({"enable_option_checking", "enable_x_y", "with_z"})
    log = "\t./configure --disable-x.y --without-z --enable-x-z -C A=b\nchecking for a\n"
    assert refused(log, "--disable-x.y", features) == ""
    assert refused(log, "--without-z", features) == ""
    assert refused(log, "-C", features) == ""
    assert refused(log, "A=b", features) == ""
    assert refused(log, "--enable-x-z", None) == ""
    why = refused(log, "--enable-x-z", features)
    assert why == "configure does not know it (did you mean enable_x_y?)"


def test_cmake_says_what_it_did_not_use() -> None:
    assert refused(CMAKE, "-DWITH_X=OFF") == "configure does not know it"
    assert refused(CMAKE, "-DWITH_Y:BOOL=ON") == ""
    assert refused(CMAKE, "-GNinja") == "no configure step was given it"


def test_meson_fails_by_itself() -> None:
    log = "\tcd obj && LC_ALL=C.UTF-8 meson setup .. --wrap-mode=nodownload -Dx=disabled\n"
    assert refused(log, "-Dx=disabled") == ""
    assert refused(log, "-Dy=disabled") == "no configure step was given it"


def test_a_compiler_is_no_configure_step() -> None:
    assert refused("gcc -DX=1 -c configure.c\n", "-DX=1") == "no configure step was given it"


def test_an_override_that_names_it_is_no_configure_step() -> None:
    log = "dh_auto_configure -- --enable-x\n\t./configure --prefix=/usr\nchecking for a\n"
    assert refused(log, "--enable-x") == "no configure step was given it"


def test_quoted_arguments_are_recognised() -> None:
    log = '\t./configure "A=it\'s \\"b\\" c" --with-x=a\\+b\nchecking for a\n'
    assert refused(log, "--with-x=a+b") == ""
    quoted = recipe(f'[[configure]]\narguments = ["A=it\'s \\"b\\" c"]\n{R}')
    assert unused_configure(log, quoted) == ()


@pytest.mark.parametrize("said", ["checking for gcc\n", "-- Configuring done\n"])
def test_a_terse_build_does_not_show_commands(said: str) -> None:
    assert refused(said, "--enable-x") == ""
    warning = "configure: WARNING: unrecognized options: --enable-x\n"
    assert refused(warning + said, "--enable-x") == "configure does not know it"


def test_a_source_that_configures_nothing() -> None:
    assert refused("make all\ncc -c a.c\n", "--enable-x") == "no configure step was given it"


@given(st.text(max_size=80))
def test_any_log_can_be_judged(log: str) -> None:
    for argument in ("--enable-x", "-DX=1", "X=1"):
        refused(f"{log}\n./configure {argument} {log}", argument)


SCRIPT = "#!/bin/sh\nac_user_opts='\nenable_option_checking\n{}\n'\n"


def test_features_are_read_from_all_scripts(tmp_path: Path) -> None:
    assert known_features(tmp_path) is None
    for name, feature in (("a", "enable_x"), ("b/c", "with_y")):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "configure").write_text(SCRIPT.format(feature))
    (tmp_path / "d" / "configure").mkdir(parents=True)
    expected = frozenset({"enable_option_checking", "enable_x", "with_y"})
    assert known_features(tmp_path) == expected


def test_a_script_of_another_kind_may_know_anything(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "configure").write_text(SCRIPT.format("enable_x"))
    (tmp_path / "configure").write_text("#!/bin/sh\necho by hand\n")
    assert known_features(tmp_path) is None


@pytest.fixture(name="source")
def _source(tmp_path: Path) -> SourcePackage:
    depends = "debhelper-compat (= 13), liba-dev, libb-dev <!nodoc>, libc1-dev <pkg.sample.x>"
    text = SOURCE.replace("debhelper-compat (= 13)", depends)
    programs = stanza("sample-tool", "Section: utils") + stanza(
        "sample-doc", "Build-Profiles: <!nodoc>"
    )
    return read_source_tree(write_tree(tmp_path, control=text + LIBRARY + programs))


def judged(text: str, source: SourcePackage, rules: str = "") -> dict[str, str]:
    """For each entry why it is not used; empty if it is."""
    use = use_in_source(recipe(text), source, rules_text=rules)
    return {one.entry.value: "" for one in use.used} | {
        one.entry.value: one.why for one in use.unused
    }


def test_dropped_build_depends(source: SourcePackage) -> None:
    text = f'[[drop]]\nbuild-depends = ["liba-dev", "libb-dev", "libc1-dev", "liba1-dev"]\n{R}'
    assert judged(text, source) == {
        "liba-dev": "",
        "libb-dev": "not wanted in a variant pass anyway",
        "libc1-dev": "not wanted in a variant pass anyway",
        "liba1-dev": "not in Build-Depends of sample (did you mean liba-dev?)",
    }


def test_where_some_are_kept_all_others_are_dropped(source: SourcePackage) -> None:
    text = f'[[keep]]\nbuild-depends = ["liba-dev", "libb-dev", "libaa-dev"]\n{R}'
    assert judged(text, source) == {
        "liba-dev": "",
        "libb-dev": "not wanted in a variant pass anyway",
        "libaa-dev": "not in Build-Depends of sample (did you mean liba-dev?)",
    }
    kept = recipe(text)
    assert [name for name in ("liba-dev", "bison", "dpkg-dev") if kept.drops(name)] == ["bison"]


def test_one_of_several_names_is_kept(source: SourcePackage) -> None:
    text = f'[[keep]]\nbuild-depends = ["libold-dev | liba-dev", "libx-dev | liby-dev"]\n{R}'
    assert judged(text, source) == {
        "libold-dev | liba-dev": "",
        "libx-dev | liby-dev": "not in Build-Depends of sample",
    }
    kept = recipe(text)
    names = ("liba-dev", "libold-dev", "libb-dev")
    assert [name for name in names if kept.drops(name)] == ["libb-dev"]
    with pytest.raises(InputError, match=r"keep\[1\].build-depends"):
        recipe(f'[[keep]]\nbuild-depends = ["liba-dev|liby-dev"]\n{R}')


def test_a_library_is_added_where_build_depends_has_it_not(source: SourcePackage) -> None:
    text = f'[[add]]\nbuild-depends = ["liba-dev", "libd-dev"]\n{R}'
    assert judged(text, source) == {
        "liba-dev": "sample build-depends on it anyway",
        "libd-dev": "",
    }
    with_keep = recipe(f'[[keep]]\nbuild-depends = ["liba-dev"]\n{R}{text}')
    assert [name for name in ("liba-dev", "libb-dev", "libd-dev") if with_keep.drops(name)] == [
        "libb-dev"
    ]
    assert with_keep.added_to("liba-dev") == "liba-dev, liba-dev, libd-dev"
    assert with_keep.added_to("") == "liba-dev, libd-dev"


def test_with_steps_a_recipe_says_which_variants_there_are(source: SourcePackage) -> None:
    variant = f'[[variant]]\nname = "xx-rumprun"\nof = "sample-tool"\nfiles = ["x"]\n{R}'
    steps = f'[[steps]]\ninstall = ["install x y"]\n{R}'
    drop = f'[[drop]]\npackage = ["sample-tool"]\n{R}'
    plain = [item.variant for item in candidates_with(source, None)]
    assert "sample-tool-rumprun" in plain
    for text, expected in (
        (variant, [*plain, "xx-rumprun"]),
        (drop, [name for name in plain if name != "sample-tool-rumprun"]),
        (variant + steps, ["xx-rumprun"]),
        (variant.replace("xx-", "sample-tool-"), plain),
    ):
        found = [item.variant for item in candidates_with(source, recipe(text))]
        assert sorted(found) == sorted(expected)
    assert wanted_with(source, None) == ("liba-rumprun-dev",)
    added = recipe(f'[[add]]\nbuild-depends = ["libd-dev"]\n{R}')
    assert wanted_with(source, added) == ("liba-rumprun-dev", "libd-rumprun-dev")


def test_steps_are_run_and_so_are_used(source: SourcePackage) -> None:
    text = f'[[steps]]\nbuild = ["make x"]\ninstall = ["install x y"]\n{R}'
    assert judged(text, source) == {"make x": "", "install x y": ""}


def test_a_variant_is_a_part_of_a_package_that_there_is(source: SourcePackage) -> None:
    text = f'[[variant]]\nname = "xx-rumprun"\nof = "{{}}"\nfiles = ["usr/bin/x"]\n{R}'
    assert judged(text.format("sample-tool"), source) == {}
    with pytest.raises(InputError, match="xx-rumprun: sample-tol is no package of sample; did you"):
        judged(text.format("sample-tol"), source)
    own = recipe(text.format("sample-tool")).own_variants
    assert [(variant.name, variant.of, variant.files) for variant in own] == [
        ("xx-rumprun", "sample-tool", ("usr/bin/x",))
    ]


def test_profiles_decide_what_is_wanted(source: SourcePackage) -> None:
    text = f"""
[[drop]]
build-depends = ["libb-dev", "libc1-dev"]
{R}
[[profiles]]
add = ["pkg.sample.x"]
remove = ["nodoc"]
{R}"""
    assert set(judged(text, source).values()) == {""}


def test_dropped_packages(source: SourcePackage) -> None:
    names = '"libsample-dev", "sample-tool", "libsample1", "sample-tol"'
    assert judged(f"[[drop]]\npackage = [{names}]\n{R}", source) == {
        "libsample-dev": "",
        "sample-tool": "",
        "libsample1": "gets no variant anyway",
        "sample-tol": "no package of sample (did you mean sample-tool?)",
    }


def test_profiles(source: SourcePackage) -> None:
    text = f'[[profiles]]\nadd = ["pkg.sample.x", "pkg.y"]\nremove = ["nodoc", "noperl"]\n{R}'
    idle = "neither debian/control nor debian/rules asks for it"
    assert judged(text, source) == {"pkg.sample.x": "", "pkg.y": idle, "nodoc": "", "noperl": idle}
    rules = "ifeq (,$(filter pkg.y,$(DEB_BUILD_PROFILES)))\n# pkg.y.z noperls"
    assert judged(text, source, rules)["pkg.y"] == ""
    assert judged(text, source, rules)["noperl"] == idle


def test_variables_always_count(source: SourcePackage) -> None:
    assert judged(f'[[environment]]\nname = "A"\nvalue = "b"\n{R}', source) == {"A": ""}


OF_BUILD = f"""
[[configure]]
arguments = ["--disable-x", "--with-y=3"]
{R}
[[exclude]]
files = ["usr/lib/*/x.conf", "usr/share"]
{R}
[[allow]]
rule = "build-path"
file = "usr/bin/*"
{R}
[[allow]]
rule = "program"
file = "usr/bin/*"
{R}"""


def test_what_the_build_shows() -> None:
    use = use_in_build(
        recipe(OF_BUILD),
        log_text=AUTOCONF,
        features=None,
        staged=["usr/lib/x86_64/x.conf", "usr/bin/x"],
        findings=[("build-path", "/usr/bin/x"), ("program", "/usr/sbin/x")],
    )
    assert [one.entry.value for one in use.used] == ["--with-y=3", "usr/lib/*/x.conf", "usr/bin/*"]
    assert use.used[1].evidence == "1 staged, such as usr/lib/x86_64/x.conf"
    assert use.used[2].evidence == "1 found, such as /usr/bin/x"
    assert [(one.entry.key, one.why) for one in use.unused] == [
        ("configure[1].arguments", "configure does not know it"),
        ("exclude[1].files", "nothing staged matches"),
        ("allow[2].file", "the audit has no such finding"),
    ]
    document = use.to_json()
    assert document["origin"] == "sample.toml"
    assert document["used"][0]["evidence"] == "the configure step took it"  # type: ignore[index]
    with pytest.raises(InputError) as caught:
        check_used(use)
    assert str(caught.value) == (
        "sample.toml: 3 entries have no effect: "
        "configure[1].arguments '--disable-x': configure does not know it; "
        "exclude[1].files 'usr/share': nothing staged matches; "
        "allow[2].file 'program: usr/bin/*': the audit has no such finding; remove them"
    )


def test_all_parts_are_named_at_once(source: SourcePackage) -> None:
    text = f'[[drop]]\npackage = ["nosuch"]\n{R}[[exclude]]\nfiles = ["usr"]\n{R}'
    before = use_in_source(recipe(text), source, rules_text="")
    after = use_in_build(recipe(text), log_text="", features=None, staged=[], findings=[])
    with pytest.raises(InputError, match=r"2 entries.*drop\[1\].*exclude\[1\].*remove them$"):
        check_used(before, after)
    with pytest.raises(InputError, match=r"an entry has no effect: drop.*remove it$"):
        check_used(before)


def test_a_recipe_in_full_use_passes(source: SourcePackage) -> None:
    text = f'[[drop]]\nbuild-depends = ["liba-dev"]\n{R}'
    check_used(use_in_source(recipe(text), source, rules_text=""))
    check_used()


def test_rules_that_the_audit_does_not_have() -> None:
    known = ["build-path", "program"]
    check_rules(recipe(OF_BUILD), known)
    with pytest.raises(InputError) as caught:
        check_rules(recipe(OF_BUILD), ["programs", "build-path"])
    assert str(caught.value) == (
        "sample.toml: allow[2].rule: no rule 'program'; "
        "did you mean programs? the rules are build-path, programs"
    )

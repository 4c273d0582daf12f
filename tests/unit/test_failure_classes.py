# SPDX-License-Identifier: BSD-2-Clause
"""The data file of failure classes: its examples, its page, and how fast its patterns are."""

from __future__ import annotations

import re
import time

import pytest

from rumprun import paths
from rumprun.errors import InputError
from rumprun.variant.failure_classes import (
    DATA_FILE,
    LINE_LIMIT,
    FailureClass,
    failure_classes,
    parse_failure_classes,
    plain_quotes,
)

KNOWN = failure_classes()

WANTED = {
    "missing-dependency", "missing-build-tool", "missing-in-libc", "undefined-symbol",
    "shared-library", "plugin", "runs-target-program", "native-path", "compiler-flag",
    "missing-cxx", "missing-language", "missing-file", "network-access", "timeout", "disk-full",
    "out-of-memory", "test-suite", "assembler", "language-binding", "documentation",
    "symbol-version", "unknown-host", "patch-failure", "unknown",
}  # fmt: skip

PAGE = (paths.DATA / "doc" / "failures.md").read_text(encoding="utf-8")


def class_name(item: FailureClass) -> str:
    return item.name


def test_the_classes_are_all_there_and_unknown_is_last() -> None:
    names = [item.name for item in KNOWN.classes]
    assert set(names) >= WANTED
    assert len(names) == len(set(names))
    assert names[-1] == "unknown"


@pytest.mark.parametrize("item", KNOWN.classes, ids=class_name)
def test_each_example_is_of_its_class_and_each_pattern_has_one(item: FailureClass) -> None:
    used = set()
    for example in item.examples:
        match = KNOWN.match(plain_quotes(example))
        assert match is not None, example
        assert match.failure_class.name == item.name, example
        used.add(match.pattern.pattern)
    assert [text.pattern for _strength, text in item.patterns if text.pattern not in used] == []


@pytest.mark.parametrize("item", KNOWN.classes, ids=class_name)
def test_remedies_use_what_patterns_name(item: FailureClass) -> None:
    assert set(re.findall(r"\{(\w+)\}", item.remedy)) <= {"subject", "owner"}
    if "{subject}" in item.remedy:
        assert item.nothing
    for _strength, pattern in item.patterns:
        assert set(pattern.groupindex) <= {"subject"}
        assert pattern.groups == len(pattern.groupindex)


@pytest.mark.parametrize("item", KNOWN.classes, ids=class_name)
def test_decisive_texts_lead_to_patterns(item: FailureClass) -> None:
    for text in item.decisive:
        assert any(text in example for example in item.examples), text


def test_every_keyword_is_needed() -> None:
    lines = [plain_quotes(example) for item in KNOWN.classes for example in item.examples]
    alone = {
        word
        for line in lines
        if len(words := [word for word in KNOWN.keywords if word in line]) == 1
        for word in words
    }
    assert [word for word in KNOWN.keywords if word not in alone] == []


def test_the_page_has_a_section_for_each_class() -> None:
    sections = {part.split("\n", 1)[0]: part for part in PAGE.split("\n## ")[1:]}
    assert list(sections)[:-1] == [item.name for item in KNOWN.classes]
    for item in KNOWN.classes:
        body = sections[item.name]
        assert f"\n\n{item.title[0].upper()}{item.title[1:]}." in body, item.name
        shown = [line.removeprefix("    ") for line in body.split("\n") if line.startswith("    ")]
        assert shown[0].strip() in {example.strip() for example in item.examples}, item.name
        remedy = item.remedy.replace("{owner}", "").replace("{subject}", item.nothing)
        assert body.rstrip().endswith(f"\n\nRemedy: {remedy}"), item.name


def test_the_example_in_the_page_is_a_class() -> None:
    example = PAGE.split("```toml\n")[1].split("```")[0]
    head, mark, last = DATA_FILE.read_text(encoding="utf-8").rpartition("[[class]]")
    known = parse_failure_classes(head + example + mark + last)
    item = known.classes[-2]
    assert item.name == "licence-server"
    for line in item.examples:
        match = known.match(line)
        assert match is not None
        assert match.failure_class is item
        assert match.subject == "27000@localhost"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[lists]", "[[[lists]"), "failure classes"),
        (('title = "the disk is full"', ""), "title"),
        (("'''version node", "'''(version node"), "version node"),
        (("(?P<subject>@libc_headers@)", "(?P<subject>@nosuch@)"), "nosuch"),
    ],
)
def test_a_wrong_data_file_is_reported(change: tuple[str, str], message: str) -> None:
    text = DATA_FILE.read_text(encoding="utf-8")
    assert change[0] in text
    with pytest.raises(InputError, match=re.escape(message)):
        parse_failure_classes(text.replace(*change))


# A search that backtracks without end takes minutes; a noisy machine may take twice as long.
_SECONDS_A_LINE = 0.2


@pytest.mark.parametrize("item", KNOWN.classes, ids=class_name)
def test_no_pattern_backtracks_without_end(item: FailureClass) -> None:
    for example in item.examples:
        line = plain_quotes(example)
        words = [word for word in re.split(r"(\W)", line) if word]
        hostile = [line * 100, line[:-1] * 100, line[: len(line) // 2] * 200]
        hostile += [word * (LINE_LIMIT // len(word)) for word in sorted(set(words))]
        hostile += [
            f"{line[:place]}{' ' * LINE_LIMIT}{line[place:]}" for place in (0, len(line) // 2)
        ]
        for long_text in hostile:
            text = long_text[:LINE_LIMIT]
            started = time.process_time()
            for _strength, pattern in item.patterns:
                pattern.search(text)
            assert time.process_time() - started < _SECONDS_A_LINE, text[:80]

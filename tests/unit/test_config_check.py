# SPDX-License-Identifier: BSD-2-Clause
"""Runtime configurations: the shared documents, what complaints say, and the schema itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from rumprun.config.check import find_complaints, parse_document
from rumprun.config.complaint import ConfigError, path_text
from rumprun.config.document import Document
from rumprun.config.schema import load_schema
from rumprun.config.text import LONGEST_TEXT, Refused, parse_text

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / "tests" / "config"
GOOD = sorted((SHARED / "good").glob("*.json"))
BAD = sorted((SHARED / "bad").glob("*.json"))


def stem_of(path: Path) -> str:
    return path.stem


def complaints(document: object, **options: Any) -> list[tuple[str, str]]:
    """Path and the rest of each complaint about ``document``."""
    _document, found = find_complaints(json.dumps(document).encode(), **options)
    return [(one.where, f"{one.wrong}; {one.hint}") for one in found]


def test_the_shared_set_is_large_and_complete() -> None:
    assert len(GOOD) + len(BAD) >= 70
    paths = {path.stem for path in (SHARED / "bad").glob("*.path")}
    assert paths == {path.stem for path in BAD}


@pytest.mark.parametrize("path", GOOD, ids=stem_of)
def test_good_documents_pass(path: Path) -> None:
    document, found = find_complaints(path.read_bytes())
    assert [str(one) for one in found] == []
    assert document is not None


@pytest.mark.parametrize("path", BAD, ids=stem_of)
def test_bad_documents_are_refused_at_their_path(path: Path) -> None:
    _document, found = find_complaints(path.read_bytes())
    assert [one.where for one in found] == [path.with_suffix(".path").read_text().rstrip("\n")]
    assert found[0].wrong
    assert "\n" not in str(found[0])


def test_defaults_are_filled_in() -> None:
    text = b'{"rc": [{"bin": "a"}], "net": {"interfaces": {"eth0": {}}}}'
    document = parse_document(text, where="c.json")
    assert document.rc is not None
    entry = document.rc[0]
    assert (entry.name, entry.argv, entry.runmode, entry.workdir) == ("a", (), "", "/")
    assert (entry.restart.policy, entry.restart.most, entry.ready) == ("no", None, None)
    assert document.net is not None
    assert not document.net.interfaces[0].create


def test_no_programs_named_means_all_of_the_image() -> None:
    assert parse_document(b"{}", where="c.json").rc is None


@pytest.mark.parametrize(
    ("document", "path", "words"),
    [
        ({"hostnam": "a"}, "hostnam", "did you mean hostname?"),
        ({"rc": [{"bin": "a", "runmod": "&"}]}, "rc[0].runmod", "did you mean runmode?"),
        ({"rc": [{"bin": "a", "restart": "alway"}]}, "rc[0].restart", "did you mean always?"),
        ({"delegate": {"nets": {"symbol": "f"}}}, "delegate.nets", "did you mean net?"),
        ({"version": 2}, "version", "use a newer dh-rumprun"),
        ({"env": {"A": 1}}, "env.A", "is the number 1, not a string"),
        ({"rc": [{"bin": "web"}, {"bin": "b", "after": ["wbe"]}]}, "rc[1].after[0]", "mean web?"),
        ({"mount": {"/a": {"source": "blk", "name": "d"}}}, 'mount["/a"].name', "blk has none"),
    ],
)
def test_a_complaint_says_what_is_right(document: object, path: str, words: str) -> None:
    [(where, text)] = complaints(document)
    assert where == path
    assert words in text


def test_programs_that_an_image_does_not_have() -> None:
    document = {"rc": [{"bin": "nginx"}, {"bin": "ngin", "name": "second"}]}
    [(where, text)] = complaints(document, programs=["nginx", "sh"])
    assert where == "rc[1].bin"
    assert "did you mean nginx? the image has nginx, sh" in text


def test_all_complaints_come_at_once() -> None:
    document = {"env": {"A": 1}, "rc": [{"bin": "a", "x": 1}], "hostname": "-"}
    assert [where for where, _text in complaints(document)] == ["env.A", "hostname", "rc[0].x"]
    with pytest.raises(ConfigError, match=r"^c.json: env.A: .* \(and 2 more\)") as caught:
        parse_document(json.dumps(document).encode(), where="c.json")
    assert len(caught.value.complaints) == 3


def test_the_longest_text_is_a_mebibyte() -> None:
    assert find_complaints(b"{}" + b" " * (LONGEST_TEXT - 2))[1] == []
    assert find_complaints(b"{}" + b" " * (LONGEST_TEXT - 1))[1] != []


def test_a_number_of_any_length_is_no_effort() -> None:
    [complaint] = find_complaints(b'{"version": ' + b"9" * 500_000 + b"}")[1]
    assert complaint.where == "version"


def test_deep_lists_do_not_exhaust_the_stack() -> None:
    [complaint] = find_complaints(b"[" * 500_000)[1]
    assert "32" in complaint.wrong


def schemas(schema: object) -> Iterator[dict[str, Any]]:
    """All objects of a schema that say what a value may be."""
    if isinstance(schema, dict):
        if {"type", "enum", "pattern"} & set(schema) and not isinstance(schema.get("type"), dict):
            yield schema
        for key, value in schema.items():
            # A condition alone is nothing that a document has to be.
            if key != "if":
                yield from schemas(value)


def test_the_schema_is_one_and_describes_each_value() -> None:
    Draft202012Validator.check_schema(load_schema())
    found = list(schemas(load_schema()))
    assert len(found) > 40
    for schema in found:
        assert schema.get("description"), schema
        if schema.get("type") == "object" and "properties" in schema:
            assert schema["additionalProperties"] is False
            description = schema["description"]
            assert schema is load_schema() or all(
                re.search(rf"\b{re.escape(key)}\b", description) for key in schema["properties"]
            ), description


def test_the_schema_refuses_what_we_refuse_of_it() -> None:
    """Other people's validators know nothing of names and circles, and take 1.0 for an integer."""
    ours = re.compile(
        r"text-|nul-|half-|repeated-|version-fraction|version-exponent|rc-name-twice|rc-pipe-last"
        r"|rc-own-name|rc-after-(?!string)|net-addr-(auto|dhcp|static|inet)|mount-path-dot"
        r"|hostname-newline|rc-bin-newline"
        r"|mount-(blk|9p|tmpfs)|net-(gateway|nameserver)"
    )
    validator = Draft202012Validator(load_schema())
    for path in BAD:
        if not ours.match(path.stem):
            assert not validator.is_valid(json.loads(path.read_text(encoding="utf-8"))), path.stem


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(_JSON, st.booleans())
def test_what_json_writes_is_read_back(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    if "\\u0000" in text.replace("\\\\", ""):
        with pytest.raises(Refused, match="NUL"):
            parse_text(text.encode())
    else:
        assert parse_text(text.encode()) == value


@given(st.binary())
def test_any_bytes_give_a_document_or_complaints(data: bytes) -> None:
    document, found = find_complaints(data)
    assert (document is None) == bool(found)


_WORDS = [b"{", b"}", b"[", b"]", b",", b":", b'"rc"', b'"bin"', b'"a"', b'"after"', b'"env"',
          b'"net"', b'"mount"', b"1", b"true", b" "]  # fmt: skip


@given(st.lists(st.sampled_from(_WORDS)).map(b"".join))
def test_any_words_give_a_document_or_complaints(data: bytes) -> None:
    document, found = find_complaints(data)
    assert isinstance(document, Document) or found


def test_paths_are_those_of_jq() -> None:
    assert path_text(("rc", 2, "after-ms")) == "rc[2].after-ms"
    assert path_text(("mount", "/a b", "name")) == 'mount["/a b"].name'
    assert path_text(("", 'a"\\\n')) == '[""]["a\\"\\\\\\u000a"]'
    assert path_text(()) == ""

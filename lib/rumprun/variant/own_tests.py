# SPDX-License-Identifier: BSD-2-Clause
"""What a source's own test suite said, read from the log of a build.

Known are the summaries of automake (its parallel and its serial harness), ctest, meson, prove,
Python's unittest, pytest, DejaGnu and Autotest. Their wordings are those of automake 1.16,
cmake 3.25, meson 1.0, Test::Harness 3.44, Python 3.11, pytest 7.2, DejaGnu 1.6 and Autoconf 2.71;
each is told by whole lines, so that a program's chatter about tests is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

FAILURES_SHOWN = 20

# A name or a line longer than this is a program's output, and a number with more digits is junk.
_NAME_LIMIT = 200
_NUMBER = r"(\d{1,9})"
# How much of a log belongs to a summary, after its first line.
_BLOCK = 2000

_COLOURS = re.compile(r"\x1b\[[0-9;]{0,20}[A-Za-z]")


@dataclass(frozen=True, kw_only=True)
class TestResults:
    """The results of all summaries in a log, added up.

    ``failed`` counts what went against expectation: failures, errors, timeouts and unexpected
    passes; ``suites`` is the number of summaries, 0 where the log has none; ``failures`` are the
    names of failed tests in the order of the log, at most :data:`FAILURES_SHOWN`.
    """

    __test__ = False  # no test case, whatever pytest takes it for

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    expected_failures: int = 0
    suites: int = 0
    failures: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """All tests that a summary speaks of."""
        return self.passed + self.failed + self.skipped + self.expected_failures


@dataclass(kw_only=True)
class _Reading:
    """How far the log is read.

    ``nested`` names the harness whose run this is, if it shows what its tests say, and ``start``
    is the number of summaries before it: those inside are its tests' own, and it counts those.
    """

    text: str
    found: list[TestResults] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    nested: str = ""
    start: int = 0
    dump: bool = False
    last_prove: int = 0

    def open(self, harness: str) -> None:
        if not self.nested:
            self.nested, self.start = harness, len(self.found)

    def close(self, harness: str) -> None:
        if self.nested == harness:
            del self.found[self.start :]
            self.nested = ""

    def add(self, passed: int, failed: int, *, skipped: int = 0, xfail: int = 0) -> None:
        """Count one summary; the names pending are those of its failures, if it has any."""
        pending: list[str] = []
        if not self.nested:
            pending = list(dict.fromkeys(self.names)) if failed else []
            self.names.clear()
        self.found.append(
            TestResults(
                passed=max(passed, 0),
                failed=failed,
                skipped=skipped,
                expected_failures=xfail,
                suites=1,
                failures=tuple(pending[:FAILURES_SHOWN]),
            )
        )


_Handler = Callable[[re.Match[str], _Reading], None]


def read_results(log_text: str) -> TestResults:
    """The results of all test suites that ``log_text`` has a summary of.

    Never raises; takes time linear in the text. A suite that another one runs as a test, its
    output shown, is counted once. Copies of logs that debhelper shows after a failure are passed
    over. Where a harness was stopped before its summary, what it ran is not counted.
    """
    text = _COLOURS.sub("", log_text) if "\x1b" in log_text else log_text
    reading = _Reading(text=text)
    for match in _LINE.finditer(text):
        kind = match.lastgroup
        assert kind is not None
        if kind == "dumped":
            reading.dump = True
        elif kind == "undumped":
            reading.dump = False
            if match[0].startswith("dh_"):
                reading.nested = ""
        elif not reading.dump:
            _HANDLERS[kind](match, reading)
    return _sum(reading.found)


def _sum(found: list[TestResults]) -> TestResults:
    failures = dict.fromkeys(name for item in found for name in item.failures)
    return TestResults(
        passed=sum(item.passed for item in found),
        failed=sum(item.failed for item in found),
        skipped=sum(item.skipped for item in found),
        expected_failures=sum(item.expected_failures for item in found),
        suites=len(found),
        failures=tuple(failures)[:FAILURES_SHOWN],
    )


def _counts(pattern: re.Pattern[str], match: re.Match[str]) -> Mapping[str, int]:
    """The numbers in the lines from that of ``match`` on, as long as ``pattern`` fits each."""
    text = match.string
    begin = text.rfind("\n", 0, match.start()) + 1
    counts: dict[str, int] = {}
    for line in text[begin : begin + _BLOCK].splitlines():
        found = pattern.fullmatch(line.rstrip())
        if found:
            counts.setdefault(found.group(1), int(found.group(2)))
        elif line.strip("= ") and counts:
            break
    return counts


_AUTOMAKE_COUNT = re.compile(rf"# (TOTAL|PASS|SKIP|XFAIL|FAIL|XPASS|ERROR): +{_NUMBER}")


def _automake(match: re.Match[str], reading: _Reading) -> None:
    counts = _counts(_AUTOMAKE_COUNT, match)
    if not counts:
        return
    reading.close("automake")
    wrong = sum(counts.get(name, 0) for name in ("FAIL", "XPASS", "ERROR"))
    reading.add(
        counts.get("PASS", 0),
        wrong,
        skipped=counts.get("SKIP", 0),
        xfail=counts.get("XFAIL", 0),
    )


_NOT_RUN = re.compile(rf"\({_NUMBER} tests? (?:was|were) not run\)")


def _serial(match: re.Match[str], reading: _Reading) -> None:
    """Automake's serial harness: one sentence, and one on skipped tests in the next line."""
    after = match.string[match.end() + 1 : match.end() + 80]
    skipped = _NOT_RUN.match(after)
    failed = int(match["serial_failed"] or 0)
    total = int(match["serial_total"])
    xfail = int(match["serial_xfail"] or 0)
    reading.add(
        total - failed - xfail,
        failed,
        skipped=int(skipped.group(1)) if skipped else 0,
        xfail=xfail,
    )


_CTEST_ROW = re.compile(rf"\s*{_NUMBER} - (.{{1,{_NAME_LIMIT}}}?) \(([A-Za-z -]+)\).*")
_CTEST_LISTS = re.compile(r"The following tests (did not run|FAILED):$", re.MULTILINE)


def _ctest(match: re.Match[str], reading: _Reading) -> None:
    """A skipped test is among those passed for ctest, and one that is disabled is not counted."""
    failed, total = int(match["ctest_failed"]), int(match["ctest_total"])
    skipped = passed_over = 0
    failures = []
    text, place = match.string, match.end()
    while (heading := _CTEST_LISTS.search(text, place, place + _BLOCK)) is not None:
        place = heading.end() + 1
        while (end := text.find("\n", place)) >= 0:
            row = _CTEST_ROW.fullmatch(text, place, end)
            if row is None:
                break
            place = end + 1
            if heading.group(1) == "FAILED":
                failures.append(row.group(2))
            else:
                passed_over += row.group(3) == "Skipped"
                skipped += 1
    reading.close("ctest")
    reading.names[:] = failures[:FAILURES_SHOWN]
    reading.add(total - failed - passed_over, failed, skipped=skipped)


_MESON_COUNT = re.compile(
    rf"(Ok|Expected Fail|Fail|Unexpected Pass|Skipped|Timeout): +{_NUMBER}", re.IGNORECASE
)


def _meson(match: re.Match[str], reading: _Reading) -> None:
    counts = {name.lower(): number for name, number in _counts(_MESON_COUNT, match).items()}
    failed = sum(counts.get(name, 0) for name in ("fail", "unexpected pass", "timeout"))
    reading.close("meson")
    rows = (name for name in reading.names if name.startswith(_MESON_ROW))
    reading.names[:] = [name.removeprefix(_MESON_ROW) for name in rows]
    reading.add(
        counts.get("ok", 0),
        failed,
        skipped=counts.get("skipped", 0),
        xfail=counts.get("expected fail", 0),
    )


_MESON_ROW = "meson: "


def _meson_row(match: re.Match[str], reading: _Reading) -> None:
    reading.open("meson")
    if match["meson_result"] in {"FAIL", "ERROR", "TIMEOUT", "UNEXPECTEDPASS", "INTERRUPT"}:
        _remember(reading, _MESON_ROW + match["meson_name"].strip())


_PROVE_TEST = re.compile(
    rf"(\S{{1,{_NAME_LIMIT}}}) +\(Wstat: (\d+)\b.*?Tests: \d+ Failed: {_NUMBER}\)"
)
_PROVE_WRONG = ("  Non-zero ", "  Parse errors:", "  Failed test")


def _prove(match: re.Match[str], reading: _Reading) -> None:
    """Assertions count; a script that dies or that breaks its plan is one failure more."""
    text = match.string
    since = max(reading.last_prove, match.start() - 100_000)
    reading.last_prove = match.end()
    heading = text.rfind("\nTest Summary Report\n", since, match.start())
    wrong: dict[str, int] = {}
    name, asserted, failed_assertions = "", 0, 0
    for line in text[heading : match.start()].splitlines() if heading >= 0 else ():
        header = _PROVE_TEST.fullmatch(line.rstrip())
        if header:
            name, asserted = header.group(1), int(header.group(3))
            failed_assertions += asserted
        elif name and line.startswith(_PROVE_WRONG):
            wrong[name] = max(asserted, 1)
    failed = sum(wrong.values())
    if not failed and match["prove_result"] == "FAIL":
        failed = 1
    reading.names[:] = wrong
    reading.add(int(match["prove_tests"]) - failed_assertions, failed)


_UNITTEST_COUNT = re.compile(
    rf"(failures|errors|skipped|expected failures|unexpected successes)={_NUMBER}"
)


def _unittest(match: re.Match[str], reading: _Reading) -> None:
    total = int(match["unittest_total"])
    counts = {
        name: int(number)
        for name, number in _UNITTEST_COUNT.findall(match["unittest_counts"] or "")
    }
    failed = sum(counts.get(name, 0) for name in ("failures", "errors", "unexpected successes"))
    skipped, xfail = counts.get("skipped", 0), counts.get("expected failures", 0)
    reading.add(total - failed - skipped - xfail, failed, skipped=skipped, xfail=xfail)


_PYTEST_COUNT = re.compile(rf"{_NUMBER} (passed|failed|skipped|xfailed|xpassed|errors?)\b")


def _pytest(match: re.Match[str], reading: _Reading) -> None:
    counts = {name.rstrip("s"): int(number) for number, name in _PYTEST_COUNT.findall(match[0])}
    if not counts:
        return
    failed = counts.get("failed", 0) + counts.get("error", 0)
    passed = counts.get("passed", 0) + counts.get("xpassed", 0)
    reading.add(passed, failed, skipped=counts.get("skipped", 0), xfail=counts.get("xfailed", 0))


_DEJAGNU_COUNT = re.compile(rf"# of ([a-z]+ (?:[a-z]+)):?\s+{_NUMBER}")


def _dejagnu(match: re.Match[str], reading: _Reading) -> None:
    after = re.compile(r"\n*").match(match.string, match.end())
    start = re.compile("# of ").match(match.string, after.end() if after else match.end())
    counts = _counts(_DEJAGNU_COUNT, start) if start else {}
    if not counts:
        return
    wrong = ("unexpected failures", "unexpected successes", "unresolved testcases")
    reading.add(
        counts.get("expected passes", 0),
        sum(counts.get(name, 0) for name in wrong),
        skipped=counts.get("unsupported tests", 0) + counts.get("untested testcases", 0),
        xfail=counts.get("expected failures", 0),
    )


_AUTOTEST_PARTS = {
    "failed": re.compile(rf"^{_NUMBER} failed\b", re.MULTILINE),
    "one": re.compile(r"run, (one) (?:failed|passed) unexpectedly"),
    "xpass": re.compile(rf"^{_NUMBER} (?:passed unexpectedly|did not behave)", re.MULTILINE),
    "xfail": re.compile(rf"\({_NUMBER} expected failures?\)"),
    "skipped": re.compile(rf"^{_NUMBER} tests? (?:was|were) skipped\.", re.MULTILINE),
}


def _autotest(match: re.Match[str], reading: _Reading) -> None:
    """Autotest: up to four lines, where "failed" includes those that were expected to."""
    said = "\n".join(match.string[match.start() : match.start() + 300].split("\n")[:4])
    parts = {name: pattern.search(said) for name, pattern in _AUTOTEST_PARTS.items()}
    number = {
        name: 1 if part.group(1) == "one" else int(part.group(1))
        for name, part in parts.items()
        if part
    }
    total, xfail = int(match["autotest_total"]), number.get("xfail", 0)
    failed = max(number.get("failed", 0) - xfail, 0)
    failed += number.get("xpass", 0) + number.get("one", 0)
    reading.add(total - failed - xfail, failed, skipped=number.get("skipped", 0), xfail=xfail)


def _name(match: re.Match[str], reading: _Reading) -> None:
    if not reading.nested:
        _remember(reading, (match["name"] or match["pytest_name"]).strip())


def _remember(reading: _Reading, name: str) -> None:
    # Far more than are shown, since lines that only look like it come first.
    if name and len(reading.names) < 100 * FAILURES_SHOWN:
        reading.names.append(name)


def _open(match: re.Match[str], reading: _Reading) -> None:
    reading.open("ctest" if match[0].startswith("Test") else "automake")


_HANDLERS: Mapping[str, _Handler] = {
    "automake": _automake,
    "serial": _serial,
    "ctest": _ctest,
    "meson": _meson,
    "meson_row": _meson_row,
    "prove": _prove,
    "unittest": _unittest,
    "pytest": _pytest,
    "dejagnu": _dejagnu,
    "autotest": _autotest,
    "failure": _name,
    "opened": _open,
}

# Each named alternative is the last group to close, so that lastgroup tells which one it was.
_LINE = re.compile(
    rf"""
    ^(?=[ \t\#=.\dA-Zdgm])(?:
      (?P<automake>Testsuite\ summary\b[^\n]{{0,{_NAME_LIMIT}}}$)
    | (?P<serial>(?:(?:All\ )?(?=\d+\ tests?\ (?:passed|behaved))
          | (?P<serial_failed>\d{{1,9}})\ of\ (?=\d+\ tests?\ (?:failed|did)))
        (?P<serial_total>\d{{1,9}})\ tests?\ (?:passed | failed
          | behaved\ as\ expected\ \((?P<serial_xfail>\d{{1,9}})\ expected\ failures?\)
          | did\ not\ behave\ as\ expected\ \(\d{{1,9}}\ unexpected\ pass(?:es)?\))
        (?=\n(?:=|\(\d|Please\ report|See\ )))
    | (?P<ctest>\d{{1,3}}%\ tests\ passed,\ (?P<ctest_failed>\d{{1,9}})\ tests?\ failed
        \ out\ of\ (?P<ctest_total>\d{{1,9}})$)
    | (?P<meson>O[Kk]:\ {{1,40}}\d{{1,9}}[ ]{{0,40}}
        (?=\n(?:Expected\ Fail|F(?:ail|AIL)|Skipped|SKIP):))
    | (?P<meson_row>[ ]{{0,20}}\d{{1,6}}/\d{{1,6}}[ ]
        (?P<meson_name>\S[^\n]{{0,{_NAME_LIMIT}}}?)\ {{1,200}}
        (?P<meson_result>OK|FAIL|ERROR|TIMEOUT|SKIP|EXPECTEDFAIL|UNEXPECTEDPASS|INTERRUPT|RUNNING)
        (?:\ {{1,40}}[\d.]{{1,20}}\ ?s\b[^\n]{{0,400}}|[ ]{{0,200}})$)
    | (?P<prove>Files=\d{{1,9}},\ Tests=(?P<prove_tests>\d{{1,9}}),[^\n]{{0,200}}\n
        Result:\ (?P<prove_result>PASS|FAIL|NOTESTS)$)
    | (?P<unittest>Ran\ (?P<unittest_total>\d{{1,9}})\ tests?\ in\ [\d.]+s\n{{1,3}}
        (?:OK|FAILED|NO\ TESTS\ RAN)(?:\ \((?P<unittest_counts>[^()\n]{{1,200}})\))?$)
    | (?P<pytest>(?:=+\ )?\d{{1,9}}\ [a-z]+(?:,\ \d{{1,9}}\ [a-z]+){{0,9}}\ in\ [\d.]+s
        (?:\ \([\d:]+\))?(?:\ =+)?$)
    | (?P<dejagnu>[ \t]*===\ \S{{1,100}}\ Summary\ ===$)
    | (?P<autotest>(?:All\ |ERROR:\ )?(?:All\ )?(?P<autotest_total>\d{{1,9}})\ tests?\ (?:
          (?:was|were)\ successful\. | behaved\ as\ expected\. | (?:was|were)\ run,))
    | (?P<failure>(?:FAIL|ERROR|XPASS|UNEXPECTED\ SUCCESS):\ (?P<name>[^\n]{{1,{_NAME_LIMIT}}})$
        | (?:FAILED|ERROR)\ (?P<pytest_name>\S{{1,150}}::\S{{1,150}}))
    | (?P<opened>Test\ project\ / | \.\.\ contents::\ :depth:\ 2$)
    | (?P<dumped>==>\ [^\n]{{1,300}}\.(?:log|txt)\ <==$)
    | (?P<undumped>dh_\w+:\ | g?make(?:\[\d{{1,6}}\])?:\ )
    )
    """,
    re.MULTILINE | re.VERBOSE,
)

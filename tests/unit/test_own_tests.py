# SPDX-License-Identifier: BSD-2-Clause
"""Results of test suites, read from what real harnesses print."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumprun.variant.own_tests import FAILURES_SHOWN, TestResults, read_results

PARALLEL = """\
make[3]: Entering directory '/build/demo'
PASS: a
FAIL: b
SKIP: c
XFAIL: d
XPASS: e
ERROR: f
============================================================================
Testsuite summary for demo 1.0
============================================================================
# TOTAL: 6
# PASS:  1
# SKIP:  1
# XFAIL: 1
# FAIL:  1
# XPASS: 1
# ERROR: 1
============================================================================
See ./test-suite.log
Please report to bug@example.org
============================================================================
make[3]: *** [Makefile:642: test-suite.log] Error 1
"""

PARALLEL_BELOW = """\
PASS: g
PASS: h
============================================================================
Testsuite summary for demo 1.0
============================================================================
# TOTAL: 2
# PASS:  2
# SKIP:  0
# XFAIL: 0
# FAIL:  0
# XPASS: 0
# ERROR: 0
============================================================================
"""

# With VERBOSE=1 the log of the failed tests comes first, here with a suite of its own inside.
VERBOSE_LOG = """\
================================
   demo 1.0: ./test-suite.log
================================

# TOTAL: 6
# PASS:  1
# SKIP:  1
# XFAIL: 1
# FAIL:  1
# XPASS: 1
# ERROR: 1

.. contents:: :depth: 2

FAIL: b
=======

FAIL: inner
Ran 40 tests in 0.001s

FAILED (failures=7)
FAIL b (exit status: 1)

"""

CTEST = """\
Test project /build/b
    Start 1: good
1/9 Test #1: good .............................   Passed    0.01 sec
    Start 2: bad
2/9 Test #2: bad ..............................***Failed    0.01 sec
5/9 Test #5: skip .............................***Skipped   0.02 sec
    Start 6: dis
6/9 Test #6: dis ..............................***Not Run (Disabled)   0.00 sec

38% tests passed, 5 tests failed out of 8

Total Test time (real) =   1.05 sec

The following tests did not run:
\t  5 - skip (Skipped)
\t  6 - dis (Disabled)

The following tests FAILED:
\t  2 - bad (Failed)
\t  3 - sp ace (Failed)
\t  4 - gone (Not Run)
\t  8 - slow (Timeout)
\t  9 - crash (SEGFAULT)
Errors while running CTest
"""

MESON = """\
ninja: Entering directory `/build/b'
1/7 x / good  OK              0.03s
2/7 x:s / bad FAIL            0.04s   exit status 1
>>> MALLOC_PERTURB_=126 /usr/bin/false

3/7 x / xf    EXPECTEDFAIL    0.03s   exit status 1
4/7 x / xp    UNEXPECTEDPASS  0.01s
5/7 x / sk    SKIP            0.02s   exit status 77
6/7 x / err   ERROR           0.01s   exit status 99
7/7 x / slow  TIMEOUT         1.02s   killed by signal 15 SIGTERM


Summary of Failures:

2/7 x:s / bad FAIL            0.01s   exit status 1
4/7 x / xp    UNEXPECTEDPASS  0.01s
6/7 x / err   ERROR           0.01s   exit status 99
7/7 x / slow  TIMEOUT         1.02s   killed by signal 15 SIGTERM

Ok:                 1   
Expected Fail:      1   
Fail:               2   
Unexpected Pass:    1   
Skipped:            1   
Timeout:            1   

Full log written to /build/b/meson-logs/testlog.txt
"""  # noqa: W291 (as meson prints it)

PROVE = """\
a.t .. 
Failed 1/5 subtests 
\t(less 1 skipped subtest: 3 okay)
\t(1 TO~DO test unexpectedly succeeded)
b.t .. 
Dubious, test returned 3 (wstat 768, 0x300)
Failed 1/3 subtests 
c.t .. skipped: none
d.t .. ok

Test Summary Report
-------------------
a.t (Wstat: 0 Tests: 5 Failed: 1)
  Failed test:  2
  TO~DO passed:   5
b.t (Wstat: 768 (exited 3) Tests: 2 Failed: 0)
  Non-zero exit status: 3
  Parse errors: Bad plan.  You planned 3 tests but ran 2.
Files=4, Tests=9,  0 wallclock secs ( 0.03 usr +  0.01 sys =  0.04 CPU)
Result: FAIL
""".replace("~", "")  # noqa: W291 (as prove prints it)

PROVE_GOOD = """\
d.t .. ok
All tests successful.
Files=1, Tests=2,  0 wallclock secs ( 0.02 usr +  0.00 sys =  0.02 CPU)
Result: PASS
"""

UNITTEST = """\
.FsxuE
======================================================================
ERROR: test_f (test_x.T.test_f)
----------------------------------------------------------------------
Traceback (most recent call last):
ValueError

======================================================================
FAIL: test_b (test_x.T.test_b)
----------------------------------------------------------------------
AssertionError: x

----------------------------------------------------------------------
Ran 6 tests in 0.001s

FAILED (failures=1, errors=1, skipped=1, expected failures=1, unexpected successes=1)
"""

PYTEST = """\
=========================== short test summary info ============================
FAILED test_x.py::T::test_b - AssertionError: x
ERROR test_x.py::T::test_f - ValueError
2 failed, 5 passed, 1 skipped, 2 deselected, 1 xfailed, 1 xpassed, 1 error in 2.63s
"""

DEJAGNU = """\
FAIL: libffi.call/x.c -W -Wall -O0 output pattern test

\t\t=== libffi Summary ===

# of expected passes\t\t1634
# of unexpected failures\t1
# of expected failures\t\t2
# of unresolved testcases\t1
# of unsupported tests\t\t30
"""

SERIAL_WRONG = """\
PASS: a
FAIL: b
XPASS: e
FAIL: f
===========================================================
3 of 5 tests did not behave as expected (1 unexpected pass)
(1 test was not run)
Please report to bug@example.org
===========================================================
"""


def results(
    passed: int, failed: int = 0, skipped: int = 0, xfail: int = 0, *failures: str
) -> TestResults:
    return TestResults(
        passed=passed,
        failed=failed,
        skipped=skipped,
        expected_failures=xfail,
        suites=1,
        failures=failures,
    )


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        pytest.param(PARALLEL, results(1, 3, 1, 1, "b", "e", "f"), id="automake"),
        pytest.param(PARALLEL_BELOW, results(2), id="automake, all well"),
        pytest.param(SERIAL_WRONG, results(2, 3, 1, 0, "b", "e", "f"), id="serial, unexpected"),
        pytest.param(
            "FAIL: x\n====\n3 of 12 tests failed\n====\n", results(9, 3, 0, 0, "x"), id="serial"
        ),
        pytest.param("====\nAll 12 tests passed\n====\n", results(12), id="serial, all well"),
        pytest.param("=\n1 test passed\n(2 tests were not run)\n=\n", results(1, 0, 2), id="one"),
        pytest.param(
            "==\nAll 9 tests behaved as expected (2 expected failures)\n==\n",
            results(7, 0, 0, 2),
            id="serial, expected failures",
        ),
        pytest.param(
            CTEST, results(2, 5, 2, 0, "bad", "sp ace", "gone", "slow", "crash"), id="ctest"
        ),
        pytest.param("100% tests passed, 0 tests failed out of 4\n", results(4), id="ctest, well"),
        pytest.param(
            MESON,
            results(1, 4, 1, 1, "x:s / bad", "x / xp", "x / err", "x / slow"),
            id="meson",
        ),
        pytest.param(PROVE, results(8, 2, 0, 0, "a.t", "b.t"), id="prove"),
        pytest.param(PROVE_GOOD, results(2), id="prove, all well"),
        pytest.param(
            UNITTEST,
            results(1, 3, 1, 1, "test_f (test_x.T.test_f)", "test_b (test_x.T.test_b)"),
            id="unittest",
        ),
        pytest.param("Ran 3 tests in 0.1s\n\nOK\n", results(3), id="unittest, well"),
        pytest.param("Ran 3 tests in 0.1s\n\nOK (skipped=1)\n", results(2, 0, 1), id="skip"),
        pytest.param(
            PYTEST,
            results(6, 3, 1, 1, "test_x.py::T::test_b", "test_x.py::T::test_f"),
            id="pytest",
        ),
        pytest.param("===== 7 passed in 0.31s =====\n", results(7), id="pytest, well"),
        pytest.param(
            DEJAGNU,
            results(1634, 2, 30, 2, "libffi.call/x.c -W -Wall -O0 output pattern test"),
            id="dejagnu",
        ),
        pytest.param(
            "223 tests were successful.\n7 tests were skipped.\n", results(223, 0, 7), id="autotest"
        ),
        pytest.param(
            "ERROR: 9 tests were run,\n4 failed (1 expected failure).\n",
            results(5, 3, 0, 1),
            id="autotest, failures",
        ),
    ],
)  # fmt: skip
def test_each_harness_is_read(log: str, expected: TestResults) -> None:
    assert read_results(log) == expected
    assert read_results(f"before\n{log}after\n") == expected


def test_directories_are_added_up() -> None:
    found = read_results(PARALLEL + PARALLEL_BELOW + PROVE_GOOD)
    assert (found.passed, found.failed, found.suites) == (5, 3, 3)
    assert found.total == 10
    assert found.failures == ("b", "e", "f")


@pytest.mark.parametrize(
    "log",
    [
        "",
        "checking whether all tests passed... yes\n",
        "12 tests passed\nand more to come\n",
        "  Ok:  12\n",
        "# PASS: 3\n",
        "Ran 3 tests in a loop\n",
        "1 warning in 0.1s, which is odd\n",
        "Testsuite summary: see the manual\n",
        # The harness was stopped.
        "1/7 x / good  OK  0.03s\n2/7 x / bad FAIL 0.1s\n",
    ],
)
def test_other_words_are_no_summary(log: str) -> None:
    assert read_results(log) == TestResults()
    assert read_results(log).suites == 0


def test_what_a_test_prints_is_not_counted_again() -> None:
    before, summary = PARALLEL.split("====", 1)
    assert read_results(f"{before}{VERBOSE_LOG}===={summary}") == read_results(PARALLEL)
    head, tail = CTEST.split("38%")
    assert read_results(f"{head}{UNITTEST}{PROVE}38%{tail}") == read_results(CTEST)
    head, tail = MESON.split("Summary of")
    assert read_results(f"{head}{UNITTEST}Summary of{tail}") == read_results(MESON)


def test_a_log_that_debhelper_shows_is_not_counted_again() -> None:
    copy = f"==> meson-logs/testlog.txt <==\n{MESON}dh_auto_test: error: x\n"
    assert read_results(MESON + copy) == read_results(MESON)
    assert read_results(MESON + copy + PROVE_GOOD).suites == 2


def test_colours_do_not_hide_a_summary() -> None:
    coloured = PARALLEL.replace("# PASS", "\x1b[0;32m# PASS").replace("PASS:  1", "PASS:  1\x1b[m")
    assert read_results(coloured) == read_results(PARALLEL)


def test_many_failures_are_cut_short() -> None:
    rows = "".join(f"\t{number:3} - t{number} (Failed)\n" for number in range(1, 51))
    found = read_results(
        f"0% tests passed, 50 tests failed out of 50\n\nThe following tests FAILED:\n{rows}"
    )
    assert found.failed == 50
    assert found.failures == tuple(f"t{number}" for number in range(1, FAILURES_SHOWN + 1))


_LINES = [
    line
    for text in (
        PARALLEL,
        SERIAL_WRONG,
        CTEST,
        MESON,
        PROVE,
        UNITTEST,
        PYTEST,
        DEJAGNU,
        VERBOSE_LOG,
    )
    for line in text.splitlines()
]


@given(st.lists(st.one_of(st.sampled_from(_LINES), st.text(max_size=30)), max_size=60))
def test_no_log_is_too_strange(lines: list[str]) -> None:
    found = read_results("\n".join(lines))
    counts = (found.passed, found.failed, found.skipped, found.expected_failures, found.suites)
    assert all(count >= 0 for count in counts)
    assert len(found.failures) <= FAILURES_SHOWN
    assert not (found.suites == 0 and found.total)


@pytest.mark.parametrize(
    "piece",
    [
        "gcc -O2 -c -o x.o x.c " + "-Wall " * 10 + "\n",
        "1/2 " + " " * 200,
        "1/2 x FAIL\n",
        "FAIL: x\n",
        "5 tests ",
        "\n",
        "\nTest Summary Report\n",
        "Files=1, Tests=2, 0\nResult: FAIL\n",
    ],
)
def test_time_is_linear(piece: str) -> None:
    text = piece * (4_000_000 // len(piece))
    started = time.process_time()
    read_results(text)
    # 0.1 to 2 s; what is quadratic in it takes hours.
    assert time.process_time() - started < 30

# SPDX-License-Identifier: BSD-2-Clause
"""The store under real Xen: dom0's C xenstored and the stub domain pass the same tests.

Guests are mostly domains without a kernel, whose rings a program in dom0 fills.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from xenstore_stream import Type, make_stream, read_answers

from rumprun.lab.xen import Lab

pytestmark = [pytest.mark.integration, pytest.mark.boot, pytest.mark.lab]

Labs = Callable[[str], Lab]
STORES = ("daemon", "domain")

SEED = 1
# bench/xenstore_faults.py plays 10,000.
REQUESTS = 3000
# Of the programs in tests/xenstore; what takes longer is in bench/xenstore_faults.py.
FAULTS = ("oversize", "garbage", "nonsense", "indexes", "half", "deaf", "transactions")


@pytest.mark.parametrize("store", STORES)
def test_it_does_for_domains_what_it_has_to(store_labs: Labs, store: str) -> None:
    said = store_labs(store).run("/root/checks", timeout=120).stdout
    assert said.split() == [
        "ok", "values", "ok", "watches", "ok", "transactions", "ok", "permissions", "ok", "death",
        "ok", "again", "end",
    ]  # fmt: skip


@pytest.mark.parametrize("store", STORES)
def test_a_guest_that_misbehaves_is_cut_off_and_others_are_served(
    store_labs: Labs, store: str
) -> None:
    said = store_labs(store).run(f"/root/faults {' '.join(FAULTS)}", timeout=240).stdout
    assert said.splitlines() == [*(f"ok {name}" for name in FAULTS), "end"]


@pytest.mark.parametrize("store", STORES)
def test_guests_come_and_go(store_labs: Labs, store: str) -> None:
    assert store_labs(store).run("/root/lives lives 20", timeout=120).stdout == "end\n"


@pytest.mark.parametrize("store", STORES)
def test_xens_own_test_passes(store_labs: Labs, store: str) -> None:
    said = store_labs(store).run("/usr/lib/xen-*/bin/test-xenstore", timeout=240)
    assert "error" not in (said.stdout + said.stderr).lower()


def test_answers_to_a_stream_are_the_same(store_labs: Labs) -> None:
    stream = make_stream(SEED, REQUESTS)
    answers = {}
    for store in STORES:
        lab = store_labs(store)
        lab.put("\n".join([*stream, ""]).encode(), "/root/stream.ops")
        lab.run("/root/stream /root/stream.ops > /share/stream.out", timeout=600)
        answers[store] = read_answers(stream, (lab.share / "stream.out").read_text())
    assert answers["daemon"] == answers["domain"]
    types = {answer.type for answer in answers["domain"]}
    assert types >= {Type.READ, Type.WRITE, Type.DIRECTORY, Type.WATCH_EVENT, Type.TRANSACTION_END,
                     Type.CONTROL, Type.ERROR}  # fmt: skip
    assert len([answer for answer in answers["domain"] if answer.line]) >= REQUESTS

# SPDX-License-Identifier: BSD-2-Clause
"""Labs for tests: one for all that are content with it, others by request; logs where one fails."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from rumprun import command
from rumprun.lab.logs import tails
from rumprun.lab.xen import Lab, LabRequest, start_lab

LabFactory = Callable[[LabRequest], Lab]

_ROOT = Path(__file__).resolve().parents[1]

# One for all of a session's tests, each of which has limits of its own.
_SESSION_SECONDS = 7200.0


@pytest.fixture(scope="session")
def lab_agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Labs of this session have the agent as it is in the tree."""
    root = tmp_path_factory.mktemp("lab-agent")
    command.run(["make", "-C", _ROOT / "lab", "install", f"DESTDIR={root}"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUMPRUN_LAB_ROOT", str(root))
        yield


@pytest.fixture(scope="session")
def lab(lab_agent: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:  # noqa: ARG001
    """The session's lab: Xen 4.17, dom0's own store. Whoever uses it cleans up behind itself."""
    directory = tmp_path_factory.mktemp("lab")
    with start_lab(LabRequest(directory=directory, limit=_SESSION_SECONDS)) as found:
        yield found


@pytest.fixture
def lab_factory(lab_agent: None, tmp_path: Path) -> Iterator[LabFactory]:  # noqa: ARG001
    """Starts the lab that a test asks for; it ends with the test."""
    with contextlib.ExitStack() as stack:
        count = 0

        def start(request: LabRequest) -> Lab:
            nonlocal count
            count += 1
            directory = request.directory or tmp_path / f"lab-{count}"
            wanted = dataclasses.replace(request, directory=directory)
            return stack.enter_context(start_lab(wanted))

        yield start


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, None]:
    """A failure comes with the tails of the logs of the labs that the test used."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if not report.failed:
        return
    places = [item.funcargs["lab"].directory] if "lab" in item.funcargs else []
    if "lab_factory" in item.funcargs and "tmp_path" in item.funcargs:
        places += sorted(item.funcargs["tmp_path"].glob("lab-*"))
    for place in places:
        report.sections.append((f"lab in {place}", tails(place)))

"""A rig for each test; what they did and saw is told at the end, and written to docs/reliability.md by `make faults`."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from settings import Settings
from tests.faults import figures
from tests.faults.rig import Figures, Rig
from tests.smtp_sink import Sink


@pytest.fixture
def told(request: pytest.FixtureRequest) -> Iterator[Figures]:
    """A test's line in the table of figures, which ends up there when the test has passed."""
    line = Figures()
    yield line
    figures.tell(request.node, line)


@pytest.fixture
async def rig(database: None, redis: Redis, settings: Settings, tmp_path: Path, told: Figures) -> AsyncIterator[Rig]:
    """Workers as processes on this test's engines, and a sink with a journal."""
    rig = Rig(settings, Sink(tmp_path / "journal"), tmp_path / "workers.log", told)
    rig.open()
    try:
        yield rig
    finally:
        rig.close()
        print(rig.log.read_text("utf-8")[-20_000:])  # shown when the test fails


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Note whether a test passed, for its figures."""
    report = yield
    if report.when == "call":
        item.stash[figures.PASSED] = report.passed
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Take in what a test told, in whatever process it ran."""
    if report.when == "teardown":
        figures.hear(report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the test that noticed each guard that was taken away."""
    for guard, test in figures.noticed():
        terminalreporter.write_line(f"without {guard}: {test}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the tables when `make faults` has run everything."""
    if os.environ.get("FAULT_TABLE") and session.exitstatus == 0 and not hasattr(session.config, "workerinput"):
        figures.write()

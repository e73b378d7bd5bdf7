"""What a benchmark says, and when it refuses to say anything."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from bench.report import Case, Machine, Report, measured_on
from bench.rounds import interleaved
from local.postgres import Postgres

MACHINE = Machine("Fast", 2, 24, "3.11.7", "18.4", "on", "on")


def test_a_report_is_written_as_json_with_ratios_of_ours_to_theirs():
    cases = [Case("sessions", "copy", 26_000.04, 260_000, "rows/s"), Case("send", "smtp-source", 5, None, "s")]
    assert Report("ingest", {"events": 5}, cases, MACHINE, {"import": 80}).as_json() == {
        "bench": "ingest",
        "size": {"events": 5},
        "cases": [
            {"case": "sessions", "yardstick": "copy", "ours": 26_000, "theirs": 260_000, "unit": "rows/s", "ratio": 0.1},
            {"case": "send", "yardstick": "smtp-source", "ours": 5, "theirs": "absent", "unit": "s", "ratio": None},
        ],
        "rss_mb": {"import": 80},
        "machine": {
            "cpu": "Fast", "cores": 2, "memory_gb": 24, "python": "3.11.7", "postgresql": "18.4", "fsync": "on",
            "synchronous_commit": "on",
        },
    }  # fmt: skip


def test_a_report_is_written_as_a_section_of_a_page():
    cases = [Case("a", "copy", 12_345, 25_000, "s"), Case("b", "copy", 0.001_234, None, "s")]
    section = Report("ingest", {"events": 5_000}, cases, MACHINE).as_markdown("Of rows.\n")
    assert section.startswith("## ingest\n\nOf rows.\n\n5,000 events.\n\n| case | yardstick |")
    assert "\n| a | copy | 12,300 | 25,000 | s | 0.494 |\n" in section
    assert "\n| b | copy | 0.00123 | absent | s |  |\n" in section
    assert "fsync on, synchronous_commit on" in section


@pytest.fixture
def careless() -> Iterator[str]:
    """A PostgreSQL that does not care for its disk."""
    with tempfile.TemporaryDirectory(prefix="rekindle-test-") as folder:
        server = Postgres(Path(folder), fsync="off", shared_buffers="16MB")
        yield server.start()
        server.stop()


async def test_nothing_is_measured_on_a_database_that_a_loss_of_power_would_spoil(careless):
    connection = await asyncpg.connect(careless)
    with pytest.raises(RuntimeError, match="fsync is off"):
        await measured_on(connection)
    await connection.close()


async def test_rounds_run_in_turn_and_every_other_one_backwards():
    seen: list[str] = []

    async def note(name: str) -> None:
        seen.append(name)

    works = {"ours": lambda: note("ours"), "theirs": lambda: note("theirs")}
    taken = await interleaved(3, works, before=lambda: note("-"))
    assert "".join(name[0] for name in seen) == "-o-t-t-o-o-t"
    assert set(taken) == {"ours", "theirs"}

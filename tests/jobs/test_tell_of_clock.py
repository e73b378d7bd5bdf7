"""A worker says when its machine's clock is not PostgreSQL's, since what it sends by that clock looks right to everybody."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.context import Context
from jobs.tell_of_clock import tell_of_clock
from models import clock_gap
from models import database as db
from settings import Settings
from tests.waiting import until
from tests.worker import working


def set_clock(monkeypatch: pytest.MonkeyPatch, ahead: timedelta) -> None:
    """Let this machine's clock differ from PostgreSQL's, which is the same machine's."""
    monkeypatch.setattr(clock_gap, "machine_time", lambda: datetime.now(UTC) + ahead)


@pytest.mark.parametrize(
    ("ahead", "told"),
    [
        (timedelta(hours=1), "s ahead of PostgreSQL's: what is planned goes out too early"),
        (timedelta(hours=-1), "s behind PostgreSQL's: what is planned goes out too late"),
    ],
)
@pytest.mark.usefixtures("database", "redis")
async def test_a_worker_whose_clock_is_an_hour_off_says_so_and_what_follows(
    quick: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    ahead: timedelta,
    told: str,
):
    set_clock(monkeypatch, ahead)

    async with working(quick):
        await until(lambda: told in caplog.text)


async def test_a_clock_that_is_right_and_one_that_setting_it_moves_are_no_news(
    ctx: Context, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    await tell_of_clock(ctx)  # the tests' own clock stands in another year

    assert caplog.text == ""


async def test_an_answer_that_was_long_on_its_way_is_no_difference(database: None, monkeypatch: pytest.MonkeyPatch):
    asked = await db.fetch_value("SELECT clock_timestamp()")
    times = iter([asked - timedelta(seconds=10), asked + timedelta(minutes=10)])
    monkeypatch.setattr(clock_gap, "machine_time", lambda: next(times))

    assert await clock_gap.ahead_of_postgresql() == 0.0

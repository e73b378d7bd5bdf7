"""Monthly partitions: made on demand by any number at once, dropped when they are too old."""

import asyncio
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import database as db
from models import partition
from models.ingest import ingest
from tests.factories import make_shop
from tests.outside import Outside
from tests.rows import SECRET, event_row
from tests.waiting import until_locks_are_waited_for_by


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(-300, 300))
def test_months_after_add_up(day, months):
    month = day.replace(day=1)
    later = partition.month_after(month, months)
    assert (later.year - month.year) * 12 + later.month - month.month == months
    assert partition.month_after(later, -months) == month


async def names() -> list[str]:
    """The partitions there are."""
    rows = await db.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'event'::regclass ORDER BY 1"
    )
    return [row["name"] for row in rows]


async def ensure(*months: tuple[int, int]) -> None:
    """Make partitions in a transaction of their own."""
    async with db.transaction():
        await partition.ensure(months)


@pytest.mark.usefixtures("database")
async def test_a_partition_is_made_once_with_the_indexes_of_its_table():
    await ensure((2026, 1), (2025, 12))
    await ensure((2026, 1))
    assert await names() == ["event_2025_12", "event_2026_01"]
    parents = await db.fetch(
        "SELECT inhparent::regclass::text AS name FROM pg_inherits JOIN pg_index ON inhrelid = indexrelid"
        " WHERE indrelid = 'event_2026_01'::regclass ORDER BY 1"
    )
    whole = await db.fetch("SELECT indexname AS name FROM pg_indexes WHERE tablename = 'event' ORDER BY 1")
    assert parents == whole
    assert len(whole) >= 2


@pytest.mark.usefixtures("database")
async def test_many_that_need_the_same_partitions_at_once_all_get_them():
    wanted = [[(2025, 1 + (start + step) % 12) for step in range(6)] for start in range(12)]
    await asyncio.gather(*(ensure(*months) for months in wanted))
    assert await names() == [f"event_2025_{month:02}" for month in range(1, 13)]


@pytest.mark.usefixtures("database")
async def test_making_a_partition_disturbs_neither_readers_nor_writers():
    await ensure((2026, 1))
    outside = Outside()
    async with db.transaction():
        await db.fetch("SELECT FROM event")
        await db.execute("LOCK TABLE event IN ROW EXCLUSIVE MODE")
        await outside.begin(asyncio.wait_for(ensure((2026, 2)), 60))
    assert "event_2026_02" in await names()


@pytest.mark.usefixtures("database")
async def test_a_failed_batch_leaves_no_partition():
    async def fail() -> None:
        async with db.transaction():
            await partition.ensure([(2026, 1)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await names() == []


@pytest.mark.usefixtures("database")
async def test_months_past_keeping_are_dropped_with_their_events_and_the_roll_up_stays():
    shop = await make_shop()
    days = ["2024-11-30", "2024-12-31", "2025-01-01", "2026-01-15"]
    await ingest(shop, [event_row(day, occurredAt=day) for day in days], secret=SECRET)
    before = await db.fetch("SELECT * FROM relationship")
    at = datetime(2026, 1, 15, tzinfo=UTC)
    assert await partition.outlived(12, at=at) == ["event_2024_11", "event_2024_12"]
    assert await partition.drop_outlived(12, at=at) == ["event_2024_11", "event_2024_12"]
    assert await names() == ["event_2025_01", "event_2026_01"]
    assert await db.fetch("SELECT * FROM relationship") == before
    assert await partition.drop_outlived(12, at=at) == []


@pytest.mark.usefixtures("database")
async def test_a_partition_in_use_is_left_for_the_next_time():
    await ensure((2020, 1), (2020, 2))
    at = datetime(2026, 1, 15, tzinfo=UTC)
    outside = Outside()
    async with db.transaction():
        await db.fetch("SELECT FROM event_2020_01")
        dropped = await outside.begin(partition.drop_outlived(12, at=at))
    assert dropped == ["event_2020_02"]
    assert await partition.drop_outlived(12, at=at) == ["event_2020_01"]


@pytest.mark.usefixtures("database")
async def test_a_partition_that_somebody_is_about_to_write_into_is_not_dropped():
    shop = await make_shop()
    await ensure((2020, 1))
    at = datetime(2026, 1, 15, tzinfo=UTC)
    outside = Outside()
    async with db.transaction():
        await partition.ensure([(2020, 1)])
        assert await outside.begin(partition.drop_outlived(12, at=at)) == []
        await ingest(shop, [event_row(occurredAt="2020-01-31")], secret=SECRET)
    assert await db.fetch_value("SELECT count(*) FROM event_2020_01") == 1


@pytest.mark.usefixtures("database")
async def test_two_that_drop_the_same_partitions_at_once_drop_each_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(partition, "TABLE_WAIT", "60s")
    await ensure((2020, 1), (2020, 2))
    at = datetime(2026, 1, 15, tzinfo=UTC)
    outside = Outside()
    async with db.transaction():
        await db.execute("LOCK TABLE event IN ROW EXCLUSIVE MODE")
        dropping = [outside.begin(partition.drop_outlived(12, at=at)) for _ in range(2)]
        await until_locks_are_waited_for_by(2)
    dropped = await asyncio.gather(*dropping)
    assert sorted(name for each in dropped for name in each) == ["event_2020_01", "event_2020_02"]
    assert await names() == []

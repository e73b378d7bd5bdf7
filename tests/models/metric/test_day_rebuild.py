"""Days are made anew for one shop, from the ledger alone, however little memory there is."""

import asyncio
import json
from datetime import date

import pytest

from models import database as db
from models.metric import day as metric_day
from tests.models.metric.daily import ZONE, anew, rows, send_one
from tests.outreach import Outreach, Place, Sent, at
from tests.outside import Outside
from tests.query_plan import parts_of, plans_made


@pytest.fixture
async def place(database: None) -> Place:
    return await Place.make(time_zone=ZONE)


async def test_another_time_zone_moves_the_days_once_earlier_writers_have_ended(place: Place):
    await send_one(place)
    shop = place.shops[0].id
    async with db.transaction():
        await db.execute("UPDATE shop SET time_zone = 'Pacific/Kiritimati' WHERE id = $1", shop)
        assert await metric_day.rebuild_due() == []  # the change itself is under way

    assert await metric_day.is_due()
    assert await metric_day.rebuild_due() == [shop]
    assert [key[0] for key in await rows(shop)] == [date(2026, 1, 2)]
    assert await metric_day.rebuild_due() == []


async def test_what_is_written_by_the_old_time_zone_while_it_changes_is_waited_for(place: Place):
    shop = place.shops[0].id
    written, may_end = asyncio.Event(), asyncio.Event()
    outside = Outside()

    async def write() -> None:
        async with db.transaction():
            await send_one(place)
            written.set()
            await may_end.wait()

    async with db.transaction():
        await db.execute("UPDATE shop SET time_zone = 'Pacific/Kiritimati' WHERE id = $1", shop)
        writing = outside.begin(write())
        await written.wait()
    early = await metric_day.rebuild_due()
    may_end.set()
    await writing

    assert early == []
    assert await metric_day.rebuild_due() == [shop]
    assert await rows(shop) == await anew(shop)


async def test_a_shop_written_again_with_its_time_zone_is_not_rebuilt(place: Place):
    await db.execute("UPDATE shop SET time_zone = time_zone, name = 'Other'")

    assert await metric_day.rebuild_due() == []


async def test_rebuilding_leaves_other_shops_alone(place: Place):
    await place.store(Outreach([Sent(plan, "ana", "SENT", None, "CHAT", "en", 12, None, None) for plan in (0, 2)], []))
    await metric_day.rebuild(place.shops[0].id)

    assert len(await rows(place.shops[0].id, "metric_day")) == 1
    assert len(await rows(place.shops[1].id, "metric_day")) == 0
    assert len(await rows(place.shops[1].id)) == 1


async def store_messages(place: Place, count: int) -> int:
    """Messages of as many plans, each a row of its own by day; the shop they are of."""
    shop = place.shops[0].id
    await db.execute(
        "INSERT INTO delivery (plan_id, customer_id, shop_id, state, channel, language, created_at, sent_at)"
        " SELECT n, gen_random_uuid(), $1, 'SENT', 'CHAT', 'en', $2, $2 FROM generate_series(1, $3::int) n",
        shop, at(12), count,
    )  # fmt: skip
    await metric_day.fold_all()
    await db.analyze("delivery", "metric_day")
    return shop


async def test_making_days_anew_holds_no_old_row_against_all_new_ones_however_little_memory_there_is(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    shop = await store_messages(place, 5_000)
    plans = plans_made(monkeypatch, "execute", about="gone AS", under={"work_mem": "64kB"})
    await metric_day.rebuild(shop)

    [gone] = (part for plan in plans for part in parts_of(plan) if part.get("Subplan Name") == "CTE gone")
    assert "SubPlan" not in json.dumps(gone)
    joins = [part["Node Type"] for part in parts_of(gone) if part.get("Join Type") == "Anti"]
    assert joins in (["Hash Join"], ["Merge Join"])


async def test_making_days_anew_takes_away_what_the_ledger_does_not_have(place: Place):
    shop = await store_messages(place, 3)
    await db.execute("ALTER TABLE delivery DISABLE TRIGGER USER")
    try:
        await db.execute("DELETE FROM delivery WHERE plan_id = 2")
        await metric_day.rebuild(shop)
    finally:
        await db.execute("ALTER TABLE delivery ENABLE TRIGGER USER")

    assert {key[1] for key in await rows(shop, "metric_day")} == {1, 3}

"""Reminders of LIVE sessions: before they start, to followers or a segment, however often they move."""

from typing import Any

import pytest

from models.segment import Segment
from models.trigger.fire import fire
from tests.automation import LIFE, Life, ledger, make_automated, send, texts
from tests.factories import make_customers, make_shop
from tests.rows import live_row, tell

pytestmark = pytest.mark.usefixtures("database")


def planned(life: Life, minute: float, **fields: Any) -> dict[str, Any]:
    """A LIVE that starts at this minute."""
    return live_row(startsAt=life.at(minute).isoformat(), **fields)


async def test_followers_are_reminded_by_each_lead_at_their_own_clock():
    life = Life(shop := await make_shop())
    await life.people("ana", timeZone="Asia/Tokyo")
    await life.people("ben")
    await life.did("FOLLOWED", 0)
    await life.did("PRODUCT_VIEWED", 0, "ben")
    plan = await make_automated(shop, "LIVE_REMINDER", {"steps": [10, 60]}, text="LIVE at {startsAt}")
    await tell(shop, planned(life, 120))
    assert [await life.look(plan, minute) for minute in (59, 60, 61, 109, 110, 125)] == [0, 1, 0, 0, 1, 0]
    assert await ledger(plan) == {"live:l1:1": "SENT", "live:l1:2": "SENT"}
    assert await texts(plan) == ["LIVE at 23:00"] * 2


async def test_a_live_that_moves_three_times_is_reminded_of_once_before_its_last_start():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.did("FOLLOWED", 0)
    plan = await make_automated(shop, "LIVE_REMINDER", {"steps": [30]})
    await tell(shop, planned(life, 60))
    for minute, start in ((10, 90), (20, 120), (50, 100)):
        life.go(minute)
        await tell(shop, planned(life, start))
    assert [await life.look(plan, minute) for minute in (55, 69, 70, 71)] == [0, 0, 1, 0]
    await tell(shop, planned(life, 300))
    assert await life.look(plan, 270) == 0


@pytest.mark.parametrize("field", ["startedAt", "endedAt", "cancelledAt"])
async def test_a_live_that_began_or_was_called_off_is_reminded_of_no_more(field):
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.did("FOLLOWED", 0)
    plan = await make_automated(shop, "LIVE_REMINDER", {"steps": [30]})
    life.go(10)
    await tell(shop, planned(life, 60, **{field: life.at(10).isoformat()}))
    assert await life.look(plan, 30) == 0


@pytest.mark.parametrize("field", ["startedAt", "endedAt", "cancelledAt"])
async def test_a_live_that_is_on_again_within_the_lead_is_reminded_of_at_once_and_who_knows_of_it_is_not(field):
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.did("FOLLOWED", 0)
    plan = await make_automated(shop, "LIVE_REMINDER", {"steps": [60, 30]})
    await tell(shop, planned(life, 120))
    assert await life.look(plan, 60) == 1
    life.go(80)
    await tell(shop, planned(life, 120, **{field: life.at(80).isoformat()}))
    assert await life.look(plan, 90) == 0
    life.go(95)
    await tell(shop, planned(life, 120, **{field: None}))
    assert [await life.look(plan, minute) for minute in (96, 97)] == [1, 0]
    assert await ledger(plan) == {"live:l1:1": "SENT", "live:l1:2": "SENT"}


async def test_a_live_planned_within_the_lead_is_reminded_of_at_once_and_after_its_start_never():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.did("FOLLOWED", 0)
    plan = await make_automated(shop, "LIVE_REMINDER", {"steps": [30]})
    assert await life.look(plan, 40) == 0
    await tell(shop, planned(life, 50, externalId="soon"))
    assert await life.look(plan, 41) == 1
    await tell(shop, planned(life, 60, externalId="missed"))
    assert await life.look(plan, 61) == 0


async def test_a_live_is_reminded_of_until_the_instant_in_which_it_starts():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.did("FOLLOWED", 0)
    plan = await make_automated(shop, "LIVE_REMINDER", {"steps": [30]})
    await tell(shop, planned(life, 60), planned(life, 60.1, externalId="l2"))
    assert await life.look(plan, 60) == 1
    assert await ledger(plan) == {"live:l2:1": "SENT"}


async def test_who_follows_after_a_lead_has_passed_is_reminded_by_the_next_one_alone():
    life = Life(shop := await make_shop())
    await life.people("ana", "ben")
    await life.did("FOLLOWED", 0)
    plan = await make_automated(shop, "LIVE_REMINDER", {"steps": [10, 30]})
    await tell(shop, planned(life, 60))
    assert await life.look(plan, 30) == 1
    life.go(31)
    await life.did("FOLLOWED", 31, "ben")
    assert [await life.look(plan, minute) for minute in (31, 49, 50)] == [0, 0, 2]


async def test_a_lead_that_had_passed_when_the_plan_began_is_none_of_its_steps():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.did("FOLLOWED", 0)
    await tell(shop, planned(life, 20))
    plan = await make_automated(shop, "LIVE_REMINDER", {"steps": [10, 30]})
    assert [await life.look(plan, minute) for minute in (1, 9, 10)] == [0, 0, 1]
    assert await ledger(plan) == {"live:l1:2": "SENT"}


async def test_a_live_of_another_shop_is_reminded_of_by_that_shop_alone():
    life, elsewhere = Life(shop := await make_shop()), Life(other := await make_shop("other"))
    for each in (life, elsewhere):
        await each.people("ana")
        await each.did("FOLLOWED", 0)
    plan = await make_automated(shop, "LIVE_REMINDER", {"steps": [30]})
    await tell(other, planned(life, 60, externalId="theirs"))
    assert await life.look(plan, 35) == 0
    await tell(other, planned(life, 50, externalId="their next"))
    await tell(shop, planned(life, 60))
    assert await life.look(plan, 36) == 1
    assert list(await ledger(plan)) == ["live:l1:1"]


async def test_a_reminder_that_waits_is_not_for_who_follows_no_more_nor_for_a_live_called_off():
    life = Life(shop := await make_shop())
    await life.people("ana", "ben")
    for name in ("ana", "ben"):
        await life.did("FOLLOWED", 0, name)
    plan = await make_automated(shop, "LIVE_REMINDER", {"steps": [30]})
    await tell(shop, planned(life, 60), planned(life, 60, externalId="l2"))
    life.go(30)
    assert await fire(plan.id, life=LIFE) == 4
    await life.did("UNFOLLOWED", 30, "ben")
    await tell(shop, planned(life, 60, externalId="l2", cancelledAt=life.at(30).isoformat()))
    await send(plan)
    assert await ledger(plan) == {
        "ana live:l1:1": "SENT", "ana live:l2:1": "REASON_GONE OCCASION_OVER",
        "ben live:l1:1": "REASON_GONE OCCASION_OVER", "ben live:l2:1": "REASON_GONE OCCASION_OVER",
    }  # fmt: skip


async def test_a_segment_may_be_reminded_instead_of_followers():
    life = Life(shop := await make_shop())
    await make_customers(shop, 3)
    await life.people("ana")
    await life.did("FOLLOWED", 0)
    segment = await Segment.get(shop_id=shop.id, preset="REPEAT")
    plan = await make_automated(shop, "LIVE_REMINDER", {"followersOnly": False}, segment_id=segment.id)
    await tell(shop, planned(life, 60))
    assert await life.look(plan, 30) == 3


async def test_small_chunks_reach_every_follower_once():
    life = Life(shop := await make_shop())
    names = [f"f{number:02d}" for number in range(25)]
    await life.people(*names)
    for name in names:
        await life.did("FOLLOWED", 0, name)
    plan = await make_automated(shop, "LIVE_REMINDER", {"steps": [30, 31]})
    await tell(shop, planned(life, 60), planned(life, 60, externalId="l2"))
    life.go(30)
    assert await fire(plan.id, life=LIFE, chunk=7) == 50
    assert await fire(plan.id, life=LIFE, chunk=7) == 0
    await send(plan)
    assert set((await ledger(plan)).values()) == {"SENT"}

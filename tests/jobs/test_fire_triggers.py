"""The job of automated plans: from what happened to the inbox, with and without Redis, by any number of workers."""

import asyncio
from datetime import time, timedelta

import pytest
from redis.asyncio import Redis

from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from jobs.fire_triggers import fire_triggers
from jobs.queue import DELIVERY_QUEUES
from jobs.sweep import sweep
from models import chat_platform, consent
from models import database as db
from models.access import decision
from models.advisory_lock import AdvisoryLock
from models.clock import Clock, now
from models.identifier import customer_id
from models.ingest import BUCKETS
from models.plan import Plan, PlanStatus, wording
from models.trigger.fire import fire
from tests.api import PLATFORM, Api
from tests.automation import LIFE, Life, ledger, make_automated, send, welcome
from tests.factories import make_draft, make_shop
from tests.outside import Outside
from tests.slices import hold
from tests.waiting import until_a_lock_is_waited_for

pytestmark = pytest.mark.usefixtures("database")

WHEN = timedelta(hours=1)


async def deliver(ctx: Context) -> None:
    """Do the delivery jobs that are enqueued, whatever queue they are in."""
    for queue in DELIVERY_QUEUES.values():
        for name in await ctx["redis"].zrange(queue, 0, -1):
            _, plan, number, *_ = name.decode().split(":")
            await deliver_slice(ctx, int(plan), int(number))


async def test_what_came_due_is_made_enqueued_and_sent(ctx: Context):
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "WELCOME_FOLLOWER")
    await life.did("FOLLOWED", 0)
    await fire_triggers(ctx)
    await deliver(ctx)
    assert await ledger(plan) == {f"follow:{life.micros(0)}:1": "SENT"}


async def test_what_waits_long_until_it_can_be_stored_is_looked_at_once_it_is():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "WELCOME_FOLLOWER")
    outside = Outside()

    async with db.transaction():
        await db.hold_each(AdvisoryLock.INGEST, range(shop.id * BUCKETS, (shop.id + 1) * BUCKETS))
        telling = outside.begin(life.did("FOLLOWED", 0))
        await until_a_lock_is_waited_for(telling)
        assert await outside.begin(life.look(plan, 10)) == 0
    await telling

    assert await life.look(plan, 11) == 1
    assert await ledger(plan) == {f"follow:{life.micros(0)}:1": "SENT"}


async def test_ten_looks_at_once_make_each_row_once(ctx: Context):
    life = Life(shop := await make_shop())
    names = [f"f{number}" for number in range(30)]
    await life.people(*names)
    plan = await make_automated(shop, "WELCOME_FOLLOWER")
    for name in names:
        await life.did("FOLLOWED", 0, name)
    await asyncio.gather(*(fire_triggers(ctx) for _ in range(10)))
    await deliver(ctx)
    assert list((await ledger(plan)).values()) == ["SENT"] * 30


async def test_a_plan_that_cannot_look_keeps_no_other_from_it(ctx: Context):
    life = Life(shop := await make_shop())
    await life.people("ana")
    plans = [await make_automated(shop, "WELCOME_FOLLOWER") for _ in range(3)]
    await db.execute("UPDATE plan SET trigger = 'NO_SUCH_TRIGGER' WHERE id = $1", plans[0].id)
    await life.did("FOLLOWED", 0)

    with pytest.raises(ValueError, match="NO_SUCH_TRIGGER"):
        await fire_triggers(ctx)

    assert [len(await ledger(plan)) for plan in plans[1:]] == [1, 1]


async def test_a_shop_with_news_looks_alone(ctx: Context):
    first, second = Life(await make_shop("bloom")), Life(await make_shop("cedar"))
    plans = []
    for life in (first, second):
        await life.people("ana")
        plans.append(await make_automated(life.shop, "WELCOME_FOLLOWER"))
        await life.did("FOLLOWED", 0)
    await fire_triggers(ctx, second.shop.id)
    assert [len(await ledger(plan)) for plan in plans] == [0, 1]


async def test_news_from_the_platform_wakes_the_shop_s_plans_once(api: Api, redis: Redis):
    shop = await make_shop()
    row = {"externalId": "e1", "kind": "FOLLOWED", "customer": "ana", "occurredAt": now().isoformat()}
    mutation = "mutation ($input: EventsUpsertInput!) { eventsUpsert(input: $input) { userErrors { code } } }"
    for _ in range(3):
        await api.data(mutation, PLATFORM, input={"shop": "bloom", "rows": [row]})
    names = await redis.zrange("rekindle:work", 0, -1)
    assert names == [f"fire_triggers:{shop.id}".encode()]


async def test_a_plan_for_later_starts_at_its_time_and_answers_only_what_happens_then(ctx: Context, clock: Clock):
    life = Life(shop := await make_shop())
    await life.people("ana", "ben")
    plan = await make_draft(shop, segment_id=None, automation=welcome())
    await plan.submit(shop, send_at=now() + WHEN, deadline_after=LIFE)
    life.go(30)
    await life.did("FOLLOWED", 30)
    life.go(60)
    await sweep(ctx)
    assert await wording.pin(plan.id)
    await life.did("FOLLOWED", 60, "ben")
    await life.look(plan, 61)
    assert list(await ledger(plan)) == [f"follow:{life.micros(60)}:1"]


async def test_at_its_end_what_waits_expires_and_the_plan_is_ended(ctx: Context):
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "THANK_YOU", {"steps": [0]}, ends_at=now() + WHEN)
    for number in range(3):
        await life.bought(0, order=f"o{number}")
    await life.look(plan, 1)
    life.go(60)
    await sweep(ctx)
    await plan.refresh_from_db()
    assert plan.status is PlanStatus.ENDED
    assert sorted((await ledger(plan)).values()) == ["EXPIRED DEADLINE", "SENT", "SENT"]
    await life.bought(60, order="late")
    assert await life.look(plan, 61) == 0


async def test_what_came_due_while_it_was_paused_goes_out_on_resume_and_the_end_stays(ctx: Context):
    life = Life(shop := await make_shop())
    await life.people("ana", "ben")
    end = now() + timedelta(days=30)
    plan = await make_automated(shop, "ABANDONED_CART", ends_at=end)
    await life.did("CART_ADDED", 0, product="soap")
    await life.did("CART_ADDED", 0, "ben", product="soap")
    assert await plan.pause()
    assert await life.look(plan, 130) == 0
    life.go(200)
    await life.bought(200, "ben")
    await plan.resume(shop)
    assert await life.look(plan, 201) == 1
    assert plan.deadline == end


async def test_a_cancelled_plan_sends_nothing_more():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "THANK_YOU", {"steps": [0]})
    for number in range(3):
        await life.bought(0, order=f"o{number}")
    await life.look(plan, 1)
    await plan.cancel()
    assert sorted((await ledger(plan)).values()) == ["CANCELLED", "SENT", "SENT"]
    await life.bought(1, order="late")
    assert await life.look(plan, 2) == 0


async def test_a_revoked_shop_s_plans_are_deleted_and_a_frozen_shop_s_go_on():
    life = Life(shop := await make_shop())
    await life.people("ana", "ben")
    plan = await make_automated(shop, "WELCOME_FOLLOWER")
    await db.execute("UPDATE shop SET score = 3.2 WHERE id = $1", shop.id)
    await decision.recompute([shop.id], now())
    await life.did("FOLLOWED", 0)
    assert await life.look(plan, 1) == 1
    await db.execute("UPDATE shop SET score = 2 WHERE id = $1", shop.id)
    await decision.recompute([shop.id], now())
    await life.did("FOLLOWED", 1, "ben")
    assert await life.look(plan, 2) == 0
    assert (await Plan.get(id=plan.id)).status is PlanStatus.DELETED


async def test_quiet_hours_hold_a_message_until_they_end_on_the_customer_s_clock():
    life = Life(shop := await make_shop())
    await life.people("ana", timeZone="Asia/Tokyo")  # noon in London is 21:00 there
    await life.people("ben")
    plan = await make_automated(shop, "WELCOME_FOLLOWER", quiet=(time(20), time(8)))
    await life.did("FOLLOWED", 0)
    await life.did("FOLLOWED", 0, "ben")
    await life.look(plan, 1)
    assert sorted((await ledger(plan)).values()) == ["PENDING LOCAL_HOUR", "SENT"]
    life.go(11 * 60 - 1)
    await send(plan)
    assert sorted((await ledger(plan)).values()) == ["PENDING LOCAL_HOUR", "SENT"]
    life.go(11 * 60)
    await send(plan)
    assert sorted((await ledger(plan)).values()) == ["SENT", "SENT"]


async def test_over_the_contact_limit_after_its_quiet_hours_it_goes_at_their_next_end_and_not_within_them():
    life = Life(shop := await make_shop())
    await life.people("ana", timeZone="Asia/Tokyo")  # noon in London is 21:00 there
    plan = await make_automated(shop, "WELCOME_FOLLOWER", quiet=(time(20), time(8)))
    await life.did("FOLLOWED", 0)
    await life.look(plan, 1)
    life.go(11 * 60)
    await db.execute(
        "INSERT INTO contact (customer_id, day, slot, plan_id, reference)"
        " SELECT $1, '2026-01-16', slot, $2, 'others' FROM generate_series(1, 2) AS slot",
        customer_id("ana"),
        plan.id,
    )
    await send(plan)
    assert list((await ledger(plan)).values()) == ["PENDING CONTACT_LIMIT"]

    assert await db.fetch_value("SELECT not_before FROM delivery") == life.at(35 * 60)
    life.go(35 * 60)
    await send(plan)
    assert list((await ledger(plan)).values()) == ["SENT"]


async def test_what_was_held_until_a_plan_s_quiet_hours_waits_for_their_end():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "WELCOME_FOLLOWER", quiet=(time(20), time(8)))
    await life.did("FOLLOWED", 0)
    assert await fire(plan.id, life=LIFE) == 1
    await plan.pause()
    life.go(8 * 60)
    await plan.resume(shop)

    await send(plan)

    assert list((await ledger(plan)).values()) == ["PENDING LOCAL_HOUR"]
    assert await db.fetch_value("SELECT not_before FROM delivery") == life.at(20 * 60)
    assert await db.fetch_value("SELECT count(*) FROM contact") == 0
    life.go(20 * 60)
    await send(plan)
    assert list((await ledger(plan)).values()) == ["SENT"]


async def test_what_a_chat_platform_is_given_goes_until_the_plan_s_quiet_hours_begin():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await chat_platform.connect(shop, "https://chat.example/hook", targets="any", key=b"a secret of tests")
    plan = await make_automated(shop, "WELCOME_FOLLOWER", quiet=(time(20), time(8)))
    await life.did("FOLLOWED", 0)
    assert await fire(plan.id, life=LIFE) == 1

    _, [message] = await hold(plan)

    assert message.goes_until == life.at(8 * 60)


async def test_who_blocked_the_chat_gets_nothing_and_a_holdout_is_noted():
    life = Life(shop := await make_shop())
    await life.people("ana", "ben")
    plan = await make_automated(shop, "WELCOME_FOLLOWER")
    await consent.block(shop.id, customer_id("ana"))
    await life.did("FOLLOWED", 0)
    await life.look(plan, 1)
    assert list((await ledger(plan)).values()) == ["SUPPRESSED BLOCKED"]
    names = [f"f{number}" for number in range(30)]
    await life.people(*names)
    half = await make_automated(shop, "WELCOME_FOLLOWER", holdout_percent=50)
    for name in names:
        await life.did("FOLLOWED", 1, name)
    await life.look(half, 2)
    states = list((await ledger(half)).values())
    assert set(states) == {"SENT", "HELD_OUT HOLDOUT"}


async def test_a_customer_without_language_reads_the_shop_s():
    life = Life(shop := await make_shop(default_language="es"))
    await life.people("ana")
    plan = await make_automated(
        shop, "WELCOME_FOLLOWER", content={"texts": {"en": {"text": "Hello"}, "es": {"text": "Hola"}}}
    )
    await life.did("FOLLOWED", 0)
    await life.look(plan, 1)
    assert await db.fetch_value("SELECT language FROM delivery") == "es"

"""The roll-up by day equals the ledger, however it came about: by changes, folded or not, or made anew (R23)."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import database as db
from models import intent, mail_report
from models import slice as slices
from models.clock import Clock
from models.delivery import DeliveryState
from models.identifier import customer_id, external_uuid
from models.intent import Settlement
from models.mail.report import Outcome, Report
from models.mail.return_path import ReturnKey
from models.metric import day as metric_day
from models.metric import of_plans
from models.metric.day import FACTS
from models.plan import Plan, PlanChannel, advance
from tests.factories import DEADLINE, make_customers, make_resolved, make_shop
from tests.models.metric.test_overview import Fact, facts
from tests.outreach import PRODUCTS, Bought, Claimed, Outreach, Place, Sent, at, outreach
from tests.slices import hold
from tests.stored_histories import rolled_back

SHARED = [HealthCheck.function_scoped_fixture]
Rows = Counter[tuple[object, ...]]


@pytest.fixture
async def place(database: None) -> Place:
    return await Place.make(time_zone="America/St_Johns")


async def rows(shop_id: int, source: str = "metric") -> Rows:
    """What the view says of a shop: how much of each fact, where it is not nothing."""
    found = await db.fetch(
        f"SELECT day, plan_id, channel, language, product_id, {', '.join(FACTS)} FROM {source} WHERE shop_id = $1",
        shop_id,
    )
    sums: Rows = Counter()
    for row in found:
        for fact in FACTS:
            sums[(*list(row)[:5], fact)] += row[fact]
    return Counter({key: amount for key, amount in sums.items() if amount})


async def anew(shop_id: int) -> Rows:
    """The same as the ledger says it."""
    key = "day, plan_id, channel, language, product_id, fact"
    found = await db.fetch(
        f"SELECT {key}, sum(amount)::bigint AS amount FROM metric_fact WHERE shop_id = $1 GROUP BY {key}", shop_id
    )
    return Counter({tuple(row)[:6]: row["amount"] for row in found if row["amount"]})


def counted(place: Place, found: Sequence[Fact]) -> Rows:
    """The same from plain facts."""
    sums: Rows = Counter()
    for fact in found:
        product = fact.product or metric_day.WHOLE
        sums[fact.day, place.plans[fact.plan].id, fact.channel, fact.language, product, fact.name] += fact.amount
    return Counter({key: amount for key, amount in sums.items() if amount})


def begun(history: Outreach) -> Outreach:
    """The history as it began: messages wait or have just been read, orders stand, coupons are not redeemed."""
    return replace(
        history,
        sent=[replace(sent, state="PENDING", reason=None, machine_read=None, replied=None) for sent in history.sent],
        bought=[replace(order, status="PLACED", cancelled=None, amount=7) for order in history.bought],
        claimed=[replace(claimed, redeemed=None) for claimed in history.claimed],
    )


async def go_on(place: Place, history: Outreach, chance: Random) -> None:
    """Change what began to what the history says, one by one in any order; fold and rebuild in between.

    Some bounce on the way, wait again, and only then become what the history says (B2).
    """
    changes: list[tuple[Any, ...]] = [
        *((_send, place, sent) for sent in history.sent),
        *((_bounce, place, sent) for sent in history.sent if chance.random() < 0.3),
        *((_settle, place, sent) for sent in history.sent),
        *((_order, number, order) for number, order in enumerate(history.bought)),
        *((_redeem, number, claimed.redeemed) for number, claimed in enumerate(history.claimed) if claimed.redeemed),
    ]
    chance.shuffle(changes)
    order = (_bounce, _settle)
    for change, *arguments in sorted(changes, key=lambda each: order.index(each[0]) + 1 if each[0] in order else 0):
        await change(*arguments)
        if chance.random() < 0.2:
            await metric_day.fold(chance.choice([1, 3, 1000]))
        if chance.random() < 0.05:
            await metric_day.rebuild(place.shops[0].id)


async def _send(place: Place, sent: Sent) -> None:
    """First every message is delivered, as far as the ledger knows."""
    await _write(place, replace(sent, state="SENT", reason=None))


async def _bounce(place: Place, sent: Sent) -> None:
    """It came back, and is tried again: its earlier moments stay in the row, and count for nothing meanwhile."""
    for state, reason in (("FAILED", "5.2.2"), ("PENDING", None)):
        await db.execute(
            "UPDATE delivery SET state = $3::delivery_state, reason = $4 WHERE plan_id = $1 AND customer_id = $2",
            place.plans[sent.plan].id, customer_id(sent.customer), state, reason,
        )  # fmt: skip


async def _settle(place: Place, sent: Sent) -> None:
    """Then it is known better, and some have bounced."""
    await _write(place, sent)


async def _write(place: Place, sent: Sent) -> None:
    moments = (sent.read, sent.clicked, sent.machine_read, sent.machine_clicked, sent.replied)
    is_sent = sent.state in ("SENT", "FAILED")
    await db.execute(
        "UPDATE delivery SET state = $3::delivery_state, reason = $4, sent_at = $5, read_at = $6, clicked_at = $7,"
        " machine_read_at = $8, machine_clicked_at = $9, replied_at = $10 WHERE plan_id = $1 AND customer_id = $2",
        place.plans[sent.plan].id, customer_id(sent.customer), sent.state, sent.reason, at(sent.sent) if is_sent else None,
        *(None if hour is None else at(hour) for hour in moments),
    )  # fmt: skip


async def _order(number: int, order: Bought) -> None:
    await db.execute(
        "UPDATE orders SET amount = $2, status = $3::order_status, cancelled_at = $4 WHERE id = $1",
        external_uuid("order", "any", str(number)), order.amount, order.status,
        None if order.cancelled is None else at(order.cancelled),
    )  # fmt: skip


async def _redeem(number: int, hour: int) -> None:
    await db.execute(
        "UPDATE claim SET redeemed_at = $2, order_id = $3 WHERE number = $1",
        number + 1, at(hour), external_uuid("order", "claimed", str(number)),
    )  # fmt: skip


@settings(suppress_health_check=SHARED)
@given(history=outreach(), seed=st.integers(0, 2**32))
async def test_changes_in_any_order_folded_at_any_time_come_to_what_plain_python_counts(
    place: Place, history: Outreach, seed: int
):
    shop = place.shops[0].id
    async with rolled_back():
        await place.store(begun(history))
        await go_on(place, history, Random(seed))
        found = await rows(shop)
        await metric_day.fold_all()
        folded = await rows(shop, "metric_day")
        waiting = await rows(shop, "(SELECT * FROM metric EXCEPT ALL SELECT * FROM metric_day) m")
        await metric_day.rebuild(shop)
        anew = await rows(shop, "metric_day")

    assert found == counted(place, facts(history))
    assert (folded, waiting, anew) == (found, Counter(), found)


async def send_one(place: Place) -> None:
    """A message of the first plan to ana, sent on the first of January."""
    await place.store(Outreach([Sent(0, "ana", "SENT", None, "CHAT", "en", 12, None, None)], []))


async def test_what_is_not_folded_is_seen_all_the_same(place: Place):
    await send_one(place)

    assert sum((await rows(place.shops[0].id)).values()) == 1
    assert await metric_day.is_due()
    assert await metric_day.fold() == 1
    assert not await metric_day.is_due()
    assert sum((await rows(place.shops[0].id)).values()) == 1


async def test_a_change_that_counts_for_nothing_leaves_nothing_to_fold(place: Place):
    await send_one(place)
    await metric_day.fold_all()
    await db.execute("UPDATE delivery SET attempt = attempt + 1")
    await db.execute("UPDATE delivery SET state = 'COMMITTING' WHERE state = 'PENDING'")

    assert not await metric_day.is_due()


async def test_what_bounced_and_was_tried_again_counts_once_on_the_day_it_went_at_last(database: None, clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    ana, ben, _ = await deliver(plan, 1)
    assert await days(shop.id) == {(date(2026, 1, 15), "sent"): 3}
    for customer in (ana, ben):
        await mail_report.take(Report(ReturnKey(plan.id, customer, ""), Outcome.FAILED, "5.2.2"))
    assert await advance.finish(plan.id)
    await plan.refresh_from_db()
    assert await days(shop.id) == {(date(2026, 1, 15), "sent"): 1}
    clock.move(timedelta(days=2))

    await plan.retry_failed(shop, include_unknown=False, deadline_after=DEADLINE)
    assert await days(shop.id) == {(date(2026, 1, 15), "sent"): 1}
    await deliver(plan, 2)

    assert await days(shop.id) == {(date(2026, 1, 15), "sent"): 1, (date(2026, 1, 17), "sent"): 2}


async def deliver(plan: Plan, number: int) -> list[UUID]:
    """Send what waits in a slice; to whom."""
    held, waiting = await hold(plan, number)
    assert await intent.commit([], waiting) == [each.attempt + 1 for each in waiting]
    await intent.commit([Settlement(each, each.attempt + 1, DeliveryState.SENT) for each in waiting], [])
    await slices.release(held)
    return [each.customer_id for each in waiting]


async def days(shop_id: int) -> dict[tuple[object, object], int]:
    """The shop's figures by day; the same whether changes are folded, or the days are made anew."""
    found = await rows(shop_id)
    await metric_day.fold_all()
    assert await rows(shop_id, "metric_day") == found
    await metric_day.rebuild(shop_id)
    assert await rows(shop_id, "metric_day") == found
    return {(key[0], key[-1]): amount for key, amount in found.items()}


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


def parts_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's nodes."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from parts_of(part)


@pytest.fixture
def explained(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """How PostgreSQL finds the days to take away with as little memory as it can have, beside their being run."""
    plans: list[dict[str, Any]] = []
    run = db.execute

    async def explain_and_run(sql: str, *arguments: Any) -> int:
        if "gone AS" in sql:
            await run("SET LOCAL work_mem = '64kB'")
            plan = json.loads(await db.fetch_value(f"EXPLAIN (FORMAT JSON) {sql}", *arguments))[0]["Plan"]
            plans.extend(part for part in parts_of(plan) if part.get("Subplan Name") == "CTE gone")
        return await run(sql, *arguments)

    monkeypatch.setattr(db, "execute", explain_and_run)
    return plans


async def test_making_days_anew_holds_no_old_row_against_all_new_ones_however_little_memory_there_is(
    place: Place, explained: list[dict[str, Any]]
):
    shop = await store_messages(place, 5_000)

    await metric_day.rebuild(shop)

    [gone] = explained
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


YESTERDAYS = Outreach(
    sent=[
        Sent(0, "ana", "SENT", None, "CHAT", "en", 10, 11, None),
        Sent(1, "ben", "SENT", None, "EMAIL", "es", 10, None, None),
    ],
    bought=[Bought(0, "ana", 12, 0, 500, "PLACED", None, PRODUCTS[:1])],
    claimed=[Claimed(0, "ana", 11, None)],
)
LATE_CHANGES = {
    "an order is cancelled": (
        "UPDATE orders SET status = 'CANCELLED', cancelled_at = $1", 90, {"orders": -1, "gmv": -500}
    ),
    "an order is corrected": ("UPDATE orders SET amount = 700 WHERE $1::timestamptz > ordered_at", 90, {"gmv": 200}),
    "a message bounces": (
        "UPDATE delivery SET state = 'FAILED', sent_at = NULL WHERE channel = 'EMAIL' AND $1::timestamptz > sent_at",
        90, {"sent": -1},
    ),
    "a message is read": ("UPDATE delivery SET read_at = $1 WHERE channel = 'EMAIL'", 90, {"read": 1}),
    "a machine reads": ("UPDATE delivery SET machine_read_at = $1 WHERE channel = 'EMAIL'", 90, {"machine_read": 1}),
    "a machine reads what was read": ("UPDATE delivery SET machine_read_at = $1 WHERE channel = 'CHAT'", 90, {}),
    "a claim is redeemed": (
        "UPDATE claim SET redeemed_at = $1, order_id = (SELECT id FROM orders)", 90, {"redeemed": 1}
    ),
}  # fmt: skip
"""What may happen days later, and what it adds to the whole messages' figures."""


@pytest.mark.parametrize("change", LATE_CHANGES)
async def test_what_happens_days_later_is_counted_on_the_day_it_belongs_to(place: Place, change: str):
    statement, hour, expected = LATE_CHANGES[change]
    shop = place.shops[0].id
    await place.store(YESTERDAYS)
    await metric_day.fold_all()
    before = await sums(shop)
    await db.execute(statement, at(hour))
    after = await sums(shop)
    await metric_day.rebuild(shop)

    assert {fact: after[fact] - before[fact] for fact in FACTS if after[fact] != before[fact]} == expected
    assert await sums(shop) == after


async def sums(shop_id: int) -> dict[str, int]:
    """The figures of the shop's whole messages."""
    found = dict.fromkeys(FACTS, 0)
    for (*_, product, fact), amount in (await rows(shop_id)).items():
        if product == metric_day.WHOLE:
            found[str(fact)] += amount
    return found


async def test_who_leaves_again_and_again_after_a_plan_counts_once_on_the_day_they_first_did(place: Place):
    shop, plan, other = place.shops[0], place.plans[0], place.plans[1]
    [ana, ben] = await make_customers(shop, 2)

    async def leave(customer: UUID, channel: str, day: int, plan_id: int | None = plan.id) -> None:
        await db.execute(
            "INSERT INTO unsubscription (customer_id, shop_id, channel, happened_at, plan_id) VALUES ($1, $2, $3, $4, $5)",
            customer, shop.id, channel, at(24 * day), plan_id,
        )  # fmt: skip

    async def days() -> dict[tuple[object, object], int]:
        """How many left on which day after which plan: the same however it came about."""
        noted = await rows(shop.id)
        assert noted == await anew(shop.id)
        return {(key[0], key[1]): amount for key, amount in noted.items() if key[-1] == "unsubscribed"}

    day = {number: at(24 * number).astimezone(ZoneInfo("America/St_Johns")).date() for number in range(9)}

    await leave(ana, "EMAIL", 3)
    assert await days() == {(day[3], plan.id): 1}
    await leave(ana, "CHAT", 3)
    await leave(ana, "EMAIL", 5)
    await leave(ana, "EMAIL", 6, None)
    assert await days() == {(day[3], plan.id): 1}
    await leave(ben, "CHAT", 5)
    await leave(ana, "CHAT", 6, other.id)
    assert await days() == {(day[3], plan.id): 1, (day[5], plan.id): 1, (day[6], other.id): 1}
    await leave(ben, "EMAIL", 4)
    expected = {(day[3], plan.id): 1, (day[4], plan.id): 1, (day[6], other.id): 1}
    assert await days() == expected

    await metric_day.fold_all()
    assert await days() == expected
    await metric_day.rebuild(shop.id)
    assert await days() == expected
    assert [figures.unsubscribed for figures in await of_plans([plan.id, other.id]) if figures] == [2, 1]

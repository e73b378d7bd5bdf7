"""Trying again what failed: without quota, with consent and limits asked afresh, and unknown ones only on request."""

from collections.abc import Awaitable, Callable
from datetime import time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from models import consent, intent, quiet_hours
from models import database as db
from models import slice as slices
from models.clock import Clock, now
from models.delivery import DeliveryState
from models.errors import Refused
from models.mail.letter import message_id
from models.plan import Plan, PlanChannel, PlanStatus, advance, retry
from models.progress import progress
from models.quiet_hours import Hours, QuietHours
from models.shop import Shop
from models.slice import Waiting
from tests import oracle
from tests.factories import DEADLINE, make_customers, make_draft, make_resolved, make_shop
from tests.slices import hold, settled

pytestmark = pytest.mark.usefixtures("database")


async def sent_plan(count: int = 4, **columns: Any) -> tuple[Shop, Plan, list[UUID]]:
    """A plan that is SENT, at its first try of each message."""
    shop = await make_shop()
    customers = await make_customers(shop, count, **columns)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await load(plan)
    await db.execute("UPDATE delivery SET state = 'SENT', attempt = 1, sent_at = $1", now())
    await db.execute("UPDATE slice SET done_at = $1, worker_id = NULL, token = NULL", now())
    assert await advance.finish(plan.id)
    await plan.refresh_from_db()
    return shop, plan, customers


async def load(plan: Plan, number: int = 1) -> list[Waiting]:
    _, waiting = await hold(plan, number)
    return waiting


async def fail(customer: UUID, state: str = "FAILED", reason: str = "5.6.0") -> None:
    """What became of a message: refused, which gives its contact back, or unknown, which does not."""
    await db.execute(
        "UPDATE delivery SET state = $2, reason = $3, sent_at = NULL WHERE customer_id = $1", customer, state, reason
    )
    if state == "FAILED":
        await db.execute("UPDATE delivery SET contact_day = NULL WHERE customer_id = $1", customer)
        await db.execute("DELETE FROM contact WHERE customer_id = $1", customer)


async def refuse(plan: Plan, state: DeliveryState) -> None:
    """The relay refuses the only message that a retry has: for now (PENDING) or for good (FAILED)."""
    held, (message,) = await hold(plan, 2)
    await intent.commit([], [message])
    await intent.commit([settled(message, state, reason="4.2.1" if state is DeliveryState.PENDING else "5.6.0")], [])
    await slices.release(held)


async def retried(shop: Shop, plan: Plan, *, include_unknown: bool = False) -> Plan:
    return await plan.retry_failed(shop, include_unknown=include_unknown, deadline_after=DEADLINE)


async def everything() -> list[str]:
    """All rows that a retry could change."""
    return [
        row[0]
        for table in ("plan", "delivery", "slice", "contact", "plan_history", "quota_week")
        for row in await db.fetch(f"SELECT t::text FROM {table} t ORDER BY 1")
    ]


async def test_only_what_failed_waits_again_with_its_tries_kept_and_a_new_deadline_and_no_quota(clock: Clock):
    shop, plan, (failed, *_) = await sent_plan()
    await fail(failed)
    used = await db.fetch_value("SELECT used FROM quota_week")
    clock.move(timedelta(hours=80))

    await retried(shop, plan)

    assert (plan.status, plan.deadline, plan.finished_at) == (PlanStatus.ONGOING, now() + DEADLINE, None)
    rows = await db.fetch("SELECT customer_id, attempt, slice, may_repeat FROM delivery WHERE state = 'PENDING'")
    assert [tuple(row) for row in rows] == [(failed, 1, 2, False)]
    assert await db.fetch_value("SELECT sum(used) FROM quota_week") == used
    (message,) = await load(plan, 2)
    assert (message.customer_id, message.attempt) == (failed, 1)
    await oracle.check_contacts()


async def test_a_retried_plan_is_sent_once_more_and_can_be_retried_again():
    shop, plan, (failed, *_) = await sent_plan()
    await fail(failed)
    for number in (2, 3):
        await retried(shop, plan)
        await load(plan, number)
        await fail(failed)
        await db.execute("UPDATE slice SET done_at = $1, worker_id = NULL, token = NULL", now())
        assert await advance.finish(plan.id)
        await plan.refresh_from_db()

    actions = await db.fetch("SELECT action FROM plan_history ORDER BY id")
    assert [row[0] for row in actions] == ["CREATE", "SUBMIT", "FINISH", "RETRY", "FINISH", "RETRY", "FINISH"]


async def test_what_may_have_arrived_comes_along_only_on_request_marked_and_under_the_same_message_id():
    shop, plan, (failed, unknown, *_) = await sent_plan()
    first = next(each for each in await messages_of(plan) if each.customer_id == unknown)
    await fail(failed)
    await fail(unknown, "UNKNOWN", "CONNECTION_LOST")

    await retried(shop, plan)
    assert await db.fetch_value("SELECT state::text FROM delivery WHERE customer_id = $1", unknown) == "UNKNOWN"
    await load(plan, 2)
    await db.execute("UPDATE delivery SET state = 'SENT' WHERE state = 'PENDING'")
    await db.execute("UPDATE slice SET done_at = $1, worker_id = NULL, token = NULL", now())
    assert await advance.finish(plan.id)
    await retried(shop, plan, include_unknown=True)

    (message,) = await load(plan, 3)
    assert message.customer_id == unknown
    assert message_id(message, "example.com") == message_id(first, "example.com")
    told = await progress(plan.id)
    assert told is not None and told.may_repeat == 1
    await oracle.check_contacts()


async def messages_of(plan: Plan) -> list[Waiting]:
    return [
        Waiting(plan.id, row["customer_id"], "", 1, uuid4(), 1, "en", now().date(), now(), None, None)
        for row in await db.fetch("SELECT customer_id FROM delivery")
    ]


async def test_consent_and_the_contact_limit_are_asked_afresh():
    shop, plan, (left, full, free, _) = await sent_plan()
    for customer in (left, full, free):
        await fail(customer)
    await consent.unsubscribe(shop.id, left, source="mail")
    await db.execute(
        "INSERT INTO contact SELECT $1, $2, slot, 0, '' FROM generate_series(1, 2) slot", full, now().date()
    )

    await retried(shop, plan)
    gone = await load(plan, 2)

    assert [message.customer_id for message in gone] == [free]
    rows = await db.fetch(
        "SELECT customer_id, state::text, reason FROM delivery WHERE customer_id = ANY($1)", [left, full]
    )
    assert {tuple(row) for row in rows} == {(left, "SUPPRESSED", "NO_CONSENT"), (full, "PENDING", "CONTACT_LIMIT")}


async def test_an_unknown_message_of_an_earlier_day_takes_a_contact_of_the_day_it_goes(clock: Clock):
    shop, plan, (unknown, *_) = await sent_plan()
    await fail(unknown, "UNKNOWN", "WORKER_LOST")
    clock.move(timedelta(days=1))

    await retried(shop, plan, include_unknown=True)
    await load(plan, 2)

    rows = await db.fetch("SELECT day FROM contact WHERE customer_id = $1", unknown)
    assert [row["day"] for row in rows] == [now().date()]


async def test_an_unknown_message_that_does_not_leave_again_keeps_the_contact_of_the_day_it_may_have_arrived():
    shop, plan, (unknown, *_) = await sent_plan()
    await fail(unknown, "UNKNOWN", "WORKER_LOST")
    await retried(shop, plan, include_unknown=True)
    await load(plan, 2)

    await db.execute("UPDATE worker SET lease_until = clock_timestamp()")
    assert await slices.give_up_lost() == [(plan.id, 2)]

    assert await db.fetch_value("SELECT count(*) FROM contact WHERE customer_id = $1", unknown) == 1
    await oracle.check_contacts()
    assert [message.customer_id for message in await load(plan, 2)] == [unknown]


async def cancelled(shop: Shop, plan: Plan, customer: UUID) -> None:
    await plan.cancel()


async def unsubscribed(shop: Shop, plan: Plan, customer: UUID) -> None:
    await consent.unsubscribe(shop.id, customer, source="mail")


async def unsubscribed_before_its_slice_is_loaded(shop: Shop, plan: Plan, customer: UUID) -> None:
    await db.execute("UPDATE relationship SET email_consent = 'UNSUBSCRIBED' WHERE customer_id = $1", customer)
    assert await load(plan, 2) == []


async def put_off_by_quiet_hours(shop: Shop, plan: Plan, customer: UUID) -> None:
    hour = now().hour
    await quiet_hours.change(shop, QuietHours(Hours(time(hour), time((hour + 2) % 24))))
    assert await load(plan, 2) == []


async def refused_for_good(shop: Shop, plan: Plan, customer: UUID) -> None:
    await settle(plan, DeliveryState.FAILED)


async def refused_for_now(shop: Shop, plan: Plan, customer: UUID) -> None:
    await settle(plan, DeliveryState.PENDING)


async def settle(plan: Plan, state: DeliveryState) -> None:
    """What became of the only message of the plan's second slice, on the wire."""
    (message,) = await load(plan, 2)
    (attempt,) = await intent.commit([], [message])
    assert attempt == message.attempt + 1
    await intent.commit([settled(message, state, reason="4.2.2")], [])


@pytest.mark.parametrize(
    "end",
    [
        cancelled,
        unsubscribed,
        unsubscribed_before_its_slice_is_loaded,
        put_off_by_quiet_hours,
        refused_for_good,
        refused_for_now,
    ],
)
async def test_what_may_have_arrived_keeps_the_contact_of_its_day_whatever_becomes_of_the_next_try(
    end: Callable[[Shop, Plan, UUID], Awaitable[None]],
):
    shop, plan, (unknown, *_) = await sent_plan(1)
    await fail(unknown, "UNKNOWN", "CONNECTION_LOST")
    await retried(shop, plan, include_unknown=True)

    await end(shop, plan, unknown)

    assert await db.fetch_value("SELECT count(*) FROM contact WHERE customer_id = $1", unknown) == 1
    assert await db.fetch_value("SELECT contact_day FROM delivery") == now().date()
    await oracle.check_contacts()


async def test_what_may_have_arrived_and_waits_for_another_day_has_a_contact_of_that_day_alone(clock: Clock):
    shop, plan, (unknown, *_) = await sent_plan(1)
    await fail(unknown, "UNKNOWN", "CONNECTION_LOST")
    await retried(shop, plan, include_unknown=True)
    await put_off_by_quiet_hours(shop, plan, unknown)
    await db.execute("UPDATE slice SET worker_id = NULL, token = NULL")
    clock.move(timedelta(days=1, hours=3))

    assert len(await load(plan, 2)) == 1

    days = await db.fetch("SELECT day FROM contact WHERE customer_id = $1", unknown)
    assert [row["day"] for row in days] == [now().date()]


async def test_a_plan_without_failures_is_refused_and_unchanged():
    shop, plan, (unknown, *_) = await sent_plan()
    await fail(unknown, "UNKNOWN", "WORKER_LOST")
    before = await everything()

    with pytest.raises(Refused, match="failed"):
        await retried(shop, plan)

    assert await everything() == before


async def test_only_a_sent_plan_is_retried():
    shop = await make_shop()
    await make_customers(shop, 2)
    plan, draft = await make_resolved(shop, channel=PlanChannel.EMAIL), await make_draft(shop)
    await db.execute("UPDATE delivery SET state = 'FAILED', reason = '5.6.0'")
    before = await everything()

    for each in (plan, draft):
        with pytest.raises(Refused, match="Cannot retry"):
            await retried(shop, each)

    assert await everything() == before


async def test_of_very_many_a_retry_takes_those_with_the_fewest_tries_and_the_next_retry_the_rest(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(retry, "MOST", 2)
    shop, plan, customers = await sent_plan(3)
    for customer in customers:
        await fail(customer)
    await db.execute("UPDATE delivery SET attempt = 2 WHERE customer_id = $1", min(customers))

    await retried(shop, plan)

    tried_once = sorted(customers)[1:]
    assert await waiting_customers() == tried_once
    await load(plan, 2)
    await db.execute("UPDATE delivery SET state = 'FAILED', attempt = 3, reason = '5.6.0' WHERE state = 'PENDING'")
    await db.execute("UPDATE slice SET done_at = $1, worker_id = NULL, token = NULL", now())
    assert await advance.finish(plan.id)
    await plan.refresh_from_db()
    await retried(shop, plan)
    assert await waiting_customers() == sorted([min(customers), min(tried_once)])


async def waiting_customers() -> list[UUID]:
    rows = await db.fetch("SELECT customer_id FROM delivery WHERE state = 'PENDING' ORDER BY customer_id")
    return [row["customer_id"] for row in rows]


async def test_a_frozen_shop_retries_nothing():
    shop, plan, (failed, *_) = await sent_plan()
    await fail(failed)
    await db.execute("UPDATE shop SET score = 3.2")
    before = await everything()

    with pytest.raises(Refused, match="FROZEN"):
        await retried(shop, plan)

    assert await everything() == before


async def test_a_cancelled_retry_gives_no_quota_back_since_messages_left():
    shop, plan, (failed, *_) = await sent_plan()
    await fail(failed)
    await retried(shop, plan)

    await plan.cancel()

    assert plan.status is PlanStatus.CANCELLED
    assert await db.fetch_value("SELECT used FROM quota_week") == 1


@pytest.mark.parametrize("answer", [None, DeliveryState.PENDING, DeliveryState.FAILED])
async def test_a_cancelled_retry_of_all_that_may_have_arrived_gives_no_quota_back(answer: DeliveryState | None):
    shop, plan, (unknown,) = await sent_plan(1)
    await fail(unknown, "UNKNOWN", "CONNECTION_LOST")
    await retried(shop, plan, include_unknown=True)
    if answer:
        await refuse(plan, answer)

    await plan.cancel()

    assert plan.status is PlanStatus.CANCELLED
    assert await db.fetch_value("SELECT used FROM quota_week") == 1


@pytest.mark.parametrize("answer", [DeliveryState.PENDING, DeliveryState.FAILED])
async def test_a_mail_that_came_back_had_left_whatever_becomes_of_its_next_try(answer: DeliveryState):
    shop, plan, (returned,) = await sent_plan(1)
    left_at = now()
    await db.execute("UPDATE delivery SET state = 'FAILED', reason = '5.6.0', contact_day = NULL")
    await db.execute("DELETE FROM contact")
    await retried(shop, plan)
    await refuse(plan, answer)

    await plan.cancel()

    assert await db.fetch_value("SELECT sent_at FROM delivery WHERE customer_id = $1", returned) == left_at
    assert plan.status is PlanStatus.CANCELLED
    assert await db.fetch_value("SELECT used FROM quota_week") == 1


async def test_a_cancelled_retry_of_what_never_left_gives_its_place_back():
    shop, plan, (failed,) = await sent_plan(1)
    await fail(failed)
    await retried(shop, plan)
    await refuse(plan, DeliveryState.PENDING)

    await plan.cancel()

    assert plan.status is PlanStatus.CANCELLED
    assert await db.fetch_value("SELECT used FROM quota_week") == 0

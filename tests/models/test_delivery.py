"""The ledger's states: each counts as itself, all of them are the recipients, and what has ended stays so."""

from datetime import timedelta
from itertools import groupby
from uuid import UUID, uuid4

import pytest

from models import consent, delivery, intent, mail_report, touch, worker
from models import database as db
from models import slice as slices
from models.clock import Clock, now
from models.delivery import DeliveryState
from models.intent import Settlement
from models.mail.report import Outcome, Report
from models.mail.return_path import ReturnKey
from models.plan import Plan, PlanChannel, PlanStatus, advance
from models.progress import progress
from models.shop import Shop
from models.signed_link import Link
from models.slice import Waiting
from models.touch.machine import TouchKind, Visit
from tests.factories import DEADLINE, make_customers, make_resolved, make_shop

pytestmark = pytest.mark.usefixtures("database")

REASONS = {
    DeliveryState.PENDING: "CONTACT_LIMIT",
    DeliveryState.COMMITTING: None,
    DeliveryState.SENT: None,
    DeliveryState.FAILED: "5.6.0",
    DeliveryState.UNKNOWN: "WORKER_LOST",
    DeliveryState.SUPPRESSED: "NO_CONSENT",
    DeliveryState.EXPIRED: "DEADLINE",
    DeliveryState.CANCELLED: None,
    DeliveryState.HELD_OUT: "HOLDOUT",
    DeliveryState.REASON_GONE: "OCCASION_OVER",
}
ENDED = {
    DeliveryState.SUPPRESSED, DeliveryState.EXPIRED, DeliveryState.CANCELLED, DeliveryState.HELD_OUT,
    DeliveryState.REASON_GONE,
}  # fmt: skip
"""Nothing leads out of these."""

Ledger = tuple[Shop, Plan, dict[DeliveryState, UUID]]


@pytest.fixture
async def ledger(database: None) -> Ledger:
    """A plan of mails with one recipient in each state, after a first try."""
    shop = await make_shop()
    customers = await make_customers(shop, len(DeliveryState))
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    people = dict(zip(DeliveryState, customers, strict=True))
    await worker.register(owner := uuid4(), "test", timedelta(hours=1))
    await db.execute("UPDATE slice SET worker_id = $1", owner)
    for state, customer in people.items():
        await db.execute(
            "UPDATE delivery SET state = $2::text::delivery_state, reason = $3, attempt = 1,"
            " sent_at = CASE WHEN $2 = 'SENT' THEN $4::timestamptz END WHERE customer_id = $1",
            customer, state.value, REASONS[state], now(),
        )  # fmt: skip
    return shop, plan, people


async def test_every_state_counts_as_itself_and_all_of_them_are_the_recipients(ledger: Ledger):
    _, plan, people = ledger

    told = await progress(plan.id)

    assert told is not None and told.recipients == len(people)
    assert {state: told.total(state) for state in DeliveryState} == dict.fromkeys(DeliveryState, 1)
    assert told.by_reason() == {(state, reason): 1 for state, reason in REASONS.items() if reason is not None}


async def rows(people: dict[DeliveryState, UUID]) -> list[tuple[object, ...]]:
    """The rows of those whose message has ended."""
    found = await db.fetch(
        "SELECT customer_id, state, reason, attempt, not_before, sent_at, read_at, slice FROM delivery"
        " WHERE customer_id = ANY($1::uuid[]) ORDER BY customer_id",
        [people[state] for state in ENDED],
    )
    return [tuple(row) for row in found]


async def test_what_has_ended_stays_as_it_ended_whatever_comes(ledger: Ledger, clock: Clock):
    shop, plan, people = ledger
    before = await rows(people)

    for customer in people.values():
        await late(plan, customer)
        for outcome in Outcome:
            await mail_report.take(Report(ReturnKey(plan.id, customer, ""), outcome, "5.1.1"))
        visit = Visit(now(), "GET", {"user-agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"}, "203.0.113.7")
        await touch.note(Link(shop.id, plan.id, customer), TouchKind.OPEN, visit)
        await consent.unsubscribe(shop.id, customer, source="mail")
    await db.execute("UPDATE slice SET worker_id = NULL")
    clock.move(DEADLINE)
    await delivery.expire(plan.id, now())
    assert await advance.finish(plan.id)
    await plan.refresh_from_db()
    await plan.retry_failed(shop, include_unknown=True, deadline_after=DEADLINE)
    assert await rows(people) == before

    await plan.cancel()

    assert plan.status is PlanStatus.CANCELLED
    assert await rows(people) == before


async def late(plan: Plan, customer: UUID) -> None:
    """An answer to the first try that comes now, and comes twice."""
    message = Waiting(plan.id, customer, "", 1, uuid4(), 1, "en", now().date(), now(), None, None)
    for state in (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.PENDING):
        for is_intended in (True, False):
            await intent.commit([Settlement(message, 1, state, "4.2.1", intended=is_intended)], [])


async def test_a_plan_of_many_slices_expires_some_at_a_time_so_that_a_stop_of_all_sending_can_come_between(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(slices, "SLICE_SIZE", 2)
    monkeypatch.setattr(delivery, "ENDED_AT_ONCE", 2)
    shop = await make_shop()
    await make_customers(shop, 10)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    assert await delivery.expire(plan.id, now()) == 0
    clock.move(DEADLINE)

    assert await delivery.expire(plan.id, now()) == 10

    found = await db.fetch("SELECT state, reason, xmin::text AS written_by, slice FROM delivery ORDER BY slice")
    assert {(row["state"], row["reason"]) for row in found} == {("EXPIRED", "DEADLINE")}
    at_once = [[row["slice"] for row in rows] for _, rows in groupby(found, lambda row: row["written_by"])]
    assert at_once == [[1, 1, 2, 2], [3, 3, 4, 4], [5, 5]]
    assert await db.fetch_value("SELECT bool_and(done_at IS NOT NULL) FROM slice")


@pytest.mark.parametrize("status", [PlanStatus.PAUSED, PlanStatus.CANCELLING])
async def test_nothing_expires_of_a_plan_that_was_paused_or_cancelled_since_it_was_found_running(
    status: PlanStatus, clock: Clock
):
    shop = await make_shop()
    await make_customers(shop, 2)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await db.execute("UPDATE plan SET status = $1::text::plan_status", status.value)
    clock.move(DEADLINE)

    assert await delivery.expire(plan.id, now()) == 0

    assert (await db.fetch("SELECT DISTINCT state::text FROM delivery"))[0]["state"] == "PENDING"
    assert await db.fetch_value("SELECT bool_and(done_at IS NULL) FROM slice")

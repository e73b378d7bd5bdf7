"""Cancels, unsubscriptions and rival plans against workers at full speed: an answer, once given, holds."""

import asyncio
import time
from collections.abc import Awaitable
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from models import consent, delivery, sending
from models import database as db
from models.errors import Refused
from models.plan import Plan, PlanChannel, PlanStatus
from models.shop import Shop
from tests.conftest import NOON
from tests.factories import DEADLINE, make_customers, make_draft, make_shop
from tests.faults.rig import FULL, Rig, until

Made = tuple[Shop, Plan, list[UUID]]
"""A shop, its plan and its customers."""

WORKERS = 8 if FULL else 3


@pytest.mark.timeout(600)
async def test_what_was_cancelled_or_unsubscribed_gets_nothing_after_the_answer(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(delivery, "ENDED_AT_ONCE", 1)  # whoever cancels withdraws one slice of four, workers the rest
    rig.slice_size = 3
    count = 1_000 if FULL else 40
    plans = [await _plan(f"shop{number}", 12) for number in range(count)]
    rig.sink.delay = 0.05
    for _ in range(WORKERS):
        rig.start()
    answers: dict[str, int] = {}

    await asyncio.gather(
        *(_once_begun(rig, plan, _cancel(plan, answers)) for plan in plans[::2]),
        *(_once_begun(rig, plan, _unsubscribe(plan, answers)) for plan in plans[1::2]),
    )
    await rig.until_finished(*(plan for _, plan, _ in plans))
    await rig.stop_all()

    late = [
        message
        for message in rig.sink.accepted()
        if (answer := answers.get(message.message_id.split("@")[0])) is not None and message.at > answer
    ]
    assert late == [], "something was accepted after the answer that it would not be sent"
    verdict = await rig.check(count * 12)
    assert verdict.states["UNKNOWN"] == 0
    assert verdict.states["CANCELLED"] > 0 and verdict.states["SUPPRESSED"] > 0


async def _plan(name: str, recipients: int) -> Made:
    shop = await make_shop(name)
    customers = await make_customers(shop, recipients, prefix=f"{name}-")
    plan = await make_draft(shop, channel=PlanChannel.EMAIL)
    return shop, await plan.submit(shop, send_at=None, deadline_after=DEADLINE), customers


async def _once_begun(rig: Rig, made: Made, work: Awaitable[None]) -> None:
    """Do something to a plan as soon as the first of its mails was accepted."""
    await until(lambda: _is(rig.sink.names[made[0].external_id] > 0))
    await work


async def _is(value: bool) -> bool:
    return value


async def _cancel(made: Made, answers: dict[str, int]) -> None:
    """Cancel a plan; the answer is the one that says CANCELLED, for all its recipients. SENT plans have no such answer."""
    _, plan, customers = made
    try:
        await plan.cancel()
    except Refused:  # it was sent already
        return
    while plan.status is not PlanStatus.CANCELLED:
        await asyncio.sleep(0.05)
        await plan.refresh_from_db()
    at = time.time_ns()
    answers.update({f"{plan.id}.{customer.hex}": at for customer in customers})


async def _unsubscribe(made: Made, answers: dict[str, int]) -> None:
    """Unsubscribe two of a plan's customers, as the link in a mail does."""
    shop, plan, customers = made
    for customer in customers[:2]:
        await consent.unsubscribe(shop.id, customer, source="mail", plan_id=plan.id)
        assert await consent.until_no_mail_in_flight(shop.id, customer, within=timedelta(seconds=60))
        answers[f"{plan.id}.{customer.hex}"] = time.time_ns()


@pytest.mark.timeout(300)
async def test_nothing_is_accepted_while_all_sending_is_stopped_and_everything_afterwards(rig: Rig):
    recipients = 6_000 if FULL else 400
    plan = await rig.mail_plan(recipients)
    rig.sink.delay = 0.02
    for _ in range(WORKERS):
        rig.start()
    for _ in range(4 if FULL else 2):
        await until(partial(_has_accepted, rig, rig.sink.stored + 50))
        await sending.stop("a drill", actor="test")
        await until(_wire_is_quiet)
        before = rig.sink.stored
        await asyncio.sleep(2)  # four sweeps
        assert rig.sink.stored == before
        await sending.resume(actor="test")
    rig.sink.delay = 0
    await rig.until_finished(plan)
    await rig.stop_all()

    assert (await rig.check(recipients)).states == {"SENT": recipients}


async def _has_accepted(rig: Rig, count: int) -> bool:
    return rig.sink.stored >= count


async def _wire_is_quiet() -> bool:
    return (await sending.read()).in_flight == 0


@pytest.mark.timeout(600)
async def test_rival_plans_keep_to_two_messages_a_day_and_the_third_goes_the_next(rig: Rig):
    recipients = 10_000 if FULL else 300
    shop = await make_shop()
    await make_customers(shop, recipients)
    drafts = [await make_draft(shop, channel=PlanChannel.EMAIL) for _ in range(3)]
    plans = [await draft.submit(shop, send_at=None, deadline_after=DEADLINE) for draft in drafts]
    for _ in range(WORKERS):
        rig.start()

    await until(lambda: _sent(2 * recipients))
    await until(_nobody_works)
    await rig.stop_all()
    verdict = await rig.check(3 * recipients)
    assert verdict.states == {"SENT": 2 * recipients, "PENDING": recipients}
    held_back = await db.fetch_value("SELECT count(*) FROM delivery WHERE reason = 'CONTACT_LIMIT'")
    assert held_back == recipients
    for _ in range(WORKERS):
        rig.start(CLOCK="2026-01-16T12:00:00Z")
    await rig.until_finished(*plans)
    await rig.stop_all()

    assert (await rig.check(3 * recipients)).states == {"SENT": 3 * recipients}


async def _sent(count: int) -> bool:
    return bool(await db.fetch_value("SELECT count(*) >= $1 FROM delivery WHERE state = 'SENT'", count))


async def _nobody_works() -> bool:
    return bool(
        await db.fetch_value("SELECT count(*) = 0 FROM slice WHERE worker_id IS NOT NULL OR due_at <= $1", NOON)
    )

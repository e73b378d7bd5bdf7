"""What is under way when somebody is erased, a message, a batch of rows, an audience, is waited for and forgets them too."""

from datetime import timedelta

import pytest
from asyncpg import RaiseError

from models import consent, database, erasure, intent, mail_report, touch, trial
from models import slice as slices
from models.clock import now
from models.delivery import DeliveryState, Reason
from models.errors import ErrorCode
from models.identifier import customer_id
from models.mail.report import Outcome, Report
from models.mail.return_path import ReturnKey
from models.plan import Plan, PlanChannel, advance
from models.signed_link import Link
from models.touch.machine import TouchKind, Visit
from models.trigger.fire import fire
from tests import oracle
from tests.automation import LIFE, Life, make_automated
from tests.bugs import MESSAGE, bug_at
from tests.factories import make_customers, make_draft, make_resolved, make_shop
from tests.known_person import ID, SECRET, erase, ingested, profile
from tests.outside import Outside
from tests.refusals import refusal
from tests.slices import hand_over, hold, settled
from tests.waiting import until_a_lock_is_waited_for

pytestmark = pytest.mark.usefixtures("database")


async def test_what_waits_is_withdrawn_and_what_is_in_flight_is_awaited():
    shop = await make_shop()
    await make_customers(shop, 2)
    flying = await make_resolved(shop, channel=PlanChannel.EMAIL)
    settlements = await hand_over(flying, None)
    waiting = await make_resolved(shop, channel=PlanChannel.EMAIL)

    asked = await erase("c0")

    assert asked.done_at is None and await erasure.is_waiting()
    assert (
        await database.fetch_value(
            "SELECT reason FROM delivery WHERE plan_id = $1 AND customer_id = $2", waiting.id, customer_id("c0")
        )
        == Reason.ERASED
    )
    assert await erasure.finish_waiting() == 0
    assert not await database.fetch_value(
        "SELECT EXISTS (SELECT FROM relationship WHERE customer_id = $1)", customer_id("c0")
    )

    await intent.commit(settlements, [])
    assert await erasure.finish_waiting() == 1
    assert not await erasure.is_waiting()
    assert {(each.state, each.count) for each in await oracle.breakdown(flying.id)} == {(DeliveryState.SENT, 2)}
    assert not await database.fetch_value(
        "SELECT EXISTS (SELECT FROM delivery WHERE customer_id = $1)", customer_id("c0")
    )


async def test_who_cannot_be_erased_yet_for_a_bug_keeps_nobody_else_from_it():
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    settlements = await hand_over(plan, None)
    for number in range(3):
        await erase(f"c{number}")
    await intent.commit(settlements, [])
    async with bug_at("erasure", f"OLD.customer_id = '{customer_id('c1')}'"):
        with pytest.raises(RaiseError, match=MESSAGE):
            await erasure.finish_waiting()

    waiting = await database.fetch("SELECT customer_id FROM erasure WHERE done_at IS NULL")
    assert [row["customer_id"] for row in waiting] == [customer_id("c1")]
    assert await erasure.finish_waiting() == 1


async def test_what_failed_is_not_tried_again_for_nobody():
    shop = await make_shop()
    await make_customers(shop, 2)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await hand_over(plan, DeliveryState.FAILED)
    await database.execute("UPDATE slice SET worker_id = NULL, token = NULL, done_at = $1", now())
    assert await advance.finish(plan.id)
    await erase("c0")

    plan = await Plan.get(id=plan.id)
    await plan.retry_failed(shop, include_unknown=True, deadline_after=timedelta(hours=72))

    states = {(each.state, each.count) for each in await oracle.breakdown(plan.id)}
    assert states == {(DeliveryState.FAILED, 1), (DeliveryState.PENDING, 1)}


async def test_what_was_in_flight_and_is_refused_for_now_is_withdrawn_too_so_that_its_plan_ends():
    shop = await make_shop()
    await make_customers(shop, 1)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    held, [message] = await hold(plan)
    assert await intent.commit([], [message]) == [1]
    assert (await erase("c0")).done_at is None
    await intent.commit([settled(message, DeliveryState.PENDING, reason="4.2.1", not_before=now() + LIFE)], [])

    assert await erasure.finish_waiting() == 1

    assert {(each.state, each.reason, each.count) for each in await oracle.breakdown(plan.id)} == {
        (DeliveryState.SUPPRESSED, Reason.ERASED, 1)
    }
    await slices.release(held)
    assert await advance.finish(plan.id)


async def test_what_is_tried_again_while_an_erasing_waits_for_another_message_is_withdrawn_too():
    shop = await make_shop()
    await make_customers(shop, 1)
    failed = await make_resolved(shop, channel=PlanChannel.EMAIL)
    held, [message] = await hold(failed)
    await intent.commit([], [message])
    await intent.commit([settled(message, DeliveryState.FAILED, reason="5.3.4")], [])
    await slices.release(held)
    assert await advance.finish(failed.id)
    settlements = await hand_over(await make_resolved(shop, channel=PlanChannel.EMAIL), None)
    assert (await erase("c0")).done_at is None
    failed = await Plan.get(id=failed.id)
    await failed.retry_failed(shop, include_unknown=False, deadline_after=LIFE)
    await intent.commit(settlements, [])

    assert await erasure.finish_waiting() == 1

    assert {(each.state, each.reason, each.count) for each in await oracle.breakdown(failed.id)} == {
        (DeliveryState.SUPPRESSED, Reason.ERASED, 1)
    }


async def test_rows_that_are_being_written_are_waited_for():
    shop = await make_shop()
    await ingested(shop, profile())
    outside = Outside()
    async with database.transaction():
        assert await erasure.among(lambda: [ID], secret=SECRET) == ()
        erasing = outside.begin(erase())
        await until_a_lock_is_waited_for()
        assert not erasing.done()
        await database.execute("INSERT INTO relationship (shop_id, customer_id) VALUES ($1, $2)"
                               " ON CONFLICT DO NOTHING", shop.id, ID)  # fmt: skip
    assert (await erasing).done_at is not None
    assert not await database.fetch_value("SELECT EXISTS (SELECT FROM relationship WHERE customer_id = $1)", ID)


async def test_an_audience_that_is_being_resolved_is_waited_for_and_later_ones_do_not_see_the_person():
    shop = await make_shop()
    await make_customers(shop, 2)
    outside = Outside()
    async with database.transaction():
        await consent.hold(shop.id)
        erasing = outside.begin(erase("c0"))
        await until_a_lock_is_waited_for()
        assert not erasing.done()
        before = await make_resolved(shop)
    assert (await erasing).done_at is not None
    after = await make_resolved(shop)

    assert await database.fetch_value("SELECT count(*) FROM delivery WHERE plan_id = $1", before.id) == 2
    assert await database.fetch_value("SELECT count(*) FROM delivery WHERE plan_id = $1", after.id) == 1
    assert not await database.fetch_value(
        "SELECT EXISTS (SELECT FROM delivery WHERE customer_id = $1)", customer_id("c0")
    )


async def test_a_touch_that_is_being_noted_is_waited_for_and_forgotten_too():
    shop = await make_shop()
    [customer] = await make_customers(shop, 1)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await hand_over(plan, DeliveryState.SENT)
    link, visit = Link(shop.id, plan.id, customer), Visit(now(), "GET", {"user-agent": "Mozilla/5.0"}, None)
    outside = Outside()

    async with database.transaction():
        await touch.note(link, TouchKind.OPEN, visit)
        erasing = outside.begin(erase("c0"))
        await until_a_lock_is_waited_for(unless=erasing)

    assert (await erasing).done_at is not None
    assert await database.fetch_value("SELECT count(*) FROM touch") == 1
    assert await database.fetch_value("SELECT count(*) FROM touch WHERE customer_id = $1", customer) == 0


async def test_a_touch_while_an_erasing_waits_for_another_message_goes_along_with_its_mail():
    shop = await make_shop()
    [customer] = await make_customers(shop, 1)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await hand_over(plan, DeliveryState.SENT)
    settlements = await hand_over(await make_resolved(shop, channel=PlanChannel.EMAIL), None)
    assert (await erase("c0")).done_at is None
    await intent.commit(settlements, [])
    link, visit = Link(shop.id, plan.id, customer), Visit(now(), "GET", {"user-agent": "Mozilla/5.0"}, None)
    outside = Outside()

    async with database.transaction():
        await touch.note(link, TouchKind.OPEN, visit)
        finishing = outside.begin(erasure.finish_waiting())
        await until_a_lock_is_waited_for(unless=finishing)

    assert await finishing == 1
    assert await database.fetch_value("SELECT count(*) FROM touch") == 1
    assert await database.fetch_value("SELECT count(*) FROM touch WHERE customer_id = $1", customer) == 0
    assert await touch.note(link, TouchKind.OPEN, visit) is None


async def test_a_complaint_of_who_is_being_erased_leaves_no_trace():
    shop = await make_shop()
    [customer] = await make_customers(shop, 1)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await hand_over(plan, DeliveryState.UNKNOWN)
    outside = Outside()

    async with database.transaction():
        await database.execute("SELECT FROM delivery FOR UPDATE")
        report = Report(ReturnKey(plan.id, customer, ""), Outcome.COMPLAINT, None)
        reporting = outside.begin(mail_report.take(report))
        await until_a_lock_is_waited_for(unless=reporting)
        assert (await erase("c0")).done_at is not None

    assert not await reporting
    assert await database.fetch_value("SELECT count(*) FROM relationship") == 0
    assert await database.fetch_value("SELECT count(*) FROM unsubscription") == 0


async def test_an_automated_plan_that_looks_meanwhile_is_waited_for_and_its_message_withdrawn():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "ABANDONED_CART")
    await life.did("CART_ADDED", 0, product="soap")
    life.go(200)
    outside = Outside()

    async with database.transaction():
        assert await fire(plan.id, life=LIFE) == 1
        erasing = outside.begin(erase("ana"))
        await until_a_lock_is_waited_for(unless=erasing)

    assert (await erasing).done_at is not None
    assert {(each.state, each.reason, each.count) for each in await oracle.breakdown(plan.id)} == {
        (DeliveryState.SUPPRESSED, Reason.ERASED, 1)
    }
    assert await database.fetch_value("SELECT count(*) FROM delivery WHERE customer_id = $1", customer_id("ana")) == 0


async def test_no_trial_is_noted_for_the_address_of_who_is_being_erased():
    shop = await make_shop()
    await ingested(shop, profile())
    plan = await make_draft(shop, channel=PlanChannel.EMAIL)
    outside = Outside()

    async with database.transaction():
        await erase()
        wanted = trial.ask(shop, plan, ["zebulon@quux.example"], tag=None, actor="anna", secret=SECRET)
        asking = outside.begin(wanted)
        await until_a_lock_is_waited_for(unless=asking)

    assert await refusal(asking) == ("addresses.0", ErrorCode.INVALID)
    assert await database.fetch_value("SELECT count(*) FROM trial") == 0

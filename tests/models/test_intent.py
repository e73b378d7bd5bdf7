"""Intents and settlements: what is granted, what is refused, and what is stored twice without harm."""

import asyncio
from datetime import timedelta

import pytest

from models import consent, customer, intent
from models import database as db
from models import slice as slices
from models.clock import Clock
from models.customer import CustomerRow
from models.delivery import DeliveryState
from models.plan import Plan, PlanChannel, PlanStatus, advance
from models.slice import Waiting
from tests import oracle
from tests.conftest import NOON
from tests.factories import make_resolved
from tests.slices import hold, mail_plan, settled

pytestmark = pytest.mark.usefixtures("database")


async def rows() -> dict[tuple[str, str | None, int], int]:
    """How many ledger rows have each (state, reason, attempt)."""
    found = await db.fetch("SELECT state, reason, attempt, count(*) AS count FROM delivery GROUP BY 1, 2, 3")
    return {(row["state"], row["reason"], row["attempt"]): row["count"] for row in found}


async def test_an_intent_is_granted_once():
    _, plan = await mail_plan()
    _, messages = await hold(plan)

    first = await intent.commit([], messages)
    second = await intent.commit([], messages)

    assert first == [1, 1, 1]
    assert second == [None, None, None]
    assert await rows() == {("COMMITTING", None, 1): 3}


async def test_of_many_intents_at_once_for_the_same_message_one_is_granted():
    _, plan = await mail_plan(1)
    _, messages = await hold(plan)

    granted = await asyncio.gather(*(intent.commit([], messages) for _ in range(8)))

    assert sorted(granted, key=str) == [[1], *[[None]] * 7]


async def test_of_a_message_that_is_asked_for_twice_in_a_commit_one_intent_is_granted():
    _, plan = await mail_plan(1)
    _, (message,) = await hold(plan)

    granted = await intent.commit([], [message, message])

    assert sorted(granted, key=str) == [1, None]
    assert await rows() == {("COMMITTING", None, 1): 1}


async def test_without_the_slices_token_nothing_is_granted():
    _, plan = await mail_plan()
    held, messages = await hold(plan)
    await slices.release(held)
    _, again = await hold(plan)

    assert await intent.commit([], messages) == [None, None, None]
    assert await intent.commit([], again) == [1, 1, 1]


async def test_a_lease_that_ends_soon_grants_nothing():
    _, plan = await mail_plan()
    _, messages = await hold(plan, lease=timedelta(seconds=4))

    assert await intent.commit([], messages) == [None, None, None]
    assert await rows() == {("PENDING", None, 0): 3}


@pytest.mark.parametrize("what", ["pause", "cancel", "deadline"])
async def test_a_plan_that_does_not_run_grants_nothing(what: str, clock: Clock):
    _, plan = await mail_plan()
    _, messages = await hold(plan)
    if what == "pause":
        await advance.pause(plan.id, "BY_SELLER")
    elif what == "cancel":
        await plan.cancel()
    else:
        clock.move(timedelta(hours=72))

    assert await intent.commit([], messages) == [None, None, None]
    assert {state for state, _, _ in await rows()} == {"CANCELLED" if what == "cancel" else "PENDING"}


async def test_who_unsubscribes_after_the_slice_was_loaded_is_not_written_to():
    shop, plan = await mail_plan()
    _, messages = await hold(plan)

    await consent.unsubscribe(shop.id, messages[0].customer_id, source="mail")
    granted = await intent.commit([], messages)

    assert granted == [None, 1, 1]
    assert await rows() == {("COMMITTING", None, 1): 2, ("SUPPRESSED", "NO_CONSENT", 0): 1}
    await oracle.check(at_rest=False)


async def test_an_unsubscription_waits_for_what_is_in_flight_and_no_longer():
    shop, plan = await mail_plan(1)
    _, (message,) = await hold(plan)
    await intent.commit([], [message])
    await consent.unsubscribe(shop.id, message.customer_id, source="mail")

    assert not await consent.until_no_mail_in_flight(shop.id, message.customer_id, within=timedelta(seconds=0.1))
    await intent.commit([settled(message, DeliveryState.SENT)], [])

    assert await consent.until_no_mail_in_flight(shop.id, message.customer_id, within=timedelta())


async def test_a_settlement_and_the_next_intent_share_one_commit():
    _, plan = await mail_plan(2)
    _, (first, second) = await hold(plan)
    await intent.commit([], [first])

    granted = await intent.commit([settled(first, DeliveryState.SENT)], [second])

    assert granted == [1]
    assert await rows() == {("SENT", None, 1): 1, ("COMMITTING", None, 1): 1}


async def test_a_settlement_stored_twice_changes_nothing_the_second_time():
    _, plan = await mail_plan(3)
    _, messages = await hold(plan)
    await intent.commit([], messages[:2])
    settlements = [
        settled(messages[0], DeliveryState.SENT),
        settled(messages[1], DeliveryState.PENDING, reason="4.2.1", not_before=NOON + timedelta(minutes=5)),
        settled(messages[2], DeliveryState.FAILED, reason="5.6.0", intended=False),
    ]
    await intent.commit(settlements, [])
    before = await db.fetch("SELECT * FROM delivery ORDER BY customer_id")

    await intent.commit(settlements, [])

    assert before == await db.fetch("SELECT * FROM delivery ORDER BY customer_id")
    assert await db.fetch_value("SELECT count(*) FROM contact") == 1


async def test_a_refusal_before_the_intent_is_a_try_and_gives_the_contact_back():
    _, plan = await mail_plan(1)
    _, (message,) = await hold(plan)

    await intent.commit([settled(message, DeliveryState.FAILED, reason="5.6.0", intended=False)], [])

    assert await rows() == {("FAILED", "5.6.0", 1): 1}
    assert await db.fetch_value("SELECT count(*) FROM contact") == 0
    assert await intent.commit([], [message]) == [None]


async def test_what_a_worker_that_was_given_up_says_late_keeps_the_one_after_it_from_sending_without_a_contact():
    _, plan = await mail_plan(1)
    held, (stale,) = await hold(plan)
    await db.execute("UPDATE worker SET lease_until = clock_timestamp()")
    assert await slices.give_up_lost() == [(plan.id, held.number)]
    _, (message,) = await hold(plan)

    await intent.commit([settled(stale, DeliveryState.PENDING, reason="4.2.1", intended=False)], [])

    assert await intent.commit([], [message]) == [None]
    assert await rows() == {("PENDING", "4.2.1", 1): 1}
    assert await db.fetch_value("SELECT count(*) FROM contact") == 0


async def test_an_intent_taken_back_waits_again_without_its_contact():
    _, plan = await mail_plan(1)
    held, (message,) = await hold(plan)
    await intent.commit([], [message])

    await intent.commit([settled(message, DeliveryState.PENDING)], [])
    await slices.release(held)

    assert await rows() == {("PENDING", None, 1): 1}
    assert await db.fetch_value("SELECT count(*) FROM contact") == 0
    _, (again,) = await hold(plan)
    assert await intent.commit([], [again]) == [2]
    await oracle.check([], at_rest=False)


async def test_taking_back_an_intent_that_never_happened_keeps_the_contact_of_the_waiting_message():
    _, plan = await mail_plan(1)
    _, (message,) = await hold(plan)

    await intent.commit([settled(message, DeliveryState.PENDING)], [])

    assert await rows() == {("PENDING", None, 0): 1}
    assert await db.fetch_value("SELECT count(*) FROM contact") == 1
    await oracle.check([], at_rest=False)


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        (DeliveryState.SENT, None, ("SENT", None, 1)),
        (DeliveryState.FAILED, "5.1.1", ("FAILED", "5.1.1", 1)),
        (DeliveryState.PENDING, "4.2.1", ("FAILED", "4.2.1", 1)),
        (DeliveryState.PENDING, None, ("FAILED", "NOT_SENT", 1)),
    ],
)
async def test_a_late_answer_resolves_an_unknown_message(state, reason, expected):
    _, plan = await mail_plan(1)
    held, (message,) = await hold(plan)
    await intent.commit([], [message])
    await slices.release(held)
    assert await rows() == {("UNKNOWN", "WORKER_LOST", 1): 1}

    await intent.commit([settled(message, state, reason=reason)], [])

    assert await rows() == {expected: 1}
    assert await db.fetch_value("SELECT count(*) FROM contact") == (1 if state is DeliveryState.SENT else 0)


async def test_a_late_answer_to_an_earlier_try_does_not_touch_a_later_one():
    _, plan = await mail_plan(1)
    held, (first,) = await hold(plan)
    await intent.commit([], [first])
    await intent.commit([settled(first, DeliveryState.PENDING)], [])
    await slices.release(held)
    _, (second,) = await hold(plan)
    await intent.commit([], [second])

    await intent.commit([settled(first, DeliveryState.FAILED, reason="5.6.0")], [])

    assert await rows() == {("COMMITTING", None, 2): 1}


async def test_what_is_refused_for_now_after_its_plan_was_cancelled_is_cancelled():
    _, plan = await mail_plan(2)
    _, messages = await hold(plan)
    await intent.commit([], messages)
    await plan.cancel()
    assert plan.status is PlanStatus.CANCELLING

    await intent.commit(
        [settled(messages[0], DeliveryState.PENDING, reason="4.2.1"), settled(messages[1], DeliveryState.SENT)], []
    )

    assert await rows() == {("CANCELLED", "4.2.1", 1): 1, ("SENT", None, 1): 1}
    assert await advance.finish_cancelling(plan.id)
    await db.execute("UPDATE slice SET worker_id = NULL")
    assert await db.fetch_value("SELECT count(*) FROM contact") == 1


async def test_a_cancelled_plan_is_not_cancelled_before_its_dead_worker_is_given_up():
    _, plan = await mail_plan(2)
    held, messages = await hold(plan)
    await intent.commit([], messages[:1])
    await plan.cancel()
    assert not await advance.finish_cancelling(plan.id)
    await db.execute("UPDATE worker SET lease_until = clock_timestamp()")

    assert await slices.give_up_lost() == [(plan.id, held.number)]

    assert await advance.finish_cancelling(plan.id)
    assert await rows() == {("UNKNOWN", "WORKER_LOST", 1): 1, ("CANCELLED", None, 0): 1}
    await oracle.check([])


async def test_a_bad_address_is_withdrawn_from_everything_that_waits_for_it():
    shop, plan = await mail_plan(2)
    other = await make_resolved(shop, channel=PlanChannel.EMAIL)
    _, (bad, good) = await hold(plan)
    await intent.commit([], [bad, good])

    await intent.commit([settled(bad, DeliveryState.FAILED, reason="5.1.1", suppresses=True)], [])

    found = await db.fetch("SELECT state, reason FROM delivery WHERE plan_id = $1 ORDER BY state", other.id)
    assert [tuple(row) for row in found] == [("PENDING", None), ("SUPPRESSED", "ADDRESS_SUPPRESSED")]
    assert await db.fetch_value("SELECT reason FROM suppression") == "BOUNCED"


@pytest.mark.parametrize("intended", [True, False])
async def test_an_address_corrected_since_it_was_refused_stays_good_and_what_waits_goes_to_it(*, intended: bool):
    shop, plan = await mail_plan(1)
    other = await make_resolved(shop, channel=PlanChannel.EMAIL)
    _, (message,) = await hold(plan)
    if intended:
        await intent.commit([], [message])
    old = await db.fetch_value("SELECT email_key FROM customer")
    corrected = CustomerRow.model_validate({"externalId": "c0", "email": "right@example.com"})
    await customer.upsert([corrected], secret=b"k" * 32, at=NOON)

    refused = settled(message, DeliveryState.FAILED, reason="5.1.1", suppresses=True, intended=intended)
    await intent.commit([refused], [])

    assert await db.fetch_value("SELECT array_agg(email_key) FROM suppression") == [old]
    assert await db.fetch_value("SELECT state FROM delivery WHERE plan_id = $1", other.id) == "PENDING"
    _, (waiting,) = await hold(other)
    assert waiting.email == "right@example.com"


async def test_cancels_and_commits_at_once_leave_nothing_stranded():
    _, plan = await mail_plan(60)
    _, messages = await hold(plan)

    async def send(some: list[Waiting]) -> None:
        for message in some:
            granted = await intent.commit([], [message])
            if granted:
                state = DeliveryState.PENDING if message.customer_id.int % 3 == 0 else DeliveryState.SENT
                await intent.commit([settled(message, state)], [])
            else:
                await intent.commit([settled(message, DeliveryState.PENDING, reason="4.2.1", intended=False)], [])

    async def cancel() -> None:
        await asyncio.sleep(0.05)
        await (await Plan.get(id=plan.id)).cancel()

    await asyncio.gather(*(send(messages[start::6]) for start in range(6)), cancel())

    assert await advance.finish_cancelling(plan.id) or (await Plan.get(id=plan.id)).status is PlanStatus.CANCELLED
    assert {state for state, _, _ in await rows()} <= {"SENT", "CANCELLED"}
    await db.execute("UPDATE delivery SET channel = 'CHAT'")  # no relay was asked here
    await oracle.check([])

"""CHAT_THEN_EMAIL is chosen again while it waits: by the first channel that may reach its customer, once, or not at all (R8)."""

import asyncio
from datetime import time, timedelta
from uuid import UUID, uuid4

import pytest

from models import chat_platform, consent, intent, quiet_hours
from models import database as db
from models import slice as slices
from models.clock import Clock
from models.delivery import DeliveryState
from models.experiment import Experiment, ExperimentMetric, Variant, winner
from models.intent import Settlement
from models.plan import Plan, PlanChannel, advance
from models.quiet_hours import Hours, QuietHours
from models.shop import Shop
from models.slice import Slice, Waiting
from tests import oracle
from tests.conftest import NOON
from tests.factories import make_customers, make_resolved, make_shop
from tests.slices import hold

pytestmark = pytest.mark.usefixtures("database")

TOMORROW = timedelta(days=1)


async def over_the_limit(
    count: int = 1, channel: PlanChannel = PlanChannel.CHAT_THEN_EMAIL, **columns: str
) -> tuple[Shop, Plan, list[UUID]]:
    """Customers who had two messages today, and a third plan that waits for tomorrow."""
    shop = await make_shop()
    customers = await make_customers(shop, count, **columns)
    for _ in range(2):
        await make_resolved(shop)
    return shop, await make_resolved(shop, channel=channel), customers


async def rows(plan: Plan) -> list[tuple[object, ...]]:
    """State, reason, channel and slice of the plan's messages."""
    found = await db.fetch(
        "SELECT state, reason, channel, slice FROM delivery WHERE plan_id = $1 ORDER BY customer_id", plan.id
    )
    return [tuple(row) for row in found]


async def channels(plan: Plan) -> list[tuple[int, str]]:
    """The plan's slices: number and channel."""
    found = await db.fetch("SELECT number, channel FROM slice WHERE plan_id = $1 ORDER BY number", plan.id)
    return [tuple(row) for row in found]


async def test_who_blocks_the_chat_while_their_message_waits_gets_it_by_email_at_the_same_hour(clock: Clock):
    shop, plan, (customer,) = await over_the_limit()
    at = await db.fetch_value("SELECT not_before FROM delivery WHERE plan_id = $1", plan.id)

    await consent.block(shop.id, customer)

    assert await rows(plan) == [("PENDING", "CONTACT_LIMIT", "EMAIL", 2)]
    assert await db.fetch_value("SELECT due_at FROM slice WHERE plan_id = $1 AND number = 2", plan.id) == at
    await oracle.check_progress()
    clock.freeze(NOON + TOMORROW)
    chat, by_chat = await hold(plan, 1)
    await slices.release(chat)
    mail, (message,) = await hold(plan, 2)
    assert (by_chat, mail.channel, message.email) == ([], "EMAIL", "c0@example.com")
    [attempt] = await intent.commit([], [message])
    assert attempt is not None
    await intent.commit([Settlement(message, attempt, DeliveryState.SENT)], [])
    await slices.release(mail)
    assert await advance.finish(plan.id)
    assert await rows(plan) == [("SENT", None, "EMAIL", 2)]
    await oracle.check_contacts()


async def test_each_who_blocks_has_a_slice_of_their_own_and_the_others_get_chat(clock: Clock):
    shop, plan, customers = await over_the_limit(4)

    await asyncio.gather(*(consent.block(shop.id, customer) for customer in customers[:3]))

    assert await channels(plan) == [(1, "CHAT"), (2, "EMAIL"), (3, "EMAIL"), (4, "EMAIL")]
    assert sorted(row[2:] for row in await rows(plan)) == [("CHAT", 1), ("EMAIL", 2), ("EMAIL", 3), ("EMAIL", 4)]
    clock.freeze(NOON + TOMORROW)
    await hold(plan, 1)
    assert (
        await db.fetch_value("SELECT customer_id FROM delivery WHERE state = 'SENT' AND plan_id = $1", plan.id)
        == (customers[3])
    )


@pytest.mark.parametrize(
    "lacking",
    [
        "UPDATE relationship SET email_consent = 'NEVER'",
        "UPDATE relationship SET email_consent = 'UNSUBSCRIBED'",
        "UPDATE customer SET email = NULL, email_key = NULL",
        "INSERT INTO suppression (email_key, reason, created_at) SELECT email_key, 'BOUNCED', now() FROM customer",
    ],
)
async def test_who_may_not_be_reached_by_email_either_is_blocked(lacking: str):
    shop, plan, (customer,) = await over_the_limit()
    await db.execute(lacking)

    await consent.block(shop.id, customer)

    assert await rows(plan) == [("SUPPRESSED", "BLOCKED", "CHAT", 1)]
    assert await channels(plan) == [(1, "CHAT")]


async def test_an_address_that_another_shop_may_write_to_or_that_is_another_customer_s_opens_no_way():
    shop, plan, (customer, _) = await over_the_limit(2)
    await make_customers(await make_shop("other"), 1)
    await db.execute(
        "UPDATE relationship SET email_consent = 'NEVER' WHERE shop_id = $1 AND customer_id = $2", shop.id, customer
    )

    await consent.block(shop.id, customer)

    assert sorted(row[:3] for row in await rows(plan)) == [
        ("PENDING", "CONTACT_LIMIT", "CHAT"), ("SUPPRESSED", "BLOCKED", "CHAT"),
    ]  # fmt: skip
    assert await channels(plan) == [(1, "CHAT")]


async def test_what_another_shop_has_waiting_for_them_stays_chat():
    shop, plan, (customer,) = await over_the_limit()
    other = await make_shop("other")
    await make_customers(other, 1)
    theirs = await make_resolved(other, channel=PlanChannel.CHAT_THEN_EMAIL)
    assert await rows(theirs) == [("PENDING", "CONTACT_LIMIT", "CHAT", 1)]

    await consent.block(shop.id, customer)

    assert await rows(plan) == [("PENDING", "CONTACT_LIMIT", "EMAIL", 2)]
    assert await rows(theirs) == [("PENDING", "CONTACT_LIMIT", "CHAT", 1)]
    assert await channels(theirs) == [(1, "CHAT")]


async def test_a_plan_by_chat_alone_never_turns_to_email():
    shop, plan, (customer,) = await over_the_limit(channel=PlanChannel.CHAT)

    await consent.block(shop.id, customer)

    assert await rows(plan) == [("SUPPRESSED", "BLOCKED", "CHAT", 1)]
    assert await channels(plan) == [(1, "CHAT")]


async def test_a_paused_plan_goes_on_by_email_and_a_cancelled_one_does_not():
    shop, plan, (customer, other) = await over_the_limit(2)
    await advance.pause(plan.id, "BY_SELLER")

    await consent.block(shop.id, customer)
    assert {row[2] for row in await rows(plan)} == {"CHAT", "EMAIL"}
    await plan.cancel()
    await consent.block(shop.id, other)

    assert {row[0] for row in await rows(plan)} == {"CANCELLED"}
    assert await channels(plan) == [(1, "CHAT"), (2, "EMAIL")]


async def test_who_then_unsubscribes_from_email_gets_nothing():
    shop, plan, (customer,) = await over_the_limit()
    await consent.block(shop.id, customer)

    await consent.unsubscribe(shop.id, customer, source="mail")

    assert await rows(plan) == [("SUPPRESSED", "NO_CONSENT", "EMAIL", 2)]


async def test_who_unblocks_the_chat_while_their_mail_waits_gets_it_by_chat_though_they_unsubscribe_from_email(
    clock: Clock,
):
    shop, plan, (customer,) = await over_the_limit()
    await consent.block(shop.id, customer)
    at = await db.fetch_value("SELECT not_before FROM delivery WHERE plan_id = $1", plan.id)

    await consent.unblock(shop.id, customer)
    await consent.unsubscribe(shop.id, customer, source="mail")

    assert await rows(plan) == [("PENDING", "CONTACT_LIMIT", "CHAT", 3)]
    assert await channels(plan) == [(1, "CHAT"), (2, "EMAIL"), (3, "CHAT")]
    assert await db.fetch_value("SELECT due_at FROM slice WHERE plan_id = $1 AND number = 3", plan.id) == at
    await oracle.check_progress()
    clock.freeze(NOON + TOMORROW)
    for number in (1, 2, 3):
        held, to_send = await hold(plan, number)
        assert to_send == []
        await slices.release(held)
    assert await advance.finish(plan.id)
    assert await rows(plan) == [("SENT", None, "CHAT", 3)]
    await oracle.check_contacts()


async def test_who_was_chosen_for_email_gets_it_by_their_shop_s_platform_once_they_unblock_the_chat():
    shop = await make_shop()
    (customer,) = await make_customers(shop, 1)
    await consent.block(shop.id, customer)
    await chat_platform.connect(shop, "https://chat.example/hook", targets="any", key=b"a secret of tests")
    plan = await make_resolved(shop, channel=PlanChannel.CHAT_THEN_EMAIL)
    assert await rows(plan) == [("PENDING", None, "EMAIL", 1)]

    await consent.unblock(shop.id, customer)

    assert await rows(plan) == [("PENDING", None, "CHAT", 2)]
    assert await channels(plan) == [(1, "EMAIL"), (2, "PLATFORM")]
    _, (message,) = await hold(plan, 2)
    assert await intent.commit([], [message]) == [1]
    await oracle.check_contacts()


async def test_of_a_plan_by_email_alone_and_of_another_shop_nothing_turns_to_chat():
    shop, other = await make_shop(), await make_shop("otto")
    (customer,) = await make_customers(shop, 1)
    await make_customers(other, 1)
    for each in (shop, other):
        await consent.block(each.id, customer)
    plans = [
        await make_resolved(shop, channel=PlanChannel.EMAIL),
        await make_resolved(other, channel=PlanChannel.CHAT_THEN_EMAIL),
    ]

    await consent.unblock(shop.id, customer)

    assert [await rows(plan) for plan in plans] == [[("PENDING", None, "EMAIL", 1)]] * 2
    assert [await channels(plan) for plan in plans] == [[(1, "EMAIL")]] * 2


@pytest.mark.parametrize("state", ["in flight", "may repeat"])
async def test_a_mail_that_may_arrive_stays_a_mail_when_its_customer_unblocks_the_chat(state: str):
    shop = await make_shop()
    (customer,) = await make_customers(shop, 1)
    await consent.block(shop.id, customer)
    plan = await make_resolved(shop, channel=PlanChannel.CHAT_THEN_EMAIL)
    _, (message,) = await hold(plan)
    if state == "in flight":
        await intent.commit([], [message])
    else:
        await db.execute("UPDATE delivery SET may_repeat = true")
    before = await rows(plan)

    await consent.unblock(shop.id, customer)

    assert await rows(plan) == before
    assert await channels(plan) == [(1, "EMAIL")]


async def test_who_waits_for_a_winner_gets_the_winner_by_email(clock: Clock):
    shop = await make_shop()
    customers = await make_customers(shop, 20)
    said = {"texts": {"en": {"text": "B", "subject": "B"}, "es": {"text": "B", "subject": "B"}}}
    tried = Experiment((Variant(said),), 40, ExperimentMetric.READ, 4)
    plan = await make_resolved(shop, channel=PlanChannel.CHAT_THEN_EMAIL, experiment=tried)
    waiting = await db.fetch_value("SELECT min(customer_id::text)::uuid FROM delivery WHERE reason = 'AWAITING_WINNER'")
    assert waiting in customers

    await consent.block(shop.id, waiting)
    clock.move(timedelta(hours=4))
    assert await winner.declare(plan.id) is not None

    number = await db.fetch_value("SELECT number FROM slice WHERE channel = 'EMAIL'")
    _, (message,) = await hold(plan, number)
    assert (message.customer_id, message.variant) == (waiting, (await Plan.get(id=plan.id)).winner)


async def on_its_way() -> tuple[Shop, Plan, UUID, Waiting]:
    """A message that was loaded for the shop's chat platform, and has no intent yet."""
    shop = await make_shop()
    (customer,) = await make_customers(shop, 1)
    plan = await make_resolved(shop, channel=PlanChannel.CHAT_THEN_EMAIL, local_time="13:00")
    await db.execute("UPDATE slice SET channel = 'PLATFORM', due_at = $1", NOON)
    await db.execute("UPDATE delivery SET not_before = NULL")
    _, (message,) = await hold(plan, 1)
    return shop, plan, customer, message


async def test_what_a_platform_was_about_to_get_goes_by_email_with_its_contact_and_without_a_late_word(clock: Clock):
    shop, plan, customer, by_chat = await on_its_way()

    await consent.block(shop.id, customer)
    assert await intent.commit([], [by_chat]) == [None]
    _, (by_mail,) = await hold(plan, 2)
    refused = Settlement(by_chat, 1, DeliveryState.FAILED, "400", intended=False)
    await intent.commit([refused], [])
    assert await rows(plan) == [("PENDING", None, "EMAIL", 2)]
    assert len(await intent.commit([], [by_mail])) == 1
    taken_back = Settlement(by_chat, 1, DeliveryState.PENDING)
    await intent.commit([taken_back], [])

    assert await rows(plan) == [("COMMITTING", None, "EMAIL", 2)]
    await oracle.check_contacts()


async def test_what_moved_with_its_contact_waits_while_it_is_quiet_and_gives_the_contact_back():
    shop, plan, customer, _ = await on_its_way()
    await consent.block(shop.id, customer)
    assert await db.fetch_value("SELECT contact_day FROM delivery WHERE plan_id = $1", plan.id) == NOON.date()
    await quiet_hours.change(shop, QuietHours(Hours(time(11), time(15))))

    _, by_mail = await hold(plan, 2)

    assert by_mail == []
    assert await rows(plan) == [("PENDING", "QUIET_HOURS", "EMAIL", 2)]
    assert await db.fetch_value("SELECT count(*) FROM contact WHERE plan_id = $1", plan.id) == 0
    await oracle.check_contacts()


async def test_what_is_in_flight_to_a_platform_stays_chat():
    shop, plan, customer, by_chat = await on_its_way()
    await intent.commit([], [by_chat])

    await consent.block(shop.id, customer)

    assert await rows(plan) == [("COMMITTING", None, "CHAT", 1)]
    assert await channels(plan) == [(1, "PLATFORM")]


async def test_what_was_in_flight_when_the_chat_was_blocked_and_comes_back_is_suppressed_and_not_chosen_again():
    shop, plan, customer, by_chat = await on_its_way()
    [attempt] = await intent.commit([], [by_chat])
    assert attempt is not None
    await consent.block(shop.id, customer)

    await intent.commit([Settlement(by_chat, attempt, DeliveryState.PENDING, "429")], [])
    assert await rows(plan) == [("PENDING", "429", "CHAT", 1)]
    assert await slices.load(Slice(plan.id, 1, "PLATFORM", by_chat.token, uuid4())) == []

    assert await rows(plan) == [("SUPPRESSED", "BLOCKED", "CHAT", 1)]
    await oracle.check_contacts()

"""What reports do to the ledger: once, whenever they come, and to nobody else (R18, R19, R21)."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from models import consent, customer, database, intent, mail_report
from models.clock import Clock, now
from models.customer import CustomerRow
from models.delivery import DeliveryState, Reason
from models.intent import Settlement
from models.mail import bounce
from models.mail.report import Outcome, Report
from models.mail.return_path import ReturnKey, occasion
from models.plan import Plan, PlanChannel, PlanStatus
from models.shop import Shop
from tests import oracle
from tests.factories import make_customers, make_resolved, make_shop, make_webhook
from tests.slices import hand_over, hold

pytestmark = pytest.mark.usefixtures("database")


async def sent(shop: Shop, count: int = 1, *, state: DeliveryState = DeliveryState.SENT) -> tuple[Plan, list[UUID]]:
    """A plan's mails that were given to the relay, and are now in this state."""
    customers = await make_customers(shop, count)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await hand_over(plan, None if state is DeliveryState.COMMITTING else state)
    return plan, customers


def about(plan: Plan, customer_id: UUID, outcome: Outcome = Outcome.FAILED, status: str | None = "5.1.1") -> Report:
    return Report(ReturnKey(plan.id, customer_id, ""), outcome, status)


async def row(plan: Plan, customer_id: UUID) -> tuple[Any, ...]:
    found = await database.fetch_one(
        "SELECT state, reason, contact_day FROM delivery WHERE plan_id = $1 AND customer_id = $2", plan.id, customer_id
    )
    assert found is not None
    return tuple(found)


async def contacts(customer_id: UUID) -> int:
    count: int = await database.fetch_value("SELECT count(*) FROM contact WHERE customer_id = $1", customer_id)
    return count


async def everything() -> list[Any]:
    return [
        await database.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")
        for table in ("delivery", "contact", "suppression", "unsubscription", "relationship", "slice")
    ]


@pytest.mark.parametrize("outcome", [Outcome.DELAYED, Outcome.DELIVERED])
async def test_a_report_while_the_retry_of_an_unknown_mail_waits_tells_that_it_arrived_and_need_not_go_again(
    outcome: Outcome,
):
    plan, [ana, ben] = await sent(await make_shop(), 2, state=DeliveryState.UNKNOWN)
    await database.execute("UPDATE delivery SET state = 'PENDING', may_repeat = customer_id = $1", ana)

    assert await mail_report.take(about(plan, ana, outcome, None))
    assert not await mail_report.take(about(plan, ben, outcome, None))

    assert (await row(plan, ana))[0] == "SENT"
    assert (await row(plan, ben))[0] == "PENDING"


@pytest.mark.parametrize("state", [DeliveryState.SENT, DeliveryState.UNKNOWN, DeliveryState.COMMITTING])
async def test_a_bad_address_fails_the_message_frees_its_contact_and_is_never_written_to_again(state: DeliveryState):
    shop, other = await make_shop(), await make_shop("other")
    plan, [ana, ben] = await sent(shop, 2, state=state)
    await make_customers(other, 2)
    waiting = await make_resolved(other, channel=PlanChannel.EMAIL)

    assert await mail_report.take(about(plan, ana))

    assert await row(plan, ana) == ("FAILED", "5.1.1", None)
    assert await contacts(ana) == 0 and await contacts(ben) == 1
    assert await row(waiting, ana) == ("SUPPRESSED", "ADDRESS_SUPPRESSED", None)
    assert (await row(waiting, ben))[0] == "PENDING"
    assert await database.fetch_value("SELECT count(*) FROM suppression") == 1


@pytest.mark.parametrize("status", ["5.2.2", "4.2.2", "4.4.7", "5.7.1", "5.0.0", "5.1.8"])
async def test_other_trouble_only_ends_the_message(status: str):
    plan, [ana] = await sent(await make_shop())

    assert await mail_report.take(about(plan, ana, status=status))

    assert await row(plan, ana) == ("FAILED", status, None)
    assert await database.fetch_value("SELECT count(*) FROM suppression") == 0


async def come_back(plan: Plan, customers: list[UUID], status: str) -> Plan:
    """Let mails of a plan bounce; the plan as it is then."""
    for each in customers:
        assert await mail_report.take(about(plan, each, status=status))
    return await Plan.get(id=plan.id)


async def test_a_plan_whose_mails_come_back_again_and_again_pauses_and_says_why_and_after_a_resume_counts_what_left_since(
    clock: Clock,
):
    shop = await make_shop()
    plan, customers = await sent(shop, 100)
    assert (await come_back(plan, customers[:49], "5.7.1")).status is PlanStatus.ONGOING

    paused = await come_back(plan, customers[49:50], "5.7.26")

    assert (paused.status, paused.status_reason) == (PlanStatus.PAUSED, "BOUNCES:5.7.26")
    assert await database.fetch_value("SELECT count(*) FROM slice WHERE token IS NOT NULL") == 0
    clock.move(timedelta(hours=1))
    await paused.resume(shop)
    assert (await come_back(plan, customers[50:], "5.7.1")).status is PlanStatus.ONGOING


async def test_mails_of_unknown_outcome_that_come_back_count_against_their_plan_as_well():
    plan, customers = await sent(await make_shop(), bounce.MANY_BOUNCES, state=DeliveryState.UNKNOWN)

    assert (await come_back(plan, customers, "5.7.1")).status is PlanStatus.PAUSED


async def test_a_few_of_many_mails_that_come_back_pause_nothing():
    plan, customers = await sent(await make_shop(), 10 * bounce.MANY_BOUNCES + 1)

    assert (await come_back(plan, customers[: bounce.MANY_BOUNCES], "5.7.1")).status is PlanStatus.ONGOING


async def test_a_plan_s_mails_are_weighed_apart_from_those_of_others(clock: Clock):
    shop = await make_shop()
    plan, customers = await sent(shop, bounce.MANY_BOUNCES)
    await make_customers(shop, 10 * bounce.MANY_BOUNCES, prefix="other")
    another = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await hand_over(another, DeliveryState.SENT)
    clock.move(timedelta(minutes=1))

    assert (await come_back(another, customers[:1], "5.7.1")).status is PlanStatus.ONGOING
    assert (await come_back(plan, customers[:-1], "5.7.1")).status is PlanStatus.ONGOING
    await another.pause()
    await another.resume(shop)

    assert (await come_back(plan, customers[-1:], "5.7.1")).status is PlanStatus.PAUSED
    assert (await Plan.get(id=another.id)).status is PlanStatus.ONGOING


@pytest.mark.parametrize("status", ["5.1.1", "5.2.2"])
async def test_bad_addresses_and_full_mailboxes_are_about_their_recipients_however_many(status: str):
    plan, customers = await sent(await make_shop(), bounce.MANY_BOUNCES)

    assert (await come_back(plan, customers, status)).status is PlanStatus.ONGOING


@pytest.mark.parametrize("outcome", list(Outcome))
async def test_a_report_that_comes_again_changes_nothing(outcome: Outcome):
    plan, [ana] = await sent(await make_shop(), state=DeliveryState.UNKNOWN)
    assert await mail_report.take(about(plan, ana, outcome))
    before = await everything()

    assert not await mail_report.take(about(plan, ana, outcome))
    assert await everything() == before


@pytest.mark.parametrize(("outcome", "state"), [(Outcome.FAILED, "FAILED"), (Outcome.DELIVERED, "SENT")])
async def test_a_report_is_about_one_plan_s_mail_and_leaves_another_s_to_the_same_address_with_its_contact(
    outcome: Outcome, state: str
):
    shop = await make_shop()
    plan, [ana] = await sent(shop, state=DeliveryState.UNKNOWN)
    another = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await hand_over(another, DeliveryState.UNKNOWN)

    assert await mail_report.take(about(plan, ana, outcome, "5.2.2"))

    assert (await row(plan, ana))[0] == state
    assert await row(another, ana) == ("UNKNOWN", None, now().date())
    assert await contacts(ana) == (1 if outcome is Outcome.FAILED else 2)


@pytest.mark.parametrize("outcome", [Outcome.DELAYED, Outcome.DELIVERED, Outcome.COMPLAINT])
async def test_whoever_reports_about_a_mail_of_unknown_outcome_has_it(outcome: Outcome):
    plan, [ana, ben] = await sent(await make_shop(), 2, state=DeliveryState.UNKNOWN)

    assert await mail_report.take(about(plan, ana, outcome, None))

    assert (await row(plan, ana))[0] == "SENT"
    assert (await row(plan, ben))[0] == "UNKNOWN"
    assert await contacts(ana) == 1


@pytest.mark.parametrize("state", [DeliveryState.SENT, DeliveryState.UNKNOWN, DeliveryState.COMMITTING])
async def test_a_mail_that_came_back_had_left_and_its_plan_s_place_in_the_week_is_not_given_back(
    state: DeliveryState, clock: Clock
):
    shop = await make_shop()
    plan, [ana] = await sent(shop, state=state)
    left_at = now()
    clock.move(timedelta(minutes=20))
    reported_at = now()
    await mail_report.take(about(plan, ana, status="5.0.0"))

    await plan.cancel()

    found = await database.fetch_value("SELECT sent_at FROM delivery WHERE customer_id = $1", ana)
    assert found == (left_at if state is DeliveryState.SENT else reported_at)
    assert await row(plan, ana) == ("FAILED", "5.0.0", None)
    assert plan.status is PlanStatus.CANCELLED
    assert await database.fetch_value("SELECT used FROM quota_week") == 1


async def test_a_late_answer_of_the_relay_does_not_undo_a_bounce():
    shop = await make_shop()
    [ana] = await make_customers(shop, 1)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    _, [message] = await hold(plan)
    assert await intent.commit([], [message]) == [1]

    await mail_report.take(about(plan, ana, status="5.2.2"))
    await intent.commit([Settlement(message, 1, DeliveryState.SENT)], [])

    assert await row(plan, ana) == ("FAILED", "5.2.2", None)


async def test_what_was_refused_for_now_but_taken_all_the_same_is_not_tried_again():
    shop = await make_shop()
    [ana] = await make_customers(shop, 1)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await hand_over(plan, DeliveryState.PENDING)

    assert await mail_report.take(about(plan, ana, status="5.2.2"))
    assert (await row(plan, ana))[0] == "FAILED"


async def test_a_report_about_what_never_left_or_is_not_ours_changes_nothing():
    shop = await make_shop()
    [ana] = await make_customers(shop, 1)
    waiting = await make_resolved(shop, channel=PlanChannel.EMAIL)
    chat = await make_resolved(shop)
    before = await everything()

    for outcome in (Outcome.FAILED, Outcome.DELIVERED):
        assert not await mail_report.take(about(waiting, ana, outcome))
    for outcome in Outcome:
        assert not await mail_report.take(about(chat, ana, outcome))
        assert not await mail_report.take(about(waiting, uuid4(), outcome))
        assert not await mail_report.take(Report(ReturnKey(waiting.id, ana, occasion("another")), outcome, "5.1.1"))
        assert not await mail_report.take(Report(ReturnKey(2_000_000_000, ana, ""), outcome, "5.1.1"))
    assert await everything() == before


@pytest.mark.parametrize("state", [DeliveryState.SENT, DeliveryState.UNKNOWN])
async def test_an_older_address_that_bounces_does_not_shut_out_the_present_one(state: DeliveryState, clock: Clock):
    plan, [ana] = await sent(await make_shop(), state=state)
    clock.move(timedelta(hours=1))
    await customer.upsert(
        [CustomerRow.model_validate({"externalId": "c0", "email": "new@example.com"})], secret=b"k" * 32, at=now()
    )

    assert await mail_report.take(about(plan, ana))

    assert (await row(plan, ana))[0] == "FAILED"
    assert await database.fetch_value("SELECT count(*) FROM suppression") == 0


async def test_which_of_two_mails_comes_back_decides_whether_the_present_address_is_bad(clock: Clock):
    shop = await make_shop()
    older, [ana] = await sent(shop)
    clock.move(timedelta(hours=1))
    changed = CustomerRow.model_validate({"externalId": "c0", "email": "new@example.com"})
    await customer.upsert([changed], secret=b"k" * 32, at=now())
    clock.move(timedelta(hours=1))
    newer = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await hand_over(newer, DeliveryState.SENT)

    await mail_report.take(about(older, ana))
    assert await database.fetch_value("SELECT count(*) FROM suppression") == 0
    await mail_report.take(about(newer, ana))
    assert await database.fetch_value("SELECT count(*) FROM suppression") == 1


async def test_who_complains_is_unsubscribed_from_that_shop_and_counted_for_that_plan():
    shop, other = await make_shop(), await make_shop("other")
    plan, [ana] = await sent(shop)
    await make_customers(other, 1)
    waiting = await make_resolved(shop, channel=PlanChannel.EMAIL)

    assert await mail_report.take(about(plan, ana, Outcome.COMPLAINT, None))

    found = await database.fetch(
        "SELECT shop_id, email_consent, email_consent_source, email_consent_at FROM relationship"
        " WHERE customer_id = $1 ORDER BY shop_id",
        ana,
    )
    assert [tuple(each) for each in found] == [
        (shop.id, "UNSUBSCRIBED", "complaint", now()),
        (other.id, "SUBSCRIBED", None, None),
    ]
    assert await database.fetch_value("SELECT plan_id FROM unsubscription WHERE customer_id = $1", ana) == plan.id
    assert (await row(plan, ana))[0] == "SENT"
    assert await row(waiting, ana) == ("SUPPRESSED", Reason.NO_CONSENT, None)
    assert not await consent.unsubscribe(shop.id, ana, source="again")


async def test_who_complains_after_they_left_has_had_the_mail_all_the_same():
    shop = await make_shop()
    plan, [ana] = await sent(shop, state=DeliveryState.UNKNOWN)
    await consent.unsubscribe(shop.id, ana, source="mail")

    assert await mail_report.take(about(plan, ana, Outcome.COMPLAINT, None))

    assert (await row(plan, ana))[0] == "SENT"
    assert await database.fetch_value("SELECT email_consent_source FROM relationship") == "mail"


async def test_the_ledger_adds_up_whatever_is_reported():
    plan, customers = await sent(await make_shop(), 8)
    for customer_id, outcome in zip(customers, [*Outcome, *Outcome], strict=True):
        await mail_report.take(about(plan, customer_id, outcome))

    counts = await oracle.breakdown(plan.id)
    assert sum(each.count for each in counts) == 8
    assert {(each.state, each.reason, each.count) for each in counts} == {
        (DeliveryState.FAILED, "5.1.1", 2), (DeliveryState.SENT, None, 6),
    }  # fmt: skip


async def test_a_shops_webhook_is_told_of_a_bounce_once():
    shop = await make_shop()
    await make_webhook(shop, "messages.failed")
    plan, [ana] = await sent(shop)

    for _ in range(2):
        await mail_report.take(about(plan, ana, status="5.2.2"))

    [told] = await database.fetch("SELECT fact, data FROM posting")
    assert told["fact"] == "messages.failed"
    assert database.decode(told["data"])["messages"] == [[plan.id, str(ana), "", "EMAIL", "en", "5.2.2"]]


@pytest.mark.parametrize("outcome", [Outcome.DELAYED, Outcome.DELIVERED, Outcome.COMPLAINT])
async def test_a_shops_webhook_is_told_once_of_a_mail_that_a_report_shows_to_have_left(outcome: Outcome):
    shop = await make_shop()
    await make_webhook(shop, "messages.sent")
    plan, [ana] = await sent(shop, state=DeliveryState.UNKNOWN)

    for _ in range(2):
        await mail_report.take(about(plan, ana, outcome, None))

    [told] = await database.fetch("SELECT fact, data FROM posting")
    assert told["fact"] == "messages.sent"
    assert database.decode(told["data"])["messages"] == [[plan.id, str(ana), "", "EMAIL", "en", None]]

"""Trials: a plan's mail to a few named addresses, once each, outside everything that counts (R11)."""

from datetime import timedelta
from typing import Any

import pytest

from jobs.context import Context
from jobs.send_trials import send_trials
from local.mailbox import Mailbox
from models import customer, database, quota, trial
from models.clock import Clock, now
from models.errors import ErrorCode
from models.plan import Plan, PlanChannel
from models.shop import Shop
from models.trial import Trial, of_plans
from tests.factories import make_draft, make_shop
from tests.refusals import refusal

SECRET = b"a key for tests"


async def _asked(shop: Shop, *addresses: str, **options: Any) -> tuple[Plan, list[Trial]]:
    plan = await make_draft(shop, channel=options.pop("channel", PlanChannel.EMAIL))
    given = {"tag": None, "actor": "anna", "secret": SECRET, **options}
    return plan, await trial.ask(shop, plan, addresses, **given)


async def _states(plan: Plan) -> list[tuple[str, str | None]]:
    return [(each.state, each.reason) for each in (await of_plans([plan.id]))[0]]


async def test_a_trial_arrives_as_the_sample_reader_would_get_the_plan(ctx: Context, mailbox: Mailbox):
    shop = await make_shop()
    plan, _ = await _asked(shop, "anna@example.com", "ben@example.com", tag="es-MX")

    await send_trials(ctx)
    await send_trials(ctx)

    mails = [mail for each in mailbox.entries() if (mail := mailbox.message(each.number)) is not None]
    assert sorted(str(mail["To"]) for mail in mails) == ["anna@example.com", "ben@example.com"]
    assert {str(mail["Subject"]) for mail in mails} == {"Hola Ana"}
    body = mails[0].get_body(("plain",))
    assert body is not None and "Hola Ana, saludos de Bloom" in body.get_content()
    assert await _states(plan) == [("SENT", None), ("SENT", None)]


async def test_a_trial_counts_for_nothing(ctx: Context, mailbox: Mailbox):
    shop = await make_shop()
    await _asked(shop, "anna@example.com")
    await send_trials(ctx)

    tables = ("delivery", "contact", "quota_week", "slice")
    assert [await database.fetch_value(f"SELECT count(*) FROM {table}") for table in tables] == [0, 0, 0, 0]
    assert (await quota.quota(shop.id, now())).used == 0


async def test_without_a_relay_a_trial_waits_and_fails_after_an_hour(ctx: Context, clock: Clock):
    plan, _ = await _asked(await make_shop(), "anna@example.com")
    ctx["settings"] = ctx["settings"].model_copy(update={"smtp_url": "smtp://127.0.0.1:9"})

    await send_trials(ctx)
    assert await _states(plan) == [("PENDING", "RELAY_UNAVAILABLE")] and await trial.is_waiting()
    clock.move(timedelta(minutes=61))
    await send_trials(ctx)

    assert await _states(plan) == [("FAILED", "RELAY_UNAVAILABLE")] and not await trial.is_waiting()


async def test_what_a_crash_left_in_flight_is_unknown_and_not_sent_again(ctx: Context, mailbox: Mailbox, clock: Clock):
    plan, _ = await _asked(await make_shop(), "anna@example.com")
    assert len(await trial.take()) == 1

    await send_trials(ctx)
    clock.move(timedelta(minutes=61))
    assert await trial.is_waiting()
    await send_trials(ctx)

    assert await _states(plan) == [("UNKNOWN", "WORKER_LOST")]
    assert mailbox.count() == 0


@pytest.mark.usefixtures("database")
async def test_what_cannot_be_sent_is_refused_and_nothing_is_noted():
    shop, poor = await make_shop(), await make_shop("poor", gmv=0)
    await database.execute(
        "INSERT INTO suppression VALUES ($1, 'BOUNCED', $2)", customer.email_key("gone@example.com", SECRET), now()
    )

    assert await refusal(_asked(shop)) == ("addresses", ErrorCode.INVALID)
    assert await refusal(_asked(shop, *["a@example.com"] * 6)) == ("addresses", ErrorCode.TOO_MANY)
    assert await refusal(_asked(shop, "a@example.com", "nobody\r\nBcc: b")) == ("addresses.1", ErrorCode.INVALID)
    assert await refusal(_asked(shop, "gone@example.com")) == ("addresses.0", ErrorCode.INVALID)
    assert await refusal(_asked(shop, "a@example.com", channel=PlanChannel.CHAT)) == ("id", ErrorCode.INVALID)
    assert await refusal(_asked(shop, "a@example.com", tag="x")) == ("language", ErrorCode.UNKNOWN_LANGUAGE)
    await Shop.filter(id=shop.id).update(score="3.20")
    plan = await Plan.filter(shop_id=shop.id, channel="EMAIL").first()
    assert plan is not None
    frozen = trial.ask(shop, plan, ["a@example.com"], tag=None, actor="anna", secret=SECRET)
    assert await refusal(frozen) == ("", ErrorCode.ACCESS_FROZEN)
    assert await refusal(make_draft(poor, channel=PlanChannel.EMAIL)) == ("channel", ErrorCode.EMAIL_NOT_ALLOWED)
    assert await database.fetch_value("SELECT count(*) FROM trial") == 0


@pytest.mark.usefixtures("database")
async def test_another_spelling_of_an_address_that_bounces_is_refused_as_well():
    """Customers have their domains in ASCII, so what bounces is known by that spelling."""
    shop = await make_shop()
    await customer.suppress([customer.email_key("gone@xn--mnchen-3ya.de", SECRET)], reason="BOUNCED", at=now())

    assert await refusal(_asked(shop, "gone@münchen.de")) == ("addresses.0", ErrorCode.INVALID)
    assert await database.fetch_value("SELECT count(*) FROM trial") == 0


@pytest.mark.usefixtures("database")
async def test_a_trial_is_kept_by_the_spelling_of_its_address_that_customers_have():
    """So whoever is erased takes along the trials that went to them, however their address was written."""
    _, (asked,) = await _asked(await make_shop(), "anna@MÜNCHEN.de")

    assert asked.address == "anna@xn--mnchen-3ya.de"


@pytest.mark.usefixtures("database")
async def test_a_shop_sends_50_trials_within_a_day_and_no_more(clock: Clock):
    shop = await make_shop()
    for _ in range(10):
        plan, _ = await _asked(shop, *["a@example.com"] * 5)

    assert await refusal(_asked(shop, "a@example.com")) == ("addresses", ErrorCode.TOO_MANY)
    clock.move(timedelta(days=1))
    assert len((await _asked(shop, "a@example.com"))[1]) == 1
    assert [len(each) for each in await of_plans([plan.id])] == [5]

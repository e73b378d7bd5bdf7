"""Webhooks that are changed and forgotten while something is told to them, tried, or posted."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from models import database, intent, webhook
from models.clock import Clock, now
from models.coupon.claim import claim
from models.errors import ErrorCode
from models.plan import PlanChannel
from models.shop import Shop
from models.webhook import Webhook, Wish, fact, posting
from models.webhook.fact import WANTED, WebhookFact
from tests.factories import make_coupon, make_customers, make_resolved, make_running, make_shop, make_webhook
from tests.forgetting import forgotten_at_commit
from tests.outside import Outside
from tests.refusals import refusal
from tests.slices import hand_over
from tests.waiting import until_a_lock_is_waited_for

pytestmark = pytest.mark.usefixtures("database")

Deed = Callable[[], Awaitable[Any]]


async def _a_claim(shop: Shop) -> Deed:
    coupon = await make_coupon(shop)
    return lambda: claim(uuid4(), coupon.id)


async def _a_pause(shop: Shop) -> Deed:
    plan = await make_running(shop)
    return plan.pause


async def _a_settlement(shop: Shop) -> Deed:
    await make_customers(shop, 1)
    settlements = await hand_over(await make_resolved(shop, channel=PlanChannel.EMAIL), None)
    return lambda: intent.commit(settlements, [])


WAYS = pytest.mark.parametrize(
    ("make", "happened"),
    [
        (_a_claim, "SELECT EXISTS (SELECT FROM claim)"),
        (_a_pause, "SELECT EXISTS (SELECT FROM plan WHERE status = 'PAUSED')"),
        (_a_settlement, "SELECT EXISTS (SELECT FROM delivery WHERE state = 'SENT')"),
    ],
)
"""One of each way in which facts are written down, and SQL of whether it happened."""


async def _told(shop: Shop) -> Webhook:
    """A webhook of the shop that is told of everything."""
    await make_webhook(shop, *WANTED)
    return (await Webhook.filter(shop_id=shop.id).order_by("-id"))[0]


@WAYS
async def test_what_becomes_true_while_a_webhook_is_being_forgotten_becomes_true(
    make: Callable[[Shop], Awaitable[Deed]], happened: str
):
    shop = await make_shop()
    deed = await make(shop)
    own = await _told(shop)
    outside = Outside()

    async with database.transaction():
        await webhook.remove(shop, own.id)
        doing = outside.begin(_do(deed))
        await until_a_lock_is_waited_for(unless=doing)
    await doing

    assert await database.fetch_value(happened)
    assert await database.fetch_value("SELECT count(*) FROM posting") == 0


@WAYS
async def test_a_webhook_that_changes_while_something_becomes_true_is_told_of_it(
    make: Callable[[Shop], Awaitable[Deed]], happened: str
):
    shop = await make_shop()
    deed = await make(shop)
    own = await _told(shop)
    outside = Outside()

    async with database.transaction():
        await database.execute("SELECT FROM webhook WHERE id = $1 FOR UPDATE", own.id)
        await webhook.edit(shop, own.id, Wish(description="ours"), targets="public")
        doing = outside.begin(_do(deed))
        await until_a_lock_is_waited_for(unless=doing)
        assert not doing.done()
    await doing

    assert await database.fetch_value(happened)
    assert await database.fetch_value("SELECT count(*) FROM posting WHERE webhook_id = $1", own.id) == 1


async def _do(deed: Deed) -> None:
    await deed()


async def test_a_webhook_that_is_forgotten_meanwhile_is_not_tried():
    shop = await make_shop()
    own = await _told(shop)
    outside = Outside()

    async with database.transaction():
        await webhook.remove(shop, own.id)
        trying = outside.begin(posting.ask_test(shop, own.id))
        await until_a_lock_is_waited_for(unless=trying)

    assert await refusal(trying) == ("id", ErrorCode.NOT_FOUND)
    assert await database.fetch_value("SELECT count(*) FROM posting") == 0


async def test_a_webhook_that_is_disabled_meanwhile_is_not_tried():
    shop = await make_shop()
    own = await _told(shop)
    outside = Outside()

    async with database.transaction():
        await webhook.edit(shop, own.id, Wish(is_enabled=False), targets="public")
        trying = outside.begin(posting.ask_test(shop, own.id))
        await until_a_lock_is_waited_for(unless=trying)

    assert await refusal(trying) == ("id", ErrorCode.CONFLICT)
    assert await database.fetch_value("SELECT count(*) FROM posting") == 0


async def test_what_was_becoming_true_when_a_webhook_was_disabled_is_not_told_when_it_is_enabled_again():
    shop = await make_shop()
    own = await _told(shop)
    outside = Outside()

    async with database.transaction():
        await fact.tell(shop.id, WebhookFact.COUPON_CLAIMED, {}, now())
        disabling = webhook.edit(shop, own.id, Wish(is_enabled=False), targets="public")
        await outside.begin(disabling)
    enabled = await webhook.edit(shop, own.id, Wish(is_enabled=True), targets="public")

    assert enabled.disabled_at is None
    assert await posting.due(own.id, 10) == []
    assert await database.fetch_value("SELECT state FROM posting") == "FAILED"


@pytest.mark.parametrize("deed", ["disable", "forget"])
async def test_a_webhook_changes_while_an_answer_of_its_target_is_noted(deed: str):
    shop = await make_shop()
    own = await _told(shop)
    await fact.tell(shop.id, WebhookFact.COUPON_CLAIMED, {}, now())
    await Webhook.filter(id=own.id).update(failing_since=now())
    [due] = await posting.due(own.id, 1)
    outside = Outside()

    async with database.transaction():
        await webhook.hold(shop.id, own.id)
        noting = outside.begin(posting.delivered(due.posting, "204"))
        await until_a_lock_is_waited_for(unless=noting)
        if deed == "forget":
            await webhook.remove(shop, own.id)
        else:
            await webhook.edit(shop, own.id, Wish(is_enabled=False), targets="public")
    await noting

    left = await database.fetch("SELECT disabled_reason FROM webhook")
    assert [row["disabled_reason"] for row in left] == ([] if deed == "forget" else ["BY_SELLER"])
    assert not await database.fetch_value("SELECT EXISTS (SELECT FROM posting WHERE state = 'PENDING')")


async def test_a_change_of_a_webhook_that_is_forgotten_right_after_is_answered():
    shop = await make_shop()
    own = await _told(shop)

    async with forgotten_at_commit("webhook", "id"):
        changed = await webhook.edit(shop, own.id, Wish(description="ours"), targets="public")

    assert (changed.id, changed.description) == (own.id, "ours")
    assert not await Webhook.exists()


async def test_a_webhook_that_was_disabled_keeps_the_first_reason_and_time(clock: Clock):
    shop = await make_shop()
    own = await _told(shop)
    await webhook.disable(own.id, webhook.GONE)
    clock.freeze(now() + timedelta(hours=1))

    await webhook.disable(own.id, webhook.BACKLOG)
    left = await webhook.edit(shop, own.id, Wish(is_enabled=False), targets="public")

    assert (left.disabled_reason, left.disabled_at) == ("GONE", now() - timedelta(hours=1))


async def test_a_webhook_that_is_enabled_already_loses_nothing_that_waits_by_being_enabled_or_described():
    shop = await make_shop()
    own = await _told(shop)
    await fact.tell(shop.id, WebhookFact.COUPON_CLAIMED, {}, now())

    await webhook.edit(shop, own.id, Wish(is_enabled=True), targets="public")
    await webhook.edit(shop, own.id, Wish(description="ours"), targets="public")

    assert len(await posting.due(own.id, 10)) == 1


async def test_a_webhook_that_is_enabled_again_has_its_days_of_failing_before_it():
    shop = await make_shop()
    own = await _told(shop)
    await Webhook.filter(id=own.id).update(failing_since=now())
    await webhook.disable(own.id, webhook.FAILING)

    kept = await webhook.edit(shop, own.id, Wish(description="ours"), targets="public")
    enabled = await webhook.edit(shop, own.id, Wish(is_enabled=True), targets="public")

    assert kept.disabled_reason == "FAILING" and kept.failing_since == now()
    assert [enabled.disabled_reason, enabled.disabled_at, enabled.failing_since] == [None] * 3


async def test_a_webhook_that_is_enabled_already_is_no_less_failing_for_being_enabled(clock: Clock):
    shop = await make_shop()
    own = await _told(shop)
    await Webhook.filter(id=own.id).update(failing_since=now())
    clock.move(timedelta(days=1))

    left = await webhook.edit(shop, own.id, Wish(url=own.url, is_enabled=True), targets="public")

    assert (left.failing_since, left.disabled_at) == (now() - timedelta(days=1), None)


async def test_a_webhook_that_leads_elsewhere_has_its_days_of_failing_before_it(clock: Clock):
    shop = await make_shop()
    own = await _told(shop)
    await fact.tell(shop.id, WebhookFact.COUPON_CLAIMED, {}, now())
    [due] = await posting.due(own.id, 1)
    await posting.refused(due.posting, "500")
    clock.move(posting.DISABLED_AFTER)

    same = await webhook.edit(shop, own.id, Wish(url=f" {own.url} "), targets="public")
    mended = await webhook.edit(shop, own.id, Wish(url="https://mended.example/"), targets="public")
    await posting.refused(due.posting, "500")

    assert same.failing_since == now() - posting.DISABLED_AFTER
    assert mended.failing_since is None
    left = await Webhook.get(id=own.id)
    assert (left.failing_since, left.disabled_at) == (now(), None)
    assert await database.fetch_value("SELECT state FROM posting") == "PENDING"


async def test_what_waits_for_a_webhook_that_leads_elsewhere_is_tried_there_at_once():
    shop = await make_shop()
    own, beside = await _told(shop), await _told(shop)
    await fact.tell(shop.id, WebhookFact.COUPON_CLAIMED, {}, now())
    for each in (own, beside):
        [due] = await posting.due(each.id, 1)
        await posting.refused(due.posting, "503", asked=timedelta(hours=6))

    await webhook.edit(shop, own.id, Wish(url=own.url, description="ours"), targets="public")
    assert await posting.due(own.id, 1) == []
    await webhook.edit(shop, own.id, Wish(url="https://mended.example/"), targets="public")

    [again] = await posting.due(own.id, 1)
    assert (again.posting.not_before, again.posting.attempts) == (now(), 1)
    assert await posting.due(beside.id, 1) == []


async def test_what_is_given_up_with_a_webhook_is_what_waits_for_that_one():
    shop = await make_shop()
    own, beside = await _told(shop), await _told(shop)
    for _ in range(2):
        await fact.tell(shop.id, WebhookFact.COUPON_CLAIMED, {}, now())
    [taken] = await posting.due(own.id, 1)
    await posting.delivered(taken.posting, "204")

    await webhook.disable(own.id, webhook.GONE)

    rows = await database.fetch("SELECT webhook_id, state, answer, data::text FROM posting ORDER BY webhook_id, id")
    assert [(row["webhook_id"], row["state"], row["answer"]) for row in rows] == [
        (own.id, "DELIVERED", "204"), (own.id, "FAILED", "DISABLED"),
        (beside.id, "PENDING", None), (beside.id, "PENDING", None),
    ]  # fmt: skip
    assert [row["data"] for row in rows[:2]] == ["{}", "{}"]


async def test_a_shop_s_webhooks_are_its_own_to_count_and_to_change():
    shop, other = await make_shop(), await make_shop("other")
    wish = Wish(
        url="https://hook.example/", facts=[WebhookFact.COUPON_CLAIMED], description="x" * webhook.MOST_DESCRIPTION
    )
    for _ in range(webhook.MOST_WEBHOOKS):
        own = await webhook.create(other, wish, targets="public", key=b"k", actor="ben")

    assert (await webhook.create(shop, wish, targets="public", key=b"k", actor="anna")).description == "x" * 200
    for change in (
        webhook.edit(shop, own.id, Wish(is_enabled=False), targets="public"),
        webhook.rotate(shop, own.id, key=b"k"),
        webhook.remove(shop, own.id),
    ):
        assert await refusal(change) == ("id", ErrorCode.NOT_FOUND)
    assert await webhook.of_shop(shop.id, own.id) is None
    left = await Webhook.get(id=own.id)
    assert (left.disabled_at, left.salt) == (None, own.salt)

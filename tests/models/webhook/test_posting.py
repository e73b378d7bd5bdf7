"""Postings: what is settled stays settled, whatever another try of the same request is answered."""

from datetime import timedelta

import pytest

from models import database, webhook
from models.clock import Clock, now
from models.shop import Shop
from models.webhook import Webhook, Wish, fact, posting
from models.webhook.fact import WebhookFact
from tests.factories import make_shop

KEY = b"another secret for tests, long enough too"


async def listen(shop: Shop) -> Webhook:
    """A webhook of the shop that is told how its plans stand."""
    wish = Wish(url="https://hook.example/", facts=[WebhookFact.PLAN_STATUS_CHANGED])
    return await webhook.create(shop, wish, targets="public", key=KEY, actor="anna")


async def switch(shop: Shop, own: Webhook, *, on: bool) -> None:
    """Enable or disable a webhook."""
    await webhook.edit(shop, own.id, Wish(is_enabled=on), targets="public")


@pytest.mark.usefixtures("database")
async def test_a_request_that_is_not_taken_while_its_webhook_is_disabled_does_not_come_again(clock: Clock):
    shop = await make_shop()
    own = await listen(shop)
    await fact.tell(shop.id, WebhookFact.PLAN_STATUS_CHANGED, {"to": "SENT"}, now())
    (on_its_way,) = await posting.due(own.id, 1)
    await switch(shop, own, on=False)
    given_up = await database.fetch("SELECT * FROM posting")

    await posting.refused(on_its_way.posting, "500")
    assert await database.fetch("SELECT * FROM posting") == given_up
    await switch(shop, own, on=True)
    clock.move(timedelta(days=1))
    assert await posting.due(own.id, 1) == []


@pytest.mark.usefixtures("database")
async def test_a_request_that_one_worker_delivered_is_not_brought_back_by_another_that_was_slow():
    shop = await make_shop()
    own = await listen(shop)
    await fact.tell(shop.id, WebhookFact.PLAN_STATUS_CHANGED, {"to": "SENT"}, now())
    (slow,), (quick,) = [await posting.due(own.id, 1) for _ in range(2)]
    await posting.delivered(quick.posting, "200")
    taken = await database.fetch("SELECT * FROM posting")

    await posting.refused(slow.posting, "NO_ANSWER")

    assert await database.fetch("SELECT * FROM posting") == taken


@pytest.mark.usefixtures("database")
async def test_of_webhooks_for_which_something_waits_the_one_served_longest_ago_comes_next():
    shop = await make_shop()
    owns = [(await listen(shop)).id for _ in range(3)]
    await fact.tell(shop.id, WebhookFact.PLAN_STATUS_CHANGED, {"to": "SENT"}, now())
    taken = []
    for _ in range(5):
        (own,) = await posting.take(1, but=[owns[1]])
        await posting.release(own)
        taken.append(own.id)
    (last,) = await posting.take(1, but=[])

    assert (taken, last.id) == ([owns[0], owns[2], owns[0], owns[2], owns[0]], owns[1])
    assert await posting.take(5, but=[owns[0]]) == [await Webhook.get(id=owns[2])]


@pytest.mark.usefixtures("database")
async def test_a_worker_that_was_slow_does_not_give_back_what_another_holds_by_now(monkeypatch: pytest.MonkeyPatch):
    shop = await make_shop()
    await listen(shop)
    await fact.tell(shop.id, WebhookFact.PLAN_STATUS_CHANGED, {"to": "SENT"}, now())
    monkeypatch.setattr(posting, "HOLD", timedelta())
    (slow,) = await posting.take(1, but=[])
    monkeypatch.undo()
    (quick,) = await posting.take(1, but=[])

    await posting.release(slow)

    assert await posting.take(1, but=[]) == []
    assert (await Webhook.get(id=quick.id)).held_until == quick.held_until

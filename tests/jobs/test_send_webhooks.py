"""Postings reach their webhooks at least once, signed and no further: again after a failure, by one worker at a time."""

import asyncio
import threading
from datetime import timedelta

import pytest
from standardwebhooks import Webhook as Receiver

from jobs.channels.http.poster import Poster
from jobs.context import Context
from jobs.send_webhooks import AT_ONCE, send_webhooks
from models import database as db
from models import webhook
from models.clock import Clock, now
from models.shop import Shop
from models.webhook import Webhook, Wish, fact, posting
from models.webhook.fact import WebhookFact
from models.webhook.posting import DELAYS, DISABLED_AFTER
from tests.conftest import NOON
from tests.factories import make_shop
from tests.http_sink import Act, HttpSink
from tests.webhooks import KEY, listen, waiting


async def ask(shop: Shop, receiver: HttpSink, count: int = 1) -> Webhook:
    """A webhook for which so many facts wait."""
    own = await listen(shop, receiver, WebhookFact.PLAN_STATUS_CHANGED)
    for number in range(count):
        await fact.tell(shop.id, WebhookFact.PLAN_STATUS_CHANGED, {"number": number}, now())
    return own


async def test_what_is_not_taken_comes_again_later_and_later_under_the_same_id_until_it_has_failed(
    ctx: Context, receiver: HttpSink, clock: Clock
):
    receiver.script = lambda _number: 500
    own = await ask(await make_shop(), receiver)
    tries = []
    for delay in DELAYS:
        await send_webhooks(ctx)
        (found,) = await db.fetch("SELECT * FROM posting")
        tries.append(found["not_before"] - now())
        await send_webhooks(ctx)
        clock.move(delay)
    await send_webhooks(ctx)

    assert tries == list(DELAYS)
    assert receiver.begun == len(DELAYS) + 1
    (found,) = await db.fetch("SELECT * FROM posting")
    assert (found["state"], found["attempts"], found["answer"]) == ("FAILED", len(DELAYS) + 1, "500")
    assert (await Webhook.get(id=own.id)).failing_since is not None


async def test_the_same_id_comes_at_every_try(ctx: Context, receiver: HttpSink, clock: Clock):
    receiver.script = lambda number: Act.TAKE_AND_RESET if number == 1 else None
    own = await ask(await make_shop(), receiver)
    await send_webhooks(ctx)
    assert (await db.fetch_value("SELECT answer FROM posting")) == "NO_ANSWER"
    clock.move(DELAYS[0])
    await send_webhooks(ctx)

    assert len(receiver.taken()) == 2
    assert len(set(receiver.taken())) == 1
    assert (await Webhook.get(id=own.id)).failing_since is None
    assert await db.fetch_value("SELECT state FROM posting") == "DELIVERED"


async def test_a_receiver_that_is_down_gets_one_request_a_look_and_everything_when_it_is_back(
    ctx: Context, receiver: HttpSink, clock: Clock
):
    receiver.script = lambda number: 503 if number <= 2 else None
    await ask(await make_shop(), receiver, 5)
    await send_webhooks(ctx)
    assert receiver.begun == 1
    await send_webhooks(ctx)
    assert receiver.begun == 2
    clock.move(DELAYS[0])
    await send_webhooks(ctx)

    assert [request.json["data"]["number"] for request in receiver.requests] == [0, 1, 2, 3, 4]


async def test_a_request_that_is_refused_as_such_holds_nothing_up(ctx: Context, receiver: HttpSink):
    receiver.script = lambda number: 400 if number == 1 else None
    await ask(await make_shop(), receiver, 3)
    await send_webhooks(ctx)

    assert [request.json["data"]["number"] for request in receiver.requests] == [1, 2]
    assert await waiting() == 1


async def test_what_goes_wrong_with_one_shop_s_webhooks_keeps_no_other_s_waiting(ctx: Context, receiver: HttpSink):
    odd = await make_shop("odd")
    for _ in range(AT_ONCE):
        await listen(odd, receiver, WebhookFact.CUSTOMER_UNSUBSCRIBED)
    await fact.tell(odd.id, WebhookFact.CUSTOMER_UNSUBSCRIBED, {"customer": "nobody"}, now())
    await ask(await make_shop("other"), receiver, 1)
    with pytest.RaisesGroup(*[pytest.RaisesExc(ValueError, match="UUID")] * AT_ONCE):
        await send_webhooks(ctx)

    assert [request.path for request in receiver.requests] == ["/other"]


async def test_a_webhook_that_answers_gone_is_disabled_and_nothing_waits_for_it_any_more(
    ctx: Context, receiver: HttpSink
):
    receiver.script = lambda _number: 410
    shop = await make_shop()
    own = await ask(shop, receiver, 3)
    await send_webhooks(ctx)
    await fact.tell(shop.id, WebhookFact.PLAN_STATUS_CHANGED, {}, now())

    gone = await Webhook.get(id=own.id)
    assert (gone.disabled_reason, gone.disabled_at) == ("GONE", NOON)
    assert receiver.begun == 1
    rows = await db.fetch("SELECT state, answer FROM posting ORDER BY id")
    assert [tuple(row) for row in rows] == [("FAILED", "DISABLED")] * 3


@pytest.mark.parametrize(("status", "state"), [(204, "DELIVERED"), (400, "FAILED")])
@pytest.mark.parametrize("is_removed", [False, True])
async def test_a_webhook_that_is_disabled_or_deleted_while_it_is_posted_to_is_told_nothing_more(
    ctx: Context, receiver: HttpSink, status: int, state: str, is_removed: bool
):
    is_asked, may_answer = threading.Event(), threading.Event()

    def answer(_number: int) -> int:
        is_asked.set()
        may_answer.wait(60)
        return status

    receiver.script = answer
    shop = await make_shop()
    own = await ask(shop, receiver, 3)
    posting_it = asyncio.create_task(send_webhooks(ctx))
    await asyncio.to_thread(is_asked.wait, 60)
    if is_removed:
        await webhook.remove(shop, own.id)
    else:
        await webhook.edit(shop, own.id, Wish(is_enabled=False), targets="any")
    may_answer.set()
    await posting_it

    assert receiver.begun == 1
    states = [row["state"] for row in await db.fetch("SELECT state FROM posting ORDER BY id")]
    assert states == ([] if is_removed else [state, "FAILED", "FAILED"])


async def test_a_webhook_that_leads_elsewhere_by_now_is_not_disabled_for_what_its_old_url_answers(
    ctx: Context, receiver: HttpSink
):
    is_asked, may_answer = threading.Event(), threading.Event()

    def answer(_number: int) -> int:
        is_asked.set()
        may_answer.wait(60)
        return 410

    receiver.script = answer
    shop = await make_shop()
    own = await ask(shop, receiver)
    posting_it = asyncio.create_task(send_webhooks(ctx))
    await asyncio.to_thread(is_asked.wait, 60)
    await webhook.edit(shop, own.id, Wish(url="https://mended.example/"), targets="public")
    may_answer.set()
    await posting_it

    left = await Webhook.get(id=own.id)
    assert (left.url, left.disabled_at) == ("https://mended.example/", None)
    assert await waiting() == 1


async def test_a_webhook_that_takes_nothing_for_days_is_disabled(ctx: Context, receiver: HttpSink, clock: Clock):
    receiver.script = lambda _number: 500
    shop = await make_shop()
    own = await ask(shop, receiver)
    await send_webhooks(ctx)
    clock.move(DISABLED_AFTER)
    await send_webhooks(ctx)

    assert (await Webhook.get(id=own.id)).disabled_reason == "FAILING"
    assert await waiting() == 0


async def test_a_webhook_for_which_too_much_waits_is_disabled(
    ctx: Context, receiver: HttpSink, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(posting, "MOST_WAITING", 2)
    own = await ask(await make_shop(), receiver, 3)
    await send_webhooks(ctx)

    assert (await Webhook.get(id=own.id)).disabled_reason == "BACKLOG"
    assert receiver.begun == 0


async def test_jobs_at_once_post_nothing_twice(ctx: Context, receiver: HttpSink):
    receiver.delay = 0.01
    for name in ("one", "two", "three"):
        await ask(await make_shop(name), receiver, 10)
    await asyncio.gather(*(send_webhooks(ctx) for _ in range(4)))

    assert len(receiver.taken()) == len(set(receiver.taken())) == 30
    for name in ("one", "two", "three"):
        numbers = [each.json["data"]["number"] for each in receiver.requests if each.path == f"/{name}"]
        assert numbers == list(range(10))


async def test_a_lost_worker_s_webhook_is_another_s_after_a_while(ctx: Context, receiver: HttpSink):
    own = await ask(await make_shop(), receiver)
    assert [each.id for each in await posting.take(5, but=[])] == [own.id]
    await send_webhooks(ctx)
    assert receiver.begun == 0
    await db.execute("UPDATE webhook SET held_until = clock_timestamp() - interval '1 second'")
    await send_webhooks(ctx)

    assert receiver.begun == 1


async def test_a_webhook_at_a_private_address_is_never_connected_to(ctx: Context, receiver: HttpSink):
    await ask(await make_shop(), receiver)
    poster = Poster("public")
    await send_webhooks({**ctx, "poster": poster})
    await poster.close()

    assert receiver.begun == 0
    assert await db.fetch_value("SELECT answer FROM posting") == "ADDRESS_REFUSED"


async def test_settled_postings_are_forgotten_after_a_week(ctx: Context, receiver: HttpSink, clock: Clock):
    await ask(await make_shop(), receiver)
    await send_webhooks(ctx)
    assert not await posting.is_due()
    clock.move(posting.KEPT + timedelta(seconds=1))
    assert await posting.is_due()
    await send_webhooks(ctx)

    assert await db.fetch_value("SELECT count(*) FROM posting") == 0


async def test_after_a_rotation_a_request_holds_by_the_old_secret_and_by_the_new(
    ctx: Context, receiver: HttpSink, clock: Clock
):
    clock.reset()
    shop = await make_shop()
    own = await ask(shop, receiver)
    turned = await webhook.rotate(shop, own.id, key=KEY)
    await send_webhooks(ctx)

    assert own.secret and turned.secret and own.secret != turned.secret
    for secret in (own.secret, turned.secret):
        Receiver(secret).verify(receiver.requests[0].body, dict(receiver.requests[0].headers))

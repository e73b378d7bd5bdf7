"""Chat goes to a shop's own platform: signed, at most once, and the ledger knows what became of each message."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from jobs.channels.bookkeeping.group_commit import Grant
from jobs.channels.http.platform_session import PlatformSession
from jobs.channels.platform import PlatformChannel
from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from models import chat_platform, consent, message
from models import database as db
from models import slice as slices
from models.clock import Clock, now
from models.identifier import customer_id, global_id
from models.message import Message, MessageKey
from models.plan import Plan, PlanStatus, advance
from models.shop import Shop
from tests import oracle
from tests.factories import make_coupon, make_customers, make_resolved, make_shop, make_webhook
from tests.http_sink import Act, HttpSink
from tests.jobs.channels.platform.plan import KEY, make_platform_plan, states

Touch = Callable[[MessageKey], Awaitable[Message | None]]


async def test_each_recipient_s_message_arrives_once_signed_and_as_they_would_read_it(
    ctx: Context, receiver: HttpSink, platform: Callable[..., PlatformChannel], clock: Clock
):
    clock.reset()
    platform()
    shop, plan, secret = await make_platform_plan(receiver, 30, button="CART", image_url="https://img.example/a.png")

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None, 1): 30}
    verified = [Webhook(secret).verify(request.body, dict(request.headers)) for request in receiver.requests]
    assert {said["data"]["text"] for said in verified} == {f"Hi c{n}, greetings from Bloom" for n in range(30)}
    first = next(said for said in verified if said["data"]["customer"] == "c0")
    row = await db.fetch_one(
        "SELECT customer_id FROM delivery JOIN customer c ON c.id = customer_id WHERE c.name = 'c0'"
    )
    assert row is not None
    assert first["type"] == "chat.message"
    assert first["data"]["id"] == global_id("Message", plan.id, row["customer_id"], "")
    assert (first["data"]["shop"], first["data"]["language"]) == (shop.external_id, "en")
    assert first["data"]["button"] == {"destination": "CART", "label": "Go to cart", "url": None}
    assert first["data"]["imageUrl"] == "https://img.example/a.png"
    assert sorted(receiver.taken()) == sorted(request.id for request in receiver.requests)
    assert len(set(receiver.taken())) == 30
    await oracle.check(receiver.accepted(), channel="CHAT")
    await advance.finish(plan.id)
    assert (await Plan.get(id=plan.id)).status is PlanStatus.SENT


async def test_a_message_has_the_plan_s_coupon_and_the_same_id_at_every_try(
    ctx: Context, receiver: HttpSink, platform: Callable[..., PlatformChannel], clock: Clock
):
    platform()
    receiver.script = lambda number: 503 if number == 1 else None
    coupon = await make_coupon(await make_shop("other"))
    coupon_shop = await Shop.get(id=coupon.shop_id)
    await chat_platform.connect(coupon_shop, receiver.start(), targets="any", key=KEY)
    await make_customers(coupon_shop, 1)
    plan = await make_resolved(coupon_shop, coupon_id=coupon.id)
    ids = []
    keep = PlatformSession.send

    async def noting(self: PlatformSession, message: slices.Waiting) -> object:
        post = self._writer.write(message)
        assert post is not None
        ids.append(post.headers["webhook-id"])
        return await keep(self, message)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PlatformSession, "send", noting)
        await deliver_slice(ctx, plan.id, 1)
        assert await states() == {("PENDING", "503", 1): 1}
        clock.move(timedelta(minutes=10))
        await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None, 2): 1}
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert receiver.requests[0].json["data"]["coupon"]["name"] == "Ten percent"
    assert receiver.requests[0].json["data"]["imageUrl"] is None


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (200, ("SENT", None)), (202, ("SENT", None)), (299, ("SENT", None)),
        (302, ("FAILED", "302")), (400, ("FAILED", "400")), (404, ("FAILED", "404")), (410, ("FAILED", "410")),
        (408, ("PENDING", "408")), (425, ("PENDING", "425")), (429, ("PENDING", "429")), (503, ("PENDING", "503")),
        (501, ("FAILED", "501")), (505, ("FAILED", "505")),
        (500, ("UNKNOWN", "500")), (502, ("UNKNOWN", "502")), (504, ("UNKNOWN", "504")),
        (Act.RESET, ("UNKNOWN", "CONNECTION_LOST")), (Act.TAKE_AND_RESET, ("UNKNOWN", "CONNECTION_LOST")),
    ],
)  # fmt: skip
async def test_what_a_platform_answers_decides_what_became_of_the_message(
    ctx: Context,
    receiver: HttpSink,
    platform: Callable[..., PlatformChannel],
    answer: int | Act,
    outcome: tuple[str, str | None],
):
    platform()
    receiver.script = lambda _number: answer
    _, plan, _ = await make_platform_plan(receiver, 1)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {(*outcome, 1): 1}
    await oracle.check(receiver.accepted(), channel="CHAT")
    contacts = await db.fetch_value("SELECT count(*) FROM contact")
    assert contacts == (1 if outcome[0] in ("SENT", "UNKNOWN") else 0)


@pytest.mark.parametrize("touch", [message.mark_read, message.click])
async def test_a_message_of_unknown_outcome_that_its_shopper_opens_has_arrived(
    ctx: Context, receiver: HttpSink, platform: Callable[..., PlatformChannel], clock: Clock, touch: Touch
):
    platform()
    receiver.script = lambda _number: Act.TAKE_AND_RESET
    shop, plan, _ = await make_platform_plan(receiver, 2)
    await make_webhook(shop, "messages.sent", "message.read")
    await deliver_slice(ctx, plan.id, 1)
    assert await states() == {("UNKNOWN", "CONNECTION_LOST", 1): 2}
    shown = receiver.requests[0].json["data"]
    key = MessageKey(plan.id, customer_id(shown["customer"]))
    clock.move(timedelta(minutes=3))

    opened = await touch(key)
    await touch(key)

    assert opened is not None
    assert (opened.text, opened.sent_at, opened.read_at) == (shown["text"], now(), now())
    assert await states() == {("SENT", None, 1): 1, ("UNKNOWN", "CONNECTION_LOST", 1): 1}
    told = await db.fetch("SELECT fact, data FROM posting ORDER BY id")
    assert [row["fact"] for row in told] == ["messages.sent", "message.read"]
    assert db.decode(told[0]["data"])["messages"] == [[plan.id, str(key.customer_id), "", "CHAT", "en", None]]
    await oracle.check(receiver.accepted(), channel="CHAT")


@pytest.mark.parametrize("touch", [message.mark_read, message.click])
@pytest.mark.parametrize("answer", [400, 503])
async def test_what_a_platform_refused_cannot_be_opened(
    ctx: Context, receiver: HttpSink, platform: Callable[..., PlatformChannel], answer: int, touch: Touch
):
    platform()
    receiver.script = lambda _number: answer
    _, plan, _ = await make_platform_plan(receiver, 1)
    await deliver_slice(ctx, plan.id, 1)
    before = await db.fetch("SELECT * FROM delivery")

    assert await touch(MessageKey(plan.id, before[0]["customer_id"])) is None

    assert await db.fetch("SELECT * FROM delivery") == before


async def test_a_connection_cut_before_the_last_byte_leaves_the_message_waiting_without_doubt(
    ctx: Context, receiver: HttpSink, platform: Callable[..., PlatformChannel], clock: Clock
):
    """Sometimes the cut is noticed only after the last byte, when nobody can tell any more: it never is sent twice."""
    platform(webhook_connections=1)
    receiver.script = lambda number: Act.RESET_EARLY if number <= 3 else None
    _, plan, _ = await make_platform_plan(receiver, 3)

    await deliver_slice(ctx, plan.id, 1)
    found = await states()
    assert {state for state, _, _ in found} <= {"PENDING", "UNKNOWN"}
    assert receiver.taken() == []
    clock.move(timedelta(hours=1))
    await deliver_slice(ctx, plan.id, 1)

    await oracle.check(receiver.accepted(), channel="CHAT")


async def test_a_platform_that_is_gone_when_the_last_byte_may_leave_leaves_no_message_in_doubt(
    ctx: Context,
    receiver: HttpSink,
    platform: Callable[..., PlatformChannel],
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
):
    platform(webhook_connections=1)
    receiver.script = lambda number: Act.RESET_EARLY if number <= 3 else None
    _, plan, _ = await make_platform_plan(receiver, 3)
    intend = PlatformSession.intend

    async def slowly(session: PlatformSession, message: slices.Waiting) -> Grant | None:
        grant = await intend(session, message)
        await asyncio.sleep(0.2)
        return grant

    monkeypatch.setattr(PlatformSession, "intend", slowly)

    await deliver_slice(ctx, plan.id, 1)
    assert set(await states()) == {("PENDING", "CONNECTION_LOST", 1)}
    assert receiver.taken() == []
    await oracle.check([], channel="CHAT")

    clock.move(timedelta(minutes=5))
    await deliver_slice(ctx, plan.id, 1)
    assert await states() == {("SENT", None, 2): 3}
    await oracle.check(receiver.accepted(), channel="CHAT")


async def test_who_blocks_the_shop_meanwhile_gets_nothing(
    ctx: Context, receiver: HttpSink, platform: Callable[..., PlatformChannel]
):
    platform()
    shop, plan, _ = await make_platform_plan(receiver, 2)
    (leaving,) = await db.fetch("SELECT customer_id FROM delivery ORDER BY customer_id LIMIT 1")
    await consent.block(shop.id, leaving["customer_id"])

    await deliver_slice(ctx, plan.id, 1)

    assert len(receiver.taken()) == 1
    assert leaving["customer_id"].hex not in receiver.taken()[0]


async def test_a_customer_the_platform_has_never_told_of_cannot_be_addressed(
    ctx: Context, receiver: HttpSink, platform: Callable[..., PlatformChannel]
):
    platform()
    _, plan, _ = await make_platform_plan(receiver, 2)
    await db.execute("DELETE FROM customer WHERE name = 'c0'")

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("FAILED", "NO_ADDRESS", 1): 1, ("SENT", None, 1): 1}


async def test_without_its_platform_a_shop_s_waiting_chat_goes_to_the_inbox(
    ctx: Context, receiver: HttpSink, platform: Callable[..., PlatformChannel]
):
    platform()
    shop, plan, _ = await make_platform_plan(receiver, 5)
    await chat_platform.disconnect(shop)

    await deliver_slice(ctx, plan.id, 1)
    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None, 0): 5}
    assert receiver.begun == 0
    assert await db.fetch_value("SELECT done_at IS NOT NULL FROM slice")


async def test_a_platform_at_a_private_address_is_never_connected_to_and_the_plan_says_why(
    ctx: Context, receiver: HttpSink, platform: Callable[..., PlatformChannel]
):
    """The URL was allowed when it was written: it is looked at again when it is called."""
    platform(webhook_targets="public")
    _, plan, _ = await make_platform_plan(receiver, 5)

    await deliver_slice(ctx, plan.id, 1)

    assert receiver.begun == 0
    assert await states() == {("PENDING", None, 0): 5}
    assert (await Plan.get(id=plan.id)).status_reason == "RELAY_REFUSES:ADDRESS_REFUSED"

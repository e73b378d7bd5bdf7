"""Chat goes to a shop's own platform: signed, at most once, and the ledger knows what became of each message."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from jobs.channels import platform as platforms
from jobs.channels.http.platform_session import PlatformSession
from jobs.channels.http.poster import AddressRefusedError, Poster, WholeBody
from jobs.channels.platform import IN_A_ROW, PlatformChannel
from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from models import chat_platform, consent
from models import database as db
from models import slice as slices
from models.clock import Clock, now
from models.identifier import global_id
from models.plan import Plan, PlanStatus, advance
from models.shop import Shop
from models.webhook.endpoint import Targets
from tests import oracle
from tests.conftest import NOON
from tests.factories import make_coupon, make_customers, make_resolved, make_shop
from tests.http_sink import Act, HttpSink
from tests.waiting import until

KEY = b"another secret for tests, long enough too"


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[HttpSink]:
    """A scripted receiver, not yet started."""
    sink = HttpSink(tmp_path / "requests")
    yield sink
    if sink.is_up:
        sink.stop()


@pytest.fixture
async def platform(ctx: Context) -> AsyncIterator[Callable[..., PlatformChannel]]:
    """Makes the channel of `ctx`; settings may be changed by keyword."""
    made: list[PlatformChannel] = []
    posters: list[Poster] = []

    def make(**settings: object) -> PlatformChannel:
        changes = {"webhook_targets": "any", "webhook_connections": 4, **settings}
        changed = ctx["settings"].model_copy(update=changes)
        poster = Poster(changed.webhook_targets)
        posters.append(poster)
        channel = PlatformChannel(changed, ctx["tally"], poster)
        ctx["channels"]["PLATFORM"] = channel
        made.append(channel)
        return channel

    yield make
    for channel in made:
        await channel.close()
    for poster in posters:
        await poster.close()


async def make_platform_plan(sink: HttpSink, recipients: int, **fields: object) -> tuple[Shop, Plan, str]:
    """A shop whose chat goes to the sink, a resolved plan to `recipients`, and the platform's secret."""
    shop = await make_shop()
    url = sink.start() if not sink.port else f"http://127.0.0.1:{sink.port}/hook"
    connected = await chat_platform.connect(shop, url, targets="any", key=KEY)
    await make_customers(shop, recipients)
    plan = await make_resolved(shop, **fields)
    assert connected.secret is not None
    return shop, plan, connected.secret


async def states() -> Counter[tuple[str, str | None, int]]:
    rows = await db.fetch("SELECT state, reason, attempt FROM delivery")
    return Counter((row["state"], row["reason"], row["attempt"]) for row in rows)


async def test_each_recipient_s_message_arrives_once_signed_and_as_they_would_read_it(
    ctx: Context, sink: HttpSink, platform: Callable[..., PlatformChannel], clock: Clock
):
    clock.reset()
    platform()
    shop, plan, secret = await make_platform_plan(sink, 30, button="CART", image_url="https://img.example/a.png")

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None, 1): 30}
    verified = [Webhook(secret).verify(request.body, dict(request.headers)) for request in sink.requests]
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
    assert sorted(sink.taken()) == sorted(request.id for request in sink.requests)
    assert len(set(sink.taken())) == 30
    await oracle.check(sink.accepted(), channel="CHAT")
    await advance.finish(plan.id)
    assert (await Plan.get(id=plan.id)).status is PlanStatus.SENT


async def test_a_message_has_the_plan_s_coupon_and_the_same_id_at_every_try(
    ctx: Context, sink: HttpSink, platform: Callable[..., PlatformChannel], clock: Clock
):
    platform()
    sink.script = lambda number: 503 if number == 1 else None
    coupon = await make_coupon(await make_shop("other"))
    coupon_shop = await Shop.get(id=coupon.shop_id)
    await chat_platform.connect(coupon_shop, sink.start(), targets="any", key=KEY)
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
    assert sink.requests[0].json["data"]["coupon"]["name"] == "Ten percent"
    assert sink.requests[0].json["data"]["imageUrl"] is None


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
    sink: HttpSink,
    platform: Callable[..., PlatformChannel],
    answer: int | Act,
    outcome: tuple[str, str | None],
):
    platform()
    sink.script = lambda _number: answer
    _, plan, _ = await make_platform_plan(sink, 1)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {(*outcome, 1): 1}
    await oracle.check(sink.accepted(), channel="CHAT")
    contacts = await db.fetch_value("SELECT count(*) FROM contact")
    assert contacts == (1 if outcome[0] in ("SENT", "UNKNOWN") else 0)


async def test_a_connection_cut_before_the_last_byte_leaves_the_message_waiting_without_doubt(
    ctx: Context, sink: HttpSink, platform: Callable[..., PlatformChannel], clock: Clock
):
    """Sometimes the cut is noticed only after the last byte, when nobody can tell any more: it never is sent twice."""
    platform(webhook_connections=1)
    sink.script = lambda number: Act.RESET_EARLY if number <= 3 else None
    _, plan, _ = await make_platform_plan(sink, 3)

    await deliver_slice(ctx, plan.id, 1)
    found = await states()
    assert {state for state, _, _ in found} <= {"PENDING", "UNKNOWN"}
    assert sink.taken() == []
    clock.move(timedelta(hours=1))
    await deliver_slice(ctx, plan.id, 1)

    await oracle.check(sink.accepted(), channel="CHAT")


async def test_a_platform_that_refuses_connections_costs_no_try_and_the_slice_comes_back(
    ctx: Context, sink: HttpSink, platform: Callable[..., PlatformChannel], clock: Clock
):
    platform()
    _, plan, _ = await make_platform_plan(sink, 20)
    sink.stop()

    await deliver_slice(ctx, plan.id, 1)
    assert await states() == {("PENDING", None, 0): 20}
    due = await db.fetch_value("SELECT due_at FROM slice")
    assert NOON + timedelta(seconds=5) <= due <= NOON + timedelta(seconds=60)
    sink.start()
    clock.freeze(due)
    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None, 1): 20}
    assert len(set(sink.taken())) == 20


async def test_a_platform_that_still_cannot_be_reached_rests_twice_as_long_until_it_is(
    ctx: Context, sink: HttpSink, platform: Callable[..., PlatformChannel], clock: Clock
):
    platform()
    shop, plan, _ = await make_platform_plan(sink, 20)
    sink.stop()
    pauses = []
    for _ in range(4):
        await deliver_slice(ctx, plan.id, 1)
        due = await db.fetch_value("SELECT due_at FROM slice")
        pauses.append((due - now()).total_seconds())
        clock.freeze(due)
    assert pauses == [5, 10, 20, 40]

    sink.start()
    await deliver_slice(ctx, plan.id, 1)
    sink.stop()
    later = await make_resolved(shop)
    await deliver_slice(ctx, later.id, 1)

    due = await db.fetch_value("SELECT due_at FROM slice WHERE plan_id = $1", later.id)
    assert due - now() == timedelta(seconds=5)


async def test_a_platform_that_asks_to_wait_gets_nothing_more_until_then(
    ctx: Context, sink: HttpSink, platform: Callable[..., PlatformChannel]
):
    platform(webhook_connections=1)
    sink.script = lambda _number: "429\nretry-after: 600\r\n"
    _, plan, _ = await make_platform_plan(sink, 20)

    await deliver_slice(ctx, plan.id, 1)

    assert sink.begun == 1
    assert await states() == {("PENDING", "429", 1): 1, ("PENDING", None, 0): 19}
    assert await db.fetch_value("SELECT due_at FROM slice") == NOON + timedelta(minutes=10)


async def test_a_platform_that_takes_nothing_pauses_the_plan_and_most_still_wait(
    ctx: Context, sink: HttpSink, platform: Callable[..., PlatformChannel]
):
    platform(webhook_connections=1)
    sink.script = lambda _number: 401
    _, plan, _ = await make_platform_plan(sink, 100)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("FAILED", "401", 1): IN_A_ROW, ("PENDING", None, 0): 100 - IN_A_ROW}
    paused = await Plan.get(id=plan.id)
    assert (paused.status, paused.status_reason) == (PlanStatus.PAUSED, "RELAY_REFUSES:401")


async def test_messages_that_are_not_taken_are_counted_from_one_small_slice_to_the_next(
    ctx: Context, sink: HttpSink, platform: Callable[..., PlatformChannel], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(slices, "SLICE_SIZE", IN_A_ROW // 4)
    platform(webhook_connections=1)
    sink.script = lambda _number: 401
    _, plan, _ = await make_platform_plan(sink, 2 * IN_A_ROW)

    for number in range(1, 9):
        await deliver_slice(ctx, plan.id, number)

    assert await states() == {("FAILED", "401", 1): IN_A_ROW, ("PENDING", None, 0): IN_A_ROW}
    assert (await Plan.get(id=plan.id)).status_reason == "RELAY_REFUSES:401"


async def test_as_many_requests_as_allowed_are_on_the_wire_at_once(
    ctx: Context, sink: HttpSink, platform: Callable[..., PlatformChannel], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(slices, "SLICE_SIZE", 10)
    platform()
    sink.delay = 0.02
    _, plan, _ = await make_platform_plan(sink, 40)

    await asyncio.gather(*(deliver_slice(ctx, plan.id, number) for number in range(1, 5)))

    assert await states() == {("SENT", None, 1): 40}
    assert sink.most_open == 4


async def test_a_slow_platform_s_slice_takes_turns_and_loses_nothing(
    ctx: Context, sink: HttpSink, platform: Callable[..., PlatformChannel], monkeypatch: pytest.MonkeyPatch
):
    platform(webhook_connections=1)
    _, plan, _ = await make_platform_plan(sink, 5)
    sink.delay = 0.2
    monkeypatch.setattr(platforms, "TURN", 0.1)
    await deliver_slice(ctx, plan.id, 1)
    after_one = await states()
    sink.delay = 0
    monkeypatch.setattr(platforms, "TURN", 60.0)
    await deliver_slice(ctx, plan.id, 1)

    assert after_one["PENDING", None, 0] >= 4
    assert set(after_one) <= {("PENDING", None, 0), ("SENT", None, 1)}
    assert await states() == {("SENT", None, 1): 5}
    assert len(set(sink.taken())) == 5


async def test_one_shop_s_slices_leave_places_for_others(
    ctx: Context,
    sink: HttpSink,
    platform: Callable[..., PlatformChannel],
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
):
    monkeypatch.setattr(platforms, "AT_ONCE_OF_SHOP", 1)
    platform()
    shop, plan, _ = await make_platform_plan(sink, 3)
    second = await make_resolved(shop)
    sink.delay = 0.5
    first = asyncio.create_task(deliver_slice(ctx, plan.id, 1))
    await until(lambda: sink.begun > 0)
    await deliver_slice(ctx, second.id, 1)
    waiting = await db.fetch_value("SELECT count(*) FROM delivery WHERE plan_id = $1 AND state = 'PENDING'", second.id)
    await first
    clock.move(timedelta(seconds=platforms.FIRST_REST))
    await deliver_slice(ctx, second.id, 1)

    assert waiting == 3
    assert await states() == {("SENT", None, 1): 6}


async def test_a_cancelled_plan_s_messages_stop_before_their_last_byte(
    ctx: Context, sink: HttpSink, platform: Callable[..., PlatformChannel], monkeypatch: pytest.MonkeyPatch
):
    platform(webhook_connections=1)
    _, plan, _ = await make_platform_plan(sink, 20)
    load = slices.load

    async def cancelled_after_load(held: slices.Slice) -> list[slices.Waiting]:
        messages = await load(held)
        await (await Plan.get(id=held.plan_id)).cancel()
        return messages

    monkeypatch.setattr(slices, "load", cancelled_after_load)
    await deliver_slice(ctx, plan.id, 1)

    assert sink.taken() == []
    assert sink.begun == 1
    assert await states() == {("CANCELLED", None, 0): 20}


async def test_a_database_lost_while_it_is_asked_whether_a_slice_goes_on_leaves_no_message_unknown(
    ctx: Context,
    sink: HttpSink,
    platform: Callable[..., PlatformChannel],
    monkeypatch: pytest.MonkeyPatch,
    lost_when_asked: list[slices.Waiting],
):
    platform(webhook_connections=4)
    shop, plan, _ = await make_platform_plan(sink, 8)
    sink.delay = 0.5  # the others have their last byte behind them by then, and no answer yet
    load = slices.load

    async def blocked_after_load(held: slices.Slice) -> list[slices.Waiting]:
        messages = await load(held)
        await consent.block(shop.id, messages[0].customer_id)
        return messages

    monkeypatch.setattr(slices, "load", blocked_after_load)
    await deliver_slice(ctx, plan.id, 1)

    assert len(lost_when_asked) == 1
    assert await states() == {("SENT", None, 1): 7, ("SUPPRESSED", "BLOCKED", 0): 1}
    await oracle.check(sink.accepted(), channel="CHAT")


async def test_who_blocks_the_shop_meanwhile_gets_nothing(
    ctx: Context, sink: HttpSink, platform: Callable[..., PlatformChannel]
):
    platform()
    shop, plan, _ = await make_platform_plan(sink, 2)
    (leaving,) = await db.fetch("SELECT customer_id FROM delivery ORDER BY customer_id LIMIT 1")
    await consent.block(shop.id, leaving["customer_id"])

    await deliver_slice(ctx, plan.id, 1)

    assert len(sink.taken()) == 1
    assert leaving["customer_id"].hex not in sink.taken()[0]


async def test_a_customer_the_platform_has_never_told_of_cannot_be_addressed(
    ctx: Context, sink: HttpSink, platform: Callable[..., PlatformChannel]
):
    platform()
    _, plan, _ = await make_platform_plan(sink, 2)
    await db.execute("DELETE FROM customer WHERE name = 'c0'")

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("FAILED", "NO_ADDRESS", 1): 1, ("SENT", None, 1): 1}


async def test_without_its_platform_a_shop_s_waiting_chat_goes_to_the_inbox(
    ctx: Context, sink: HttpSink, platform: Callable[..., PlatformChannel]
):
    platform()
    shop, plan, _ = await make_platform_plan(sink, 5)
    await chat_platform.disconnect(shop)

    await deliver_slice(ctx, plan.id, 1)
    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None, 0): 5}
    assert sink.begun == 0
    assert await db.fetch_value("SELECT done_at IS NOT NULL FROM slice")


async def test_a_platform_at_a_private_address_is_never_connected_to_and_the_plan_says_why(
    ctx: Context, sink: HttpSink, platform: Callable[..., PlatformChannel]
):
    """The URL was allowed when it was written: it is looked at again when it is called."""
    platform(webhook_targets="public")
    _, plan, _ = await make_platform_plan(sink, 5)

    await deliver_slice(ctx, plan.id, 1)

    assert sink.begun == 0
    assert await states() == {("PENDING", None, 0): 5}
    assert (await Plan.get(id=plan.id)).status_reason == "RELAY_REFUSES:ADDRESS_REFUSED"


@pytest.mark.parametrize("targets", ["public", "any"])
async def test_a_name_is_judged_by_the_addresses_it_has_when_it_is_called(sink: HttpSink, targets: Targets):
    url = sink.start().replace("127.0.0.1", "localhost")
    poster = Poster(targets)
    try:
        if targets == "public":
            with pytest.raises(AddressRefusedError):
                await poster.post(url, {}, WholeBody(b"{}"), length=2)
            assert sink.begun == 0
        else:
            answer = await poster.post(url, {"webhook-id": "one"}, WholeBody(b"{}"), length=2)
            assert answer.status == 204
    finally:
        await poster.close()


async def test_a_draining_worker_begins_nothing_more_and_the_rest_still_waits(
    ctx: Context, sink: HttpSink, platform: Callable[..., PlatformChannel]
):
    channel = platform(webhook_connections=1)
    sink.delay = 0.05
    _, plan, _ = await make_platform_plan(sink, 50)
    delivering = asyncio.create_task(deliver_slice(ctx, plan.id, 1))
    await until(lambda: len(sink.taken()) >= 1)
    channel.drain()
    await delivering

    found = await states()
    assert found["SENT", None, 1] == len(sink.taken()) < 50
    assert found["PENDING", None, 0] == 50 - len(sink.taken())


async def test_a_cancelled_job_settles_what_it_knows(
    ctx: Context, sink: HttpSink, platform: Callable[..., PlatformChannel]
):
    platform(webhook_connections=2)
    sink.delay = 0.05
    _, plan, _ = await make_platform_plan(sink, 50)
    delivering = asyncio.create_task(deliver_slice(ctx, plan.id, 1))
    await until(lambda: len(sink.taken()) >= 4)
    delivering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await delivering

    found = await states()
    assert set(found) <= {
        ("SENT", None, 1),
        ("UNKNOWN", "CONNECTION_LOST", 1),
        ("PENDING", None, 0),
        ("PENDING", None, 1),
    }
    assert found["UNKNOWN", "CONNECTION_LOST", 1] <= 2
    await oracle.check(sink.accepted(), channel="CHAT")

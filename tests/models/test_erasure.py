"""After an erasure nothing tells who it was, whatever table one looks into; and every figure is as before."""

import asyncio
import contextvars
import json
from base64 import b32encode
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import (
    consent,
    customer_export,
    database,
    erasure,
    ingest,
    intent,
    mail_report,
    message,
    metric,
    trial,
    worker,
)
from models import slice as slices
from models.clock import Clock, now
from models.coupon import claim
from models.coupon.redemption import redeem
from models.delivery import DeliveryState, Reason
from models.errors import ErrorCode, Refused
from models.identifier import customer_id, external_uuid
from models.intent import Settlement
from models.mail.report import Outcome, Report
from models.mail.return_path import ReturnKey
from models.message import MessageKey
from models.metric import day as metric_day
from models.metric import overview
from models.plan import Plan, PlanChannel, advance
from models.shop import Shop
from tests import oracle
from tests.conftest import empty
from tests.factories import make_coupon, make_customers, make_draft, make_resolved, make_shop
from tests.outreach import START, Outreach, Place, outreach
from tests.waiting import until_a_lock_is_waited_for

SECRET = b"a secret for tests, of 32 bytes!"
PERSON = "person-quux-77"
ID = customer_id(PERSON)
MARKS = ("quux", "Zebulon", str(ID), ID.hex, b32encode(ID.bytes).decode().rstrip("=").lower())

TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND c.relname NOT LIKE '%migration%'
ORDER BY 1
"""


ABOUT_CUSTOMERS = {
    "attribution", "claim", "contact", "conversation", "customer", "delivery", "event", "idempotency", "orders",
    "posting", "relationship", "remark", "touch", "trial", "unsubscription",
}  # fmt: skip
ABOUT_NOBODY = {
    "access", "access_change", "chat_platform", "coupon", "erasure", "holdout", "import_job", "language", "live_session",
    "metric_day", "metric_delta", "metric_rebuild", "origin", "plan", "plan_content", "plan_history", "plan_range",
    "price_change", "product", "quiet_hours", "quota_reward", "quota_week", "recommendation_dismissal", "segment", "segment_size",
    "segment_version", "send_rate", "sender_domain", "sending_stop", "shop", "slice", "suppression", "violation", "webhook",
    "worker",
}  # fmt: skip
"""All tables there are. Whoever adds one decides which it is; what is about customers, `a_life` writes to it."""


async def erase(external_id: str = PERSON) -> erasure.Erasure:
    return await erasure.erase(external_id, secret=SECRET, actor="PLATFORM::cron")


async def dump() -> dict[str, list[str]]:
    """Every row of every table, as text."""
    return {
        row["relname"]: [
            each["row"]
            for each in await database.fetch(f'SELECT to_jsonb(t)::text AS row FROM "{row["relname"]}" t ORDER BY 1')
        ]
        for row in await database.fetch(TABLES)
    }


async def ingested(shop: Shop, *rows: dict[str, Any]) -> list[list[ErrorCode]]:
    results = await ingest.ingest(shop, rows, secret=SECRET)
    return [[problem.code for problem in result.problems] for result in results]


def profile(external_id: str = PERSON, **changes: Any) -> dict[str, Any]:
    return {
        "type": "customer", "externalId": external_id, "name": "Zebulon Quux", "email": "zebulon@quux.example",
        "language": "en", "timeZone": "Asia/Kolkata", "country": "MX", "region": "MX-JAL", "gender": "OTHER",
        "birthDate": "1990-05-01",
        "emailConsent": {"state": "SUBSCRIBED", "source": "quux-form", "at": "2026-01-01T00:00:00Z"}, **changes,
    }  # fmt: skip


def order(number: str, person: str = PERSON, at: str = "2026-01-10T10:07:11Z") -> dict[str, Any]:
    return {
        "type": "order", "externalId": number, "customer": person, "orderedAt": at, "amount": 1999, "currency": "USD",
        "status": "PLACED",
    }  # fmt: skip


def event(number: str, person: str = PERSON) -> dict[str, Any]:
    return {
        "type": "event", "externalId": number, "customer": person, "kind": "CHECKOUT_STARTED",
        "occurredAt": "2026-01-10T10:00:00Z", "reference": f"checkout-{number}",
    }  # fmt: skip


async def a_life(clock: Clock) -> tuple[Shop, list[Plan]]:
    """A person of whom every table has heard, in two shops, beside somebody else."""
    shop, other = await make_shop(), await make_shop("other")
    for each in (shop, other):
        assert (
            await ingested(
                each, profile(), order(f"quux-{each.id}-1"), order(f"quux-{each.id}-2"), event(f"quux-{each.id}")
            )
            == [[]] * 4
        )
        await make_customers(each, 2)
    coupon = await make_coupon(shop)
    chat = await make_resolved(shop, coupon_id=coupon.id)
    await message.click(MessageKey(chat.id, ID))
    claimed = await claim.claim(ID, coupon.id)
    clock.move(timedelta(minutes=7))
    assert await ingested(shop, order("quux-3", at=now().isoformat())) == [[]]
    await redeem(shop, ID, claimed.code, order="quux-3", discount=100)
    mail = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await hand_over(mail, DeliveryState.UNKNOWN)
    await mail_report.take(Report(ReturnKey(mail.id, ID, ""), Outcome.COMPLAINT))
    waiting = await make_resolved(other, channel=PlanChannel.EMAIL)
    await leave_traces(shop, other, chat, mail)
    return shop, [chat, mail, waiting]


async def leave_traces(shop: Shop, other: Shop, chat: Plan, mail: Plan) -> None:
    """What other parts write of a customer."""
    at = now()
    await database.execute(
        "INSERT INTO delivery (plan_id, customer_id, reference, shop_id, state, channel, language, created_at, sent_at, frozen)"
        " VALUES ($1, $2, 'order:quux-3', $3, 'SENT', 'CHAT', 'en', $4, $4, '{\"name\": \"Zebulon\", \"order\": \"quux-3\"}')",
        chat.id, ID, shop.id, at,
    )  # fmt: skip
    await database.execute(
        "INSERT INTO touch (plan_id, customer_id, kind, toucher, touched_at) VALUES ($1, $2, 'OPEN', 'PERSON', $3)",
        mail.id, ID, at,
    )  # fmt: skip
    await database.execute(
        "INSERT INTO conversation VALUES ($1, $2, $3, $3, 'SHOPPER', 1)", ID, other.id, at
    )  # fmt: skip
    await database.execute(
        "INSERT INTO remark (customer_id, shop_id, number, author, actor, text, written_at)"
        " VALUES ($1, $2, 1, 'SHOPPER', $3, 'I am Zebulon', $4), ($1, $2, 2, 'SELLER', 'OWNER:other:anna', 'Hello', $4)",
        ID, other.id, f"CUSTOMER::{PERSON}", at,
    )  # fmt: skip
    await database.execute(
        "INSERT INTO idempotency (actor, mutation, key, request_hash, response, created_at)"
        " VALUES ($1, 'shopBlock', 'k', '', NULL, $5), ('PLATFORM::cron', 'customersUpsert', 'k', '', $2, $5),"
        " ('PLATFORM::cron', 'couponRedeem', 'k', '', $3, $5), ('OWNER:other:anna', 'conversationAnswer', 'k', '', $4, $5)",
        f"CUSTOMER::{PERSON}", json.dumps([{"id": str(ID)}]), json.dumps([str(ID), 1, 1]), json.dumps([2, str(ID)]), at,
    )  # fmt: skip
    await database.execute(
        "INSERT INTO webhook (shop_id, url, facts, salt, created_by, created_at, updated_at)"
        " VALUES ($1, 'https://x.example', '{x}', 's', 'anna', $2, $2)", shop.id, at,
    )  # fmt: skip
    mine, others = ([chat.id, str(customer_id(name)), f"order:{name}", "CHAT", "en", None] for name in (PERSON, "c0"))
    for told in ({"messages": [mine, others]}, {"messages": [mine]}, {"customer": str(ID), "order": "quux-3"}):
        await database.execute(
            "INSERT INTO posting (webhook_id, fact, data, happened_at, not_before) SELECT id, 'x', $1, $2, $2 FROM webhook",
            json.dumps(told), at,
        )  # fmt: skip
    [test] = await trial.ask(
        shop,
        await make_draft(shop, channel=PlanChannel.EMAIL),
        ["Zebulon@quux.example"],
        tag=None,
        actor="anna",
        secret=SECRET,
    )
    assert test.address


async def hand_over(plan: Plan, state: DeliveryState | None) -> list[Settlement]:
    """Give a plan's mails to the relay; with a state they are settled."""
    worker_id, token = uuid4(), uuid4()
    await worker.register(worker_id, "test", timedelta(minutes=1))
    held = await slices.acquire(plan.id, 1, worker_id, token)
    assert held is not None
    waiting = await slices.load(held)
    granted = await intent.commit([], waiting)
    settlements = [Settlement(each, granted[intent.key(each)], state or DeliveryState.SENT) for each in waiting]
    if state:
        await intent.commit(settlements, [])
    return settlements


@pytest.mark.usefixtures("database")
async def test_no_table_knows_an_erased_person_any_more(clock: Clock):
    await a_life(clock)
    before = await dump()
    known = {table for table, rows in before.items() if any(mark in row for row in rows for mark in MARKS)}
    assert known == ABOUT_CUSTOMERS
    assert set(before) - known == ABOUT_NOBODY

    assert (await erase()).done_at == now()

    after = await dump()
    ids = [
        str(external_uuid("order", shop, f"quux-{n}"))
        for shop in ("bloom", "other")
        for n in ("1-1", "1-2", "2-1", "2-2", "3")
    ]
    digest = await database.fetch_value("SELECT encode(email_key, 'hex') FROM suppression")
    found = [(table, mark) for table, rows in after.items() for row in rows for mark in (*MARKS, *ids) if mark in row]
    assert found == []
    assert [table for table, rows in after.items() if any(digest in row for row in rows)] == ["suppression"]
    print(f"visited {len(after)} tables:", ", ".join(after))


@pytest.mark.usefixtures("database")
async def test_nobody_else_is_touched(clock: Clock):
    await a_life(clock)
    others = (str(customer_id("c0")), str(customer_id("c1")))
    before = {
        table: [row for row in rows if any(each in row for each in others)] for table, rows in (await dump()).items()
    }
    assert len(before.pop("posting")) == 1

    await erase()

    after = await dump()
    [posting] = after.pop("posting")
    assert others[0] in posting
    assert {
        table: [row for row in rows if any(each in row for each in others)] for table, rows in after.items()
    } == before
    assert sum(map(len, before.values())) > 10


@pytest.mark.usefixtures("database")
async def test_the_ledger_adds_up_and_every_figure_is_as_before(clock: Clock):
    shop, plans = await a_life(clock)
    ids = [plan.id for plan in plans[:2]]

    async def told() -> list[Any]:
        await metric_day.fold_all()
        return [
            await metric.of_plans(ids),
            [await oracle.breakdown(plan_id) for plan_id in ids],
            await overview.overview(shop, now().date() - timedelta(days=30), now().date()),
            await database.fetch(
                "SELECT * FROM metric_day WHERE (sent, read, clicked, claimed, redeemed, orders, gmv, unsubscribed) <> (0, 0, 0, 0, 0, 0, 0, 0) ORDER BY 1, 2, 3, 4, 5, 6"
            ),
        ]

    before = await told()
    await erase()
    assert await told() == before
    for each in (1, 2):
        await metric_day.rebuild(each)
    assert await told() == before


@given(outreach(), st.sampled_from(["ana", "ben"]))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_was_done_and_bought_figures_do_not_change(migrated: str, history: Outreach, person: str):
    await empty(migrated)
    await database.connect(migrated)
    place = await Place.make()
    await place.store(history)
    ids = [plan.id for plan in place.plans]

    async def told() -> list[Any]:
        views = [
            await overview.overview(shop, START.date() - timedelta(days=2), START.date() + timedelta(days=40))
            for shop in place.shops
        ]
        return [await metric.of_plans(ids), views]

    before = await told()
    try:
        await erase(person)
    except Refused:
        assert not await database.fetch_value(
            "SELECT EXISTS (SELECT FROM orders WHERE customer_id = $1)", customer_id(person)
        )
    assert await told() == before
    await database.disconnect()


@pytest.mark.usefixtures("database")
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


@pytest.mark.usefixtures("database")
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


@pytest.mark.usefixtures("database")
async def test_nothing_more_is_taken_in_about_an_erased_person_and_the_rest_of_the_batch_is():
    shop = await make_shop()
    await ingested(shop, profile())
    await erase()

    codes = await ingested(
        shop, profile(), order("o1"), event("e1"), profile("ana", email="ana@example.com"), order("o2", "ana"),
        event("e2", "ana"), {**order("o3"), "amount": -1},
    )  # fmt: skip

    assert codes == [[ErrorCode.ERASED], [ErrorCode.ERASED], [ErrorCode.ERASED], [], [], [], [ErrorCode.INVALID]]
    assert [row["external_id"] for row in await database.fetch("SELECT external_id FROM customer")] == ["ana"]
    assert await database.fetch_value("SELECT count(*) FROM orders") == 1
    assert await database.fetch_value("SELECT count(*) FROM event") == 1


@pytest.mark.usefixtures("database")
async def test_rows_that_are_being_written_are_waited_for():
    shop = await make_shop()
    await ingested(shop, profile())
    outside = contextvars.copy_context()
    async with database.transaction():
        assert await erasure.among(lambda: [ID], secret=SECRET) == ()
        erasing = asyncio.get_running_loop().create_task(erase(), context=outside)
        await until_a_lock_is_waited_for()
        assert not erasing.done()
        await database.execute("INSERT INTO relationship (shop_id, customer_id) VALUES ($1, $2)"
                               " ON CONFLICT DO NOTHING", shop.id, ID)  # fmt: skip
    assert (await erasing).done_at is not None
    assert not await database.fetch_value("SELECT EXISTS (SELECT FROM relationship WHERE customer_id = $1)", ID)


@pytest.mark.usefixtures("database")
async def test_an_audience_that_is_being_resolved_is_waited_for_and_later_ones_do_not_see_the_person():
    shop = await make_shop()
    await make_customers(shop, 2)
    outside = contextvars.copy_context()
    async with database.transaction():
        await consent.hold(shop.id)
        erasing = asyncio.get_running_loop().create_task(erase("c0"), context=outside)
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


@pytest.mark.usefixtures("database")
async def test_erasing_again_changes_nothing_and_nobody_is_not_erased(clock: Clock):
    shop = await make_shop()
    await ingested(shop, profile())
    first = await erase()
    clock.move(timedelta(hours=1))
    before = await dump()

    assert await erase() == first
    with pytest.raises(Refused) as refused:
        await erase("nobody")

    assert refused.value.problems[0].code is ErrorCode.NOT_FOUND
    assert await dump() == before


@pytest.mark.usefixtures("database")
async def test_the_address_stays_suppressed_until_its_owner_subscribes_anew_under_another_id(clock: Clock):
    shop = await make_shop()
    await ingested(shop, profile())
    await erase()
    await ingested(shop, profile("new"), order("o9", "new"))
    assert await database.fetch_value("SELECT reason FROM suppression") == "ERASED"

    clock.move(timedelta(days=1))
    later = {"state": "SUBSCRIBED", "source": "sign-up", "at": now().isoformat()}
    await ingested(shop, profile("new", emailConsent=later))
    assert await database.fetch_value("SELECT count(*) FROM suppression") == 0


@pytest.mark.usefixtures("database")
async def test_an_export_holds_everything_and_nothing_of_others(clock: Clock):
    await a_life(clock)

    whole = json.loads((await customer_export.export(PERSON)).document)

    assert whole["externalId"] == PERSON and set(whole["shops"].values()) == {"Bloom", "Other"}
    assert set(whole["tables"]) >= {
        "customer",
        "orders",
        "event",
        "relationship",
        "delivery",
        "claim",
        "remark",
        "touch",
    }
    assert whole["tables"]["customer"][0]["email"] == "zebulon@quux.example"
    assert len(whole["tables"]["orders"]) == 5
    assert "Hi Zebulon Quux, greetings from Bloom" in {each.get("text") for each in whole["messages"]}
    assert "anna" not in json.dumps(whole)  # who of a shop's staff wrote to them
    assert {remark["author"] for remark in whole["tables"]["remark"]} == {"SHOPPER", "SELLER"}
    assert '"c0"' not in json.dumps(whole) and str(customer_id("c0")) not in json.dumps(whole)
    assert "suppression" not in whole["tables"]
    await database.execute(
        "INSERT INTO suppression SELECT email_key, 'BOUNCED', $2 FROM customer WHERE id = $1", ID, now()
    )
    told = json.loads((await customer_export.export(PERSON)).document)
    assert [each["reason"] for each in told["tables"]["suppression"]] == ["BOUNCED"]
    cut = await customer_export.export(PERSON, most_rows=1)
    assert "orders" in cut.cut and len(json.loads(cut.document)["tables"]["orders"]) == 1
    with pytest.raises(Refused):
        await customer_export.export("nobody")

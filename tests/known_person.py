"""A person of whom every table has heard, and what it takes to make them: whom erasing and exporting are tried on."""

import json
from base64 import b32encode
from datetime import timedelta
from typing import Any

from models import database, erasure, ingest, mail_report, message, trial
from models.clock import Clock, now
from models.coupon import claim
from models.coupon.redemption import redeem
from models.delivery import DeliveryState
from models.errors import ErrorCode
from models.identifier import customer_id
from models.mail.report import Outcome, Report
from models.mail.return_path import ReturnKey
from models.message import MessageKey
from models.plan import Plan, PlanChannel
from models.shop import Shop
from tests.factories import make_coupon, make_customers, make_draft, make_resolved, make_shop
from tests.slices import hand_over

SECRET = b"a secret for tests, of 32 bytes!"
PERSON = "person-quux-77"
ID = customer_id(PERSON)
MARKS = ("quux", "Zebulon", str(ID), ID.hex, b32encode(ID.bytes).decode().rstrip("=").lower())
"""By any of these a row would tell who they are: parts of what is known of them, and their id however it is written."""

TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND c.relname NOT LIKE '%migration%'
ORDER BY 1
"""


async def erase(external_id: str = PERSON) -> erasure.Erasure:
    """Erase them, as the platform does."""
    return await erasure.erase(external_id, secret=SECRET, actor="PLATFORM::cron")


async def ingested(shop: Shop, *rows: dict[str, Any]) -> list[list[ErrorCode]]:
    """Tell of rows; the codes of the problems of each."""
    results = await ingest.ingest(shop, rows, secret=SECRET)
    return [[problem.code for problem in result.problems] for result in results]


def profile(external_id: str = PERSON, **changes: Any) -> dict[str, Any]:
    """A customer's row, the person's unless told otherwise."""
    return {
        "type": "customer", "externalId": external_id, "name": "Zebulon Quux", "email": "zebulon@quux.example",
        "language": "en", "timeZone": "Asia/Kolkata", "country": "MX", "region": "MX-JAL", "gender": "OTHER",
        "birthDate": "1990-05-01",
        "emailConsent": {"state": "SUBSCRIBED", "source": "quux-form", "at": "2026-01-01T00:00:00Z"}, **changes,
    }  # fmt: skip


def order(number: str, person: str = PERSON, at: str = "2026-01-10T10:07:11Z") -> dict[str, Any]:
    """An order of theirs."""
    return {
        "type": "order", "externalId": number, "customer": person, "orderedAt": at, "amount": 1999, "currency": "USD",
        "status": "PLACED",
    }  # fmt: skip


def event(number: str, person: str = PERSON) -> dict[str, Any]:
    """An event of theirs."""
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


async def dump() -> dict[str, list[str]]:
    """Every row of every table, as text."""
    return {
        row["relname"]: [
            each["row"]
            for each in await database.fetch(f'SELECT to_jsonb(t)::text AS row FROM "{row["relname"]}" t ORDER BY 1')
        ]
        for row in await database.fetch(TABLES)
    }

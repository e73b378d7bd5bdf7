"""Rows for tests: shops and customers as they stand after their first interactions, and plans to them."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from models import audience, database
from models.clock import now
from models.coupon import Coupon
from models.coupon.terms import CouponTerms, CouponVisibility
from models.identifier import customer_id
from models.plan import Plan, PlanChannel, PlanDraft, wording
from models.segment import Segment, ensure_presets
from models.shop import Shop

DEADLINE = timedelta(hours=72)
TEXTS = {
    "en": {"text": "Hi {name}, greetings from {shop}", "subject": "Hello {name}"},
    "es": {"text": "Hola {name}, saludos de {shop}", "subject": "Hola {name}"},
}


async def make_shop(external_id: str = "bloom", **columns: Any) -> Shop:
    """A shop that may do everything, with its seven presets; English, US dollars and UTC unless told otherwise."""
    at = now()
    defaults = {
        "name": external_id.title(), "currency": "USD", "time_zone": "UTC", "default_language": "en",
        "score": Decimal("4.50"), "gmv": 400_000_00, "postal_address": "1 Main St", "created_at": at, "updated_at": at,
    }  # fmt: skip
    shop = await Shop.create(external_id=external_id, **{**defaults, **columns})
    await ensure_presets([shop])
    return shop


async def make_customers(shop: Shop, count: int, *, prefix: str = "c", **columns: Any) -> list[UUID]:
    """Customers who ordered twice yesterday (so REPEAT and RECENT), with an address and consent; `columns` override."""
    values = {"language": "en", "time_zone": None, "consent": "SUBSCRIBED", **columns}
    names = [f"{prefix}{number}" for number in range(count)]
    ids = [customer_id(name) for name in names]
    at = now()
    if values["language"]:
        await database.execute("INSERT INTO language VALUES ($1) ON CONFLICT DO NOTHING", values["language"])
    await database.execute(
        "INSERT INTO customer (id, external_id, name, email, email_key, language, time_zone, created_at, updated_at)"
        " SELECT id, name, name, name || '@example.com', sha256(name::bytea), $3, $4, $5, $5"
        " FROM unnest($1::uuid[], $2::text[]) AS t(id, name) ON CONFLICT DO NOTHING",
        ids, names, values["language"], values["time_zone"], at,
    )  # fmt: skip
    await make_known(shop, ids, consent=values["consent"])
    return ids


async def make_known(shop: Shop, customers: Sequence[UUID], *, consent: str | None = "SUBSCRIBED") -> None:
    """Let customers, who may be another shop's as well, have ordered twice yesterday."""
    await database.execute(
        "INSERT INTO relationship (shop_id, customer_id, first_interaction_at, order_count, order_amount,"
        " first_order_at, last_order_at, previous_order_at, email_consent)"
        " SELECT $1, id, $3, 2, 2000, $3, $3, $3, $4::consent FROM unnest($2::uuid[]) AS t(id)",
        shop.id, customers, now() - timedelta(days=1), consent,
    )  # fmt: skip


async def make_webhook(shop: Shop, *facts: str) -> None:
    """A webhook of the shop that is told of these facts."""
    await database.execute(
        "INSERT INTO webhook (shop_id, url, facts, salt, created_by, created_at, updated_at)"
        " VALUES ($1, 'https://x.example', $2, 's', 'anna', $3, $3)", shop.id, facts, now(),
    )  # fmt: skip


async def make_draft(shop: Shop, *, channel: PlanChannel = PlanChannel.CHAT, **fields: Any) -> Plan:
    """A draft to the shop's REPEAT customers, in English and Spanish."""
    segment = await Segment.get(shop_id=shop.id, preset="REPEAT")
    draft = PlanDraft(**{
        "name": "Spring greetings", "channel": channel, "segment_id": segment.id, "content": {"texts": TEXTS}, **fields,
    })  # fmt: skip
    return await Plan.draft(shop, draft, actor="anna")


async def make_coupon(shop: Shop, **terms: Any) -> Coupon:
    """A coupon of 10 percent for everybody, a hundred times, once each, for a week from now on."""
    at = now()
    given = {
        "name": "Ten percent", "visibility": CouponVisibility.REGULAR, "starts_at": at, "ends_at": at + timedelta(days=7),
        "total_limit": 100, "percentage": 10, **terms,
    }  # fmt: skip
    return await Coupon.open(shop, CouponTerms(**given), actor="anna")


async def make_running(shop: Shop, **fields: Any) -> Plan:
    """A plan submitted now, its texts pinned, nobody chosen yet."""
    plan = await make_draft(shop, **fields)
    await plan.submit(shop, send_at=None, deadline_after=DEADLINE)
    assert await wording.pin(plan.id)
    return plan


async def make_resolved(shop: Shop, **fields: Any) -> Plan:
    """A running plan whose whole audience is in the ledger."""
    plan = await make_running(shop, **fields)
    done = await audience.resolve_range(plan.id)
    assert done is not None and done.is_last
    return plan

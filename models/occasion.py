"""What an automated plan's message would speak of: a customer's own latest occasion, or a sample of one (R11)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from models import database, product
from models.content.variable import VARIABLES, Value
from models.coupon import choice as coupon_choice
from models.coupon.choice import Recipient
from models.coupon.smart import Basket, Considered, best
from models.coupon.terms import CouponTerms
from models.identifier import NO_CUSTOMER
from models.plan import Plan
from models.product import MOST_SHOWN, Product
from models.shop import Shop
from models.trigger import TRIGGERS, TriggerCode

SAMPLE_PRODUCTS = 3


@dataclass(frozen=True, slots=True)
class Spoken:
    """What fills a message: its variables, its products, and the smart coupon with all that were considered."""

    values: Mapping[str, Value | None]
    products: Sequence[Product]
    coupon: CouponTerms | None
    considered: Sequence[Considered]


async def spoken(shop: Shop, plan: Plan, customer_id: UUID | None, tag: str, at: datetime) -> Spoken:
    """What the automated plan's message to this customer would speak of now, in the language `tag`.

    Where the customer has no such occasion, or is nobody in particular, the shop's products stand in for it.
    """
    row = await _latest(shop, plan, customer_id, at) if customer_id else None
    ids = list(row["product_ids"] or ()) if row else []
    if not ids and TRIGGERS[TriggerCode(plan.trigger)].has_products:
        ids = await _some_products(shop.id)
    known = await product.of_shop(shop.id, ids)
    products = [known[each] for each in ids if each in known]
    coupon, considered = await _smart(shop, plan, customer_id, products, at) if plan.smart_coupon else (None, [])
    values: dict[str, Value | None] = {
        "order": (database.decode(row["said"]) or {}).get("order") if row else None,
        "startsAt": _on_clock(row["instant"], row["time_zone"] or shop.time_zone) if row and row["instant"] else None,
        "product": products[0].title if products else None,
        "productCount": len(products) or None,
    }
    sampled = {name: value or VARIABLES[name].sample for name, value in values.items()}
    if coupon:
        sampled["coupon"] = coupon.gives(shop.currency, tag)
    return Spoken(sampled, products[:MOST_SHOWN], coupon, considered)


def _on_clock(instant: datetime, zone: str) -> str:
    return instant.astimezone(ZoneInfo(zone)).strftime("%H:%M")


async def _latest(shop: Shop, plan: Plan, customer_id: UUID, at: datetime) -> database.Record | None:
    code = TriggerCode(plan.trigger)
    facts = TRIGGERS[code].occasions.facts.format(
        shop="$1::int", customer="$2::uuid", about="latest.about", at="$3::timestamptz", parameters="$4::jsonb",
        bound="'infinity'::timestamptz",
    )  # fmt: skip
    sql = _LATEST.format(latest=_ABOUT[code], facts=facts)
    return await database.fetch_one(sql, shop.id, customer_id, at, orjson.dumps(plan.parameters).decode())


async def _some_products(shop_id: int) -> list[UUID]:
    rows = await database.fetch(
        "SELECT id FROM product WHERE shop_id = $1 ORDER BY external_id LIMIT $2", shop_id, SAMPLE_PRODUCTS
    )
    return [row["id"] for row in rows]


async def _smart(
    shop: Shop, plan: Plan, customer_id: UUID | None, products: Sequence[Product], at: datetime
) -> tuple[CouponTerms | None, Sequence[Considered]]:
    """The coupon that the customer, or one of whom nothing is known, would get, and all that were considered.

    `products` are the occasion's; where it has none by its nature, the message shows the plan's own.
    """
    running = await coupon_choice.running_coupons(shop.id, at)
    if not TRIGGERS[TriggerCode(plan.trigger)].has_products:
        products = list((await product.of_shop(shop.id, plan.product_ids)).values())
    person = customer_id or NO_CUSTOMER
    basket = Basket({each.id: each.price for each in products}, await coupon_choice.usual_of(shop.id, person))
    recipient = Recipient(person, "", "", basket)
    (considered,) = await coupon_choice.choose(shop.id, running, [recipient], at)
    chosen = best(considered)
    return next((coupon.terms for coupon in running if coupon.id == chosen), None), considered


_LAST_ORDER = """
SELECT jsonb_build_object('order', id) FROM orders WHERE shop_id = $1 AND customer_id = $2
ORDER BY ordered_at DESC LIMIT 1"""

_ABOUT: Mapping[TriggerCode, str] = {
    TriggerCode.WELCOME_FOLLOWER: """
SELECT jsonb_build_object('from', last_followed_at) FROM relationship
WHERE shop_id = $1 AND customer_id = $2 AND last_followed_at IS NOT NULL""",
    TriggerCode.LIVE_REMINDER: """
SELECT jsonb_build_object('live', id) FROM live_session
WHERE shop_id = $1 AND starts_at > $3 AND cancelled_at IS NULL ORDER BY starts_at LIMIT 1""",
    TriggerCode.PRICE_DROP: """
SELECT jsonb_build_object('product', product_id, 'changedAt', changed_at) FROM price_change
WHERE shop_id = $1 ORDER BY changed_at DESC LIMIT 1""",
    TriggerCode.ABANDONED_CART: "SELECT jsonb_build_object('from', $3::timestamptz - interval '30 days')",
    TriggerCode.INCOMPLETE_CHECKOUT: """
SELECT jsonb_build_object('from', occurred_at, 'checkout', reference) FROM event
WHERE shop_id = $1 AND customer_id = $2 AND kind = 'CHECKOUT_STARTED' AND reference IS NOT NULL
ORDER BY occurred_at DESC LIMIT 1""",
    TriggerCode.THANK_YOU: _LAST_ORDER,
    TriggerCode.ORDER_CONFIRMATION: _LAST_ORDER,
    TriggerCode.REPURCHASE_REMINDER: _LAST_ORDER,
}
"""The customer's ($2) latest occasion in the shop ($1) as of $3, as the trigger's facts know it."""

_LATEST = """
SELECT x.product_ids, x.said, x.instant,
    (SELECT time_zone FROM customer WHERE id = $2::uuid) AS time_zone
FROM ({latest}) AS latest(about) CROSS JOIN LATERAL ({facts}) AS x
WHERE $1::int IS NOT NULL AND $3::timestamptz IS NOT NULL AND $4::jsonb IS NOT NULL
"""

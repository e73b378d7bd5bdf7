"""Prices that drop, told to those who looked at the product, favourited it or have it in the cart (R9)."""

from models.trigger.fragment import STEP, microseconds, moment, newly_due, occasion_of
from models.trigger.kind import OccasionQuery, Parameter, ParameterKind, Trigger, TriggerCode, steps

WATCHED_BY = {"VIEWED": "PRODUCT_VIEWED", "FAVOURITED": "PRODUCT_FAVOURITED", "CARTED": "CART_ADDED"}
"""What counts as watching a product, and the kind of event that it is."""

ONCE_IN = "interval '24 hours'"
"""Nobody gets two drops from a plan within this time: a sale in the whole shop is one message."""

_KINDS = ", ".join(f"'{kind}'" for kind in WATCHED_BY.values())
_WATCHES = f"""kind IN ({_KINDS}) AND ({{parameters}} -> 'watchedBy') ? CASE kind
        {" ".join(f"WHEN '{kind}' THEN '{name}'" for name, kind in WATCHED_BY.items())} END"""
_WATCHED_DAYS = "({parameters} ->> 'watchedDays')::int * interval '1 day'"
_LOW = "100 - ({parameters} ->> 'minimumDropPercent')::int"

_BEFORE = """(SELECT earlier.price FROM price_change earlier
    WHERE earlier.product_id = {product} AND earlier.changed_at < {changed_at}
    ORDER BY earlier.changed_at DESC LIMIT 1)"""


def _before(product: str, changed_at: str) -> str:
    """What a product cost before a change."""
    return _BEFORE.replace("{product}", product).replace("{changed_at}", changed_at)


_PRODUCT = "({about} ->> 'product')::uuid"
_CHANGED_AT = moment("changedAt")

DROPPED = OccasionQuery(
    candidates=f"""
SELECT w.customer_id, 'price:' || p.external_id || ':' || {microseconds("e.changed_at")}, step.number, e.changed_at,
    e.changed_at + step.delay, greatest(e.changed_at + step.delay, e.arrived_at),
    jsonb_build_object('product', e.product_id, 'changedAt', e.changed_at, 'name', p.external_id,
        'depth', (before.price - e.price)::numeric / before.price)
FROM {STEP} {newly_due("price_change", "changed_at", "product_id, changed_at, price, arrived_at", "true")} AS e
JOIN product p ON p.id = e.product_id AND p.shop_id = {{shop}}
CROSS JOIN LATERAL (SELECT {_before("e.product_id", "e.changed_at")} AS price) AS before
CROSS JOIN LATERAL (
    SELECT DISTINCT customer_id FROM event
    WHERE shop_id = {{shop}} AND product_id = e.product_id AND {_WATCHES} AND customer_id > {{after}}
      AND occurred_at > e.changed_at - {_WATCHED_DAYS} AND occurred_at <= e.changed_at) AS w
WHERE before.price > 0 AND e.price * 100 <= before.price * ({_LOW})""",
    facts=f"""
SELECT ARRAY[{_PRODUCT}] AS product_ids, NULL::jsonb AS said, NULL::timestamptz AS instant
FROM (SELECT price FROM price_change WHERE product_id = {_PRODUCT} AND changed_at <= {{bound}}
      ORDER BY changed_at DESC LIMIT 1) AS latest
CROSS JOIN (SELECT price FROM price_change WHERE product_id = {_PRODUCT} AND changed_at = {_CHANGED_AT}) AS told
CROSS JOIN (SELECT {_before(_PRODUCT, _CHANGED_AT)} AS price) AS before
CROSS JOIN (
    SELECT max(occurred_at) AS at FROM event
    WHERE shop_id = {{shop}} AND customer_id = {{customer}} AND {_WATCHES} AND product_id = {_PRODUCT}
      AND occurred_at > {_CHANGED_AT} - {_WATCHED_DAYS} AND occurred_at <= {_CHANGED_AT}) AS watched
WHERE greatest(latest.price, told.price) * 100 <= before.price * ({_LOW}) AND NOT EXISTS (
    SELECT FROM orders WHERE shop_id = {{shop}} AND customer_id = {{customer}} AND ordered_at >= watched.at
      AND ordered_at <= {{bound}} AND {_PRODUCT} = ANY(product_ids))""",
    same=f"{occasion_of('d')} = c.occasion OR d.created_at > {{now}} - {ONCE_IN}",
    bundle="c.customer_id",
    once="date_trunc('day', c.due)",
    rank="-(c.about ->> 'depth')::numeric, extract(epoch FROM "
    + moment("changedAt", "c.about")
    + ") * -1, (c.about ->> 'name') COLLATE \"C\"",
)

PRICE_DROP = Trigger(
    TriggerCode.PRICE_DROP,
    "A product got cheaper that somebody looked at, favourited or put into the cart, and has not bought since. "
    "At most one message a customer in 24 hours: the deepest drop.",
    (
        steps("Minutes after the price changed.", (0,), least=0, greatest=4_320, most=1),
        Parameter(
            "watchedDays", ParameterKind.NUMBER, "So many days before the change is a product watched.", 30, 1, 90
        ),
        Parameter(
            "minimumDropPercent", ParameterKind.NUMBER, "The smallest drop, in percent of the price before.", 10, 1, 90
        ),
        Parameter(
            "watchedBy", ParameterKind.CHOICES, "What counts as watching.", tuple(WATCHED_BY),
            most=len(WATCHED_BY), options=tuple(WATCHED_BY),
        ),
    ),
    DROPPED,
)  # fmt: skip

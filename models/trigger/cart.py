"""Abandoned carts and incomplete checkouts (R9)."""

from models.trigger.fragment import events, microseconds, moment, of_customer, step_of
from models.trigger.kind import OccasionQuery, Trigger, TriggerCode, steps

MEMORY = "interval '30 days'"
"""What was put into a cart longer before its latest addition than this counts no more."""


# OFFSET 0 keeps each instant from being looked up anew wherever it is named: the latest addition alone is at eight places.
def cart(since: str) -> str:
    """The customer's cart, if there is something in it: the one whose latest addition is not before `since`."""
    return f"""
SELECT last.at AS last_at, ended.at AS ended_at, held.start_at, held.product_ids
FROM (SELECT {of_customer("CART_ADDED", since=f">= {since}")} AS at OFFSET 0) AS last
CROSS JOIN LATERAL (SELECT greatest(
    {of_customer("CART_EMPTIED", since=f"> last.at - {MEMORY}")},
    (SELECT max(ordered_at) FROM orders WHERE shop_id = {{shop}} AND customer_id = {{customer}}
        AND ordered_at > last.at - {MEMORY} AND ordered_at <= {{bound}}),
    last.at - {MEMORY}) AS at OFFSET 0) AS ended
CROSS JOIN LATERAL (
    SELECT min(first_at) AS start_at, count(*) FILTER (WHERE is_held) AS items,
        array_agg(product_id ORDER BY added_at DESC, product_id) FILTER (WHERE is_held AND product_id IS NOT NULL)
            AS product_ids
    FROM (SELECT product_id, first_at, added_at,
              added_at IS NOT NULL AND (product_id IS NULL OR removed_at IS NULL OR added_at > removed_at) AS is_held
          FROM (SELECT product_id, min(occurred_at) FILTER (WHERE kind = 'CART_ADDED') AS first_at,
                    max(occurred_at) FILTER (WHERE kind = 'CART_ADDED') AS added_at,
                    max(occurred_at) FILTER (WHERE kind = 'CART_REMOVED') AS removed_at
                FROM event WHERE shop_id = {{shop}} AND customer_id = {{customer}}
                  AND kind IN ('CART_ADDED', 'CART_REMOVED') AND occurred_at > ended.at AND occurred_at <= {{bound}}
                GROUP BY product_id) AS item) AS item
) AS held
WHERE last.at > ended.at AND held.items > 0"""


# A row that was made for this cart since the step came due is the same cart's: no need to look into it again.
ABANDONED = OccasionQuery(
    candidates=f"""
SELECT e.customer_id, NULL::text, step.number, e.occurred_at, e.occurred_at + step.delay,
    greatest(e.occurred_at + step.delay, e.arrived_at), jsonb_build_object('from', e.occurred_at)
FROM {events("CART_ADDED")}""",
    facts=f"SELECT *, NULL::jsonb AS said, NULL::timestamptz AS instant FROM ({cart(moment('from'))}) AS found",
    first=f"x.last_at = {moment('from', 'c.about')}",
    unmade=f"""AND NOT EXISTS (
        SELECT FROM delivery t WHERE t.plan_id = {{plan}} AND t.customer_id = c.customer_id
          AND {step_of("t")} >= c.step AND t.created_at >= c.due OFFSET 0)""",
    still=f"{moment('from')} > x.ended_at",
    occasion=f"'cart:' || {microseconds('x.start_at')}",
    about="jsonb_build_object('from', x.start_at)",
    same=moment("from", "(d.frozen -> 'about')") + " > x.ended_at",
    bundle="c.customer_id",
    once="x.start_at, c.due",
)

_SAME_CHECKOUT = " AND reference = ({about} ->> 'checkout')"

INCOMPLETE = OccasionQuery(
    candidates=f"""
SELECT e.customer_id, 'checkout:' || e.reference, step.number, e.occurred_at, e.occurred_at + step.delay,
    greatest(e.occurred_at + step.delay, e.arrived_at),
    jsonb_build_object('from', e.occurred_at, 'checkout', e.reference)
FROM {events("CHECKOUT_STARTED")} WHERE e.reference IS NOT NULL""",
    facts=f"""
SELECT begun.at AS begun_at, NULL::jsonb AS said, NULL::timestamptz AS instant, coalesce(
    (SELECT found.product_ids FROM ({cart(f"begun.at - {MEMORY}")}) AS found),
    {
        of_customer(
            "CHECKOUT_STARTED",
            "array_agg(DISTINCT product_id) FILTER (WHERE product_id IS NOT NULL)",
            since=f">= {moment('from')} - {MEMORY}",
            more=_SAME_CHECKOUT,
        )
    }) AS product_ids
FROM (SELECT {of_customer("CHECKOUT_STARTED", since=f">= {moment('from')}", more=_SAME_CHECKOUT)} AS at) AS begun
WHERE NOT EXISTS (SELECT FROM orders WHERE shop_id = {{shop}} AND customer_id = {{customer}}
        AND ordered_at >= begun.at AND ordered_at <= {{bound}})
  AND {of_customer("CART_EMPTIED", since=">= begun.at")} IS NULL
  AND {
        of_customer(
            "CHECKOUT_STARTED", since="> begun.at", more=" AND reference IS DISTINCT FROM ({about} ->> 'checkout')"
        )
    } IS NULL""",
    first=f"x.begun_at = {moment('from', 'c.about')}",
)

_STEPS = {"least": 60, "greatest": 4_320, "most": 5}

ABANDONED_CART = Trigger(
    TriggerCode.ABANDONED_CART,
    "Somebody put products into the cart and neither bought nor emptied it. One message per step and cart; "
    "who goes on shopping is reminded later.",
    (steps("Minutes after the latest product was put into the cart.", (120,), **_STEPS),),
    ABANDONED,
)

INCOMPLETE_CHECKOUT = Trigger(
    TriggerCode.INCOMPLETE_CHECKOUT,
    "Somebody began to check out and placed no order. One message per step and checkout.",
    (steps("Minutes after the checkout was begun.", (120,), **_STEPS),),
    INCOMPLETE,
)

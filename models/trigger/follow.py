"""Welcoming new followers (R9)."""

from models.trigger.fragment import events, microseconds, moment, of_customer
from models.trigger.kind import OccasionQuery, Trigger, TriggerCode, steps

AGAIN = "interval '90 days'"
"""Who followed within this time is no new follower."""

_TOLD = moment("from", "(d.frozen -> 'about')")
_FOLLOWED = moment("from", "c.about")

FOLLOWED = OccasionQuery(
    candidates=f"""
SELECT e.customer_id, 'follow:' || {microseconds("e.occurred_at")}, step.number, e.occurred_at,
    e.occurred_at + step.delay, greatest(e.occurred_at + step.delay, e.arrived_at),
    jsonb_build_object('from', e.occurred_at)
FROM {events("FOLLOWED")}
WHERE NOT EXISTS (
    SELECT FROM event o WHERE o.shop_id = {{shop}} AND o.customer_id = e.customer_id AND o.kind = 'FOLLOWED'
      AND o.occurred_at >= e.occurred_at - {AGAIN} AND o.occurred_at < e.occurred_at OFFSET 0)""",
    facts=f"""
SELECT NULL::uuid[] AS product_ids, NULL::jsonb AS said, NULL::timestamptz AS instant
WHERE {of_customer("FOLLOWED", since=f">= {moment('from')}")}
    > coalesce({of_customer("UNFOLLOWED", since=f">= {moment('from')}")}, '-infinity')""",
    same=f"{_TOLD} > {_FOLLOWED} - {AGAIN} AND {_TOLD} < {_FOLLOWED} + {AGAIN}",
)

WELCOME_FOLLOWER = Trigger(
    TriggerCode.WELCOME_FOLLOWER,
    "Somebody follows the shop who has not done so in the 90 days before, and still does.",
    (steps("Minutes after they followed.", (0,), least=0, greatest=10_080, most=3),),
    FOLLOWED,
    has_products=False,
)

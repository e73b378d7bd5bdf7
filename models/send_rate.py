"""Send rates: how many messages of a shop a minute may go, over all its plans, channels and all workers.

A bucket that fills at the rate and holds what `WINDOW` brings, and one message at least; it is a row that whoever loads
a slice draws from, so workers share it whatever their number. What is drawn may go at once; the rest of the slice waits
for its next turn. What was drawn for somebody who may not be written to, or not yet, is given back.
"""

from datetime import datetime, timedelta

from models import database
from models.clock import now
from models.errors import Problem, Refused
from models.shop import Shop

MOST = 10_000_000
WINDOW = timedelta(seconds=15)
"""What is not used for longer is lost: in any minute a shop sends at most 1¼ times its rate, or one message more."""

LATE = timedelta(seconds=10)
"""How long after a message could go somebody looks (by default each sweep): what fills meanwhile is not lost either."""


async def of_shop(shop_id: int) -> int | None:
    """A shop's messages per minute; None when nothing holds it back."""
    per_minute: int | None = await database.fetch_value("SELECT per_minute FROM send_rate WHERE shop_id = $1", shop_id)
    return per_minute


async def change(shop: Shop, per_minute: int | None) -> int | None:
    """Let a shop send so many messages a minute from now on; None: as many as can be."""
    if per_minute is not None and not 1 <= per_minute <= MOST:
        raise Refused([Problem(("messagesPerMinute",), f"A rate is 1–{MOST} messages a minute, not {per_minute}.")])
    if per_minute is None:
        await database.execute("DELETE FROM send_rate WHERE shop_id = $1", shop.id)
    else:
        await database.execute(
            "INSERT INTO send_rate (shop_id, per_minute, paid_until) VALUES ($1, $2, $3)"
            " ON CONFLICT (shop_id) DO UPDATE SET per_minute = excluded.per_minute",
            shop.id, per_minute, now(),
        )  # fmt: skip
    return per_minute


async def draw(plan_id: int, number: int, at: datetime) -> int | None:
    """How many of what is due in a slice may go now, drawn from its shop's bucket; None when it has no rate."""
    drawn: int | None = await database.fetch_value(_DRAW, plan_id, number, at, WINDOW, LATE)
    return drawn


async def give_back(plan_id: int, count: int) -> None:
    """Let others of the shop have what was drawn for messages that wait all the same, or do not go at all."""
    await database.execute(_GIVE_BACK, plan_id, count)


IS_PACED = "EXISTS (SELECT FROM send_rate WHERE shop_id = {shop})"
"""Condition: a shop has a rate."""

HAS_ROOM = """NOT EXISTS (
    SELECT FROM send_rate r WHERE r.shop_id = {shop} AND r.paid_until + interval '1 minute' / r.per_minute > {at})"""
"""Condition: a message of a shop may go at an instant, for all that its rate says."""

# At a low rate one message takes longer to fill than the window is.
_DRAW = """
WITH rate AS MATERIALIZED (
    SELECT r.shop_id, r.per_minute, greatest(r.paid_until, $3::timestamptz
        - greatest($4::interval, interval '1 minute' / r.per_minute + $5::interval)) AS paid_until
    FROM plan p JOIN send_rate r ON r.shop_id = p.shop_id WHERE p.id = $1 FOR NO KEY UPDATE OF r
),
drawn AS (
    SELECT shop_id, per_minute, paid_until, least(
        greatest(0, floor(extract(epoch FROM $3 - paid_until) * per_minute / 60))::bigint,
        (SELECT count(*) FROM delivery WHERE plan_id = $1 AND slice = $2 AND state = 'PENDING'
         AND (not_before IS NULL OR not_before <= $3))) AS count
    FROM rate
)
UPDATE send_rate r SET paid_until = d.paid_until + d.count * (interval '1 minute' / d.per_minute)
FROM drawn d WHERE r.shop_id = d.shop_id
RETURNING d.count
"""

_GIVE_BACK = """
UPDATE send_rate r SET paid_until = r.paid_until - $2 * (interval '1 minute' / r.per_minute)
FROM plan p WHERE p.id = $1 AND r.shop_id = p.shop_id
"""

"""What a shop's days say, and what the ledger says they must."""

from collections import Counter

from models import database as db
from models.metric.day import FACTS
from tests.outreach import Outreach, Place, Sent

Rows = Counter[tuple[object, ...]]

ZONE = "America/St_Johns"
"""Where days begin at no full hour of UTC."""


async def rows(shop_id: int, source: str = "metric") -> Rows:
    """What the view says of a shop: how much of each fact, where it is not nothing."""
    found = await db.fetch(
        f"SELECT day, plan_id, channel, language, product_id, {', '.join(FACTS)} FROM {source} WHERE shop_id = $1",
        shop_id,
    )
    sums: Rows = Counter()
    for row in found:
        for fact in FACTS:
            sums[(*list(row)[:5], fact)] += row[fact]
    return Counter({key: amount for key, amount in sums.items() if amount})


async def anew(shop_id: int) -> Rows:
    """The same as the ledger says it."""
    key = "day, plan_id, channel, language, product_id, fact"
    found = await db.fetch(
        f"SELECT {key}, sum(amount)::bigint AS amount FROM metric_fact WHERE shop_id = $1 GROUP BY {key}", shop_id
    )
    return Counter({tuple(row)[:6]: row["amount"] for row in found if row["amount"]})


async def send_one(place: Place) -> None:
    """A message of the first plan to ana, sent on the first of January."""
    await place.store(Outreach([Sent(0, "ana", "SENT", None, "CHAT", "en", 12, None, None)], []))

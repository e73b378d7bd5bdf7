"""Touches of mails: opened by their image, clicked by their links, by a person or by a machine (B8).

Kept is the first touch of each kind, link and toucher; of them the ledger's times follow, so that a click which turns
out to be a machine's, since another link was followed at the same moment, is taken back from the figures. A mail of
unknown outcome that is touched, by whomever, did arrive.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from models import database, delivery, enclosure, erasure, message
from models.enclosure import BUTTON, PRODUCTS
from models.message import MessageKey
from models.metric.day import WHOLE
from models.scenario import Destination
from models.signed_link import Link
from models.touch import machine
from models.touch.machine import Rules, Sign, TouchKind, Visit
from models.webhook import fact


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where a mail's link leads, the product that it is about (`WHOLE`: none), and whether following it is noted."""

    url: str
    product_id: UUID
    is_noted: bool


async def is_noted(link: Link) -> bool:
    """Whether what happens to the mails of the link's shop may be noted."""
    allowed: bool | None = await database.fetch_value(
        "SELECT mail_tracking IS NOT FALSE FROM shop WHERE id = $1", link.shop_id
    )
    return bool(allowed)


async def redirect(link: Link, target: str) -> Redirect | None:
    """Where the link `target` of a mail leads: always into the shop that sent it (R13); None when it is none of its links.

    When the product is gone, its link leads to the shop's products.
    """
    enclosed = (await enclosure.of_plans([link.plan_id])).get(link.plan_id)
    if enclosed is None or enclosed.shop_id != link.shop_id:
        return None
    if target == BUTTON:
        url = enclosed.address(enclosed.button) if enclosed.button else None
        return Redirect(url, WHOLE, enclosed.is_tracked) if url else None
    product_id = dict(zip(PRODUCTS, enclosed.product_ids, strict=False)).get(target)
    if product_id is None:
        return None
    shown = next((each for each in enclosed.products if each.id == product_id), None)
    url = enclosed.page(shown) if shown else enclosed.address(Destination.PRODUCTS)
    return Redirect(url, product_id, enclosed.is_tracked) if url else None


async def note(link: Link, kind: TouchKind, visit: Visit, product_id: UUID = WHOLE) -> Sign | None:
    """Keep that a mail was opened, or a link of it followed; what gave a machine away, if one it was.

    Nothing is kept of a mail that never left.
    """
    known = machine.rules()
    key = (link.plan_id, link.customer_id)
    async with database.transaction():
        await erasure.hold()
        row = await database.fetch_one(_HOLD, *key, link.shop_id)
        if row is None:
            return None
        sign = machine.judge(kind, visit, row["sent_at"], known)
        if sign is None and kind is TouchKind.CLICK:
            burst = await _burst(link, product_id, visit.at, known)
            if burst is not None:
                sign = Sign.BURST
                await database.execute(_RETRACT, *key, *burst)
        toucher = "PERSON" if sign is None else "MACHINE"
        await database.execute(_KEEP, *key, kind, product_id, toucher, sign, visit.at)
        derived = await database.fetch_one(_DERIVE, *key, visit.at)
        await database.execute(_ROLL_UP, link.shop_id, link.customer_id)
        if derived is not None:
            await message.tell(MessageKey(*key), derived, visit.at)
    return sign


async def _burst(link: Link, product_id: UUID, at: datetime, known: Rules) -> tuple[datetime, datetime] | None:
    """From when to when too many links of a mail were followed, one of them at `at`; None when there were not.

    Requests at the same moment wait for each other, and a later one may have been noted before.
    """
    rows = await database.fetch(_OTHERS, link.plan_id, link.customer_id, product_id, at, known.burst_window)
    since = [row["since"] for row in rows if machine.is_burst(row["others"], known)]
    return (min(since), max(since) + known.burst_window) if since else None


_OF_MAIL = "plan_id = $1 AND customer_id = $2 AND reference = ''"

# Only automated plans have occasions, and they go by chat (R9).
_HOLD = f"""
SELECT sent_at FROM delivery
WHERE {_OF_MAIL} AND shop_id = $3 AND channel = 'EMAIL'
  AND (state IN ('SENT', 'COMMITTING', 'FAILED') OR {delivery.MAY_HAVE_ARRIVED})
FOR NO KEY UPDATE
"""

_CLICKS = f"{_OF_MAIL} AND kind = 'CLICK' AND product_id <> $3 AND (toucher = 'PERSON' OR sign = 'BURST')"

# Of as long as a burst: whatever has too many links in it, with the one at $4 among them, has so when it begins with one.
_OTHERS = f"""
SELECT since, (
    SELECT count(DISTINCT product_id) FROM touch WHERE {_CLICKS} AND touched_at BETWEEN since AND since + $5::interval
) AS others
FROM (
    SELECT touched_at FROM touch WHERE {_CLICKS} AND touched_at BETWEEN $4::timestamptz - $5::interval AND $4
    UNION SELECT $4
) AS begun (since)
"""

_RETRACT = f"""
WITH taken AS (
    DELETE FROM touch WHERE {_OF_MAIL} AND kind = 'CLICK' AND toucher = 'PERSON' AND touched_at BETWEEN $3 AND $4
    RETURNING *
)
INSERT INTO touch (plan_id, customer_id, kind, product_id, toucher, sign, touched_at)
SELECT plan_id, customer_id, kind, product_id, 'MACHINE', 'BURST', touched_at FROM taken ON CONFLICT DO NOTHING
"""

_KEEP = """
INSERT INTO touch (plan_id, customer_id, kind, product_id, toucher, sign, touched_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
"""

_DERIVE = f"""
WITH known AS (
    SELECT read_at, clicked_at, {delivery.MAY_HAVE_ARRIVED} AS may_have_arrived FROM delivery WHERE {_OF_MAIL}),
derived AS (
UPDATE delivery d SET
    read_at = t.read_at, clicked_at = t.clicked_at,
    machine_read_at = t.machine_read_at, machine_clicked_at = t.machine_clicked_at,
    state = CASE WHEN known.may_have_arrived THEN 'SENT' ELSE d.state END,
    reason = CASE WHEN known.may_have_arrived THEN NULL ELSE d.reason END,
    sent_at = CASE WHEN known.may_have_arrived THEN $3 ELSE d.sent_at END
FROM (
    SELECT min(touched_at) FILTER (WHERE toucher = 'PERSON') AS read_at,
           min(touched_at) FILTER (WHERE toucher = 'PERSON' AND kind = 'CLICK') AS clicked_at,
           min(touched_at) FILTER (WHERE toucher = 'MACHINE') AS machine_read_at,
           min(touched_at) FILTER (WHERE toucher = 'MACHINE' AND kind = 'CLICK') AS machine_clicked_at
    FROM touch WHERE {_OF_MAIL}
) t, known
WHERE {_OF_MAIL} AND (d.read_at, d.clicked_at, d.machine_read_at, d.machine_clicked_at, known.may_have_arrived)
    IS DISTINCT FROM (t.read_at, t.clicked_at, t.machine_read_at, t.machine_clicked_at, false)
RETURNING d.plan_id, d.customer_id, d.reference, d.shop_id, d.state, d.channel, d.language, d.reason,
    known.may_have_arrived AS has_arrived,
    known.read_at IS NULL AND d.read_at IS NOT NULL AS is_read,
    known.clicked_at IS NULL AND d.clicked_at IS NOT NULL AS is_clicked
),
arrived AS (SELECT * FROM derived WHERE has_arrived),
{fact.telling("arrived", "$3::timestamptz")}
SELECT shop_id, is_read, is_clicked FROM derived
"""

_ROLL_UP = """
UPDATE relationship r SET last_message_read_at = t.read_at, last_message_clicked_at = t.clicked_at
FROM (SELECT max(read_at) AS read_at, max(clicked_at) AS clicked_at FROM delivery
      WHERE customer_id = $2 AND shop_id = $1 AND read_at IS NOT NULL) t
WHERE r.shop_id = $1 AND r.customer_id = $2
  AND (r.last_message_read_at, r.last_message_clicked_at) IS DISTINCT FROM (t.read_at, t.clicked_at)
"""

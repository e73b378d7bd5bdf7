"""A customer's timeline, as one shop may see it: what they got, what they did not get and why, and what they did (B9).

It is read from the rows that are there for other reasons, in one statement: each part gives at most a page, the
newest first, and the parts are merged. Nothing of another shop's is in it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from models import database
from models.clock import TOLERANCE
from models.coupon import smart
from models.coupon.smart import Considered
from models.customer_rows import messages_of
from models.delivery import MessageChannel
from models.page import Ordering, Page


class TimelineKind(StrEnum):
    """What an entry tells."""

    MESSAGE = "MESSAGE"
    READ = "READ"
    CLICK = "CLICK"
    REPLY = "REPLY"
    ORDER = "ORDER"
    ORDER_ENDED = "ORDER_ENDED"
    CLAIM = "CLAIM"
    REDEMPTION = "REDEMPTION"
    CONSENT = "CONSENT"
    EVENT = "EVENT"


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened. `what` is a message's state, an order's status, what consent changed to, an event's kind.

    `reason` says why a message was not sent, or where a consent came from; `amount` is an order's, or a claim's
    discount, in minor units; `order` its external id.
    """

    shop_id: int
    customer_id: UUID
    at: datetime
    kind: TimelineKind
    key: str
    what: str | None
    reason: str | None
    channel: MessageChannel | None
    language: str | None
    plan_id: int | None
    reference: str | None
    coupon_id: int | None
    product_id: UUID | None
    order: str | None
    amount: int | None
    seconds: int | None
    kept_considered: str | None
    """As models/coupon/smart.py keeps it, in JSON."""

    @property
    def considered(self) -> list[Considered]:
        """The coupons that the message's own was chosen from, the best first (R16)."""
        return smart.kept(database.decode(self.kept_considered) or ())


NEWEST_FIRST = Ordering("timeline", (("at", "timestamptz"), ("kind", "text"), ("key", "text")), descending=True)


async def timeline(
    shop_id: int, customer_id: UUID, page: Page, *, kinds: Collection[TimelineKind] = ()
) -> list[TimelineEntry]:
    """A page of a customer's timeline in a shop, in `NEWEST_FIRST`; one entry more than its size when there are more."""
    where, tail, arguments = page.clause(3)
    parts = " UNION ALL ".join(f"(SELECT * FROM ({part}) AS p WHERE {where} {tail})" for part in _parts(kinds))
    rows = await database.fetch_planned(f"SELECT * FROM ({parts}) AS t {tail}", shop_id, customer_id, *arguments)
    return [_entry(shop_id, customer_id, row) for row in rows]


async def count(shop_id: int, customer_id: UUID, *, kinds: Collection[TimelineKind] = ()) -> int:
    """How many entries the timeline has."""
    parts = " UNION ALL ".join(f"SELECT 1 FROM ({part}) AS p" for part in _parts(kinds))
    total: int = await database.fetch_value(f"SELECT count(*) FROM ({parts}) AS t", shop_id, customer_id)
    return total


def _parts(kinds: Collection[TimelineKind]) -> list[str]:
    return [part for kind, part in PARTS if not kinds or kind in kinds]


def _entry(shop_id: int, customer_id: UUID, row: database.Record) -> TimelineEntry:
    at, kind, key, what, reason, channel, *others = row
    way = MessageChannel(channel) if channel else None
    return TimelineEntry(shop_id, customer_id, at, TimelineKind(kind), key, what, reason, way, *others)


COLUMNS = {
    "what": "text", "reason": "text", "channel": "text", "language": "text", "plan_id": "integer", "reference": "text",
    "coupon_id": "integer", "product_id": "uuid", "order": "text", "amount": "bigint", "seconds": "integer",
    "considered": "text",
}  # fmt: skip
"""What an entry may tell beside its time, kind and key, and its type in PostgreSQL."""


def _part(kind: TimelineKind, at: str, key: str, source: str, **columns: str) -> tuple[TimelineKind, str]:
    """SQL of the entries of a kind in shop $1 of customer $2, with those of the columns that it has."""
    told = ", ".join(f'({columns.get(name, "NULL")})::{form} AS "{name}"' for name, form in COLUMNS.items())
    return kind, f"SELECT {at} AS at, '{kind}'::text AS kind, ({key})::text AS key, {told} FROM {source}"


def _message_part(kind: TimelineKind, at: str, **columns: str) -> tuple[TimelineKind, str]:
    """The customer's messages are found by indexes of theirs, and then are the shop's or not."""
    source = f"(SELECT * FROM delivery WHERE {messages_of('$2')}) AS d WHERE d.shop_id = $1 AND {at} IS NOT NULL"
    shared: dict[str, Any] = {"plan_id": "d.plan_id", "reference": "d.reference", "channel": "d.channel"}
    return _part(kind, at, "d.plan_id || ':' || d.reference", source, **shared, **columns)


_ORDERS = (
    "orders o LEFT JOIN attribution a ON a.customer_id = o.customer_id AND a.order_id = o.id"
    " WHERE o.shop_id = $1 AND o.customer_id = $2"
)
_ORDER = {"order": "o.external_id", "amount": "o.amount", "plan_id": "a.plan_id", "reference": "a.reference"}
_CLAIMS = "claim k LEFT JOIN orders o ON o.customer_id = k.customer_id AND o.id = k.order_id WHERE k.customer_id = $2 AND k.shop_id = $1"
_CLAIM = {"coupon_id": "k.coupon_id", "plan_id": "k.plan_id", "reference": "k.reference"}

# What the platform said before may bear a time of a clock that is ahead, and then a refusal has that time.
_IS_THAT_REFUSAL = (
    "r.email_consent_at >= u.happened_at"
    f" AND r.email_consent_at <= u.happened_at + interval '{TOLERANCE.seconds} seconds'"
)

PARTS = (
    _message_part(
        TimelineKind.MESSAGE, "coalesce(d.sent_at, d.created_at)", what="d.state", reason="d.reason", language="d.language",
        coupon_id="(d.frozen ->> 'couponId')::int", considered="d.frozen -> 'considered'",
    ),
    _message_part(TimelineKind.READ, "d.read_at"),
    _message_part(TimelineKind.CLICK, "d.clicked_at"),
    _message_part(TimelineKind.REPLY, "d.replied_at"),
    _part(TimelineKind.ORDER, "o.ordered_at", "o.id", _ORDERS, what="'PLACED'", **_ORDER),
    _part(
        TimelineKind.ORDER_ENDED, "o.cancelled_at", "o.id", f"{_ORDERS} AND o.cancelled_at IS NOT NULL",
        what="o.status", **_ORDER,
    ),
    _part(TimelineKind.CLAIM, "k.claimed_at", "k.coupon_id || ':' || k.number", _CLAIMS, **_CLAIM),
    _part(
        TimelineKind.REDEMPTION, "k.redeemed_at", "k.coupon_id || ':' || k.number", f"{_CLAIMS} AND k.redeemed_at IS NOT NULL",
        order="o.external_id", amount="k.discount", **_CLAIM,
    ),
    _part(
        TimelineKind.CONSENT, "u.happened_at", "u.channel", "unsubscription u WHERE u.customer_id = $2 AND u.shop_id = $1",
        what="CASE u.channel WHEN 'CHAT' THEN 'BLOCKED' ELSE 'UNSUBSCRIBED' END", channel="u.channel", plan_id="u.plan_id",
    ),
    _part(
        TimelineKind.CONSENT, "r.email_consent_at", "'EMAIL'",
        "relationship r WHERE r.shop_id = $1 AND r.customer_id = $2 AND r.email_consent_at IS NOT NULL AND NOT EXISTS ("
        "SELECT FROM unsubscription u WHERE u.customer_id = $2 AND u.shop_id = $1 AND u.channel = 'EMAIL'"
        f" AND r.email_consent = 'UNSUBSCRIBED' AND {_IS_THAT_REFUSAL})",
        what="r.email_consent", channel="'EMAIL'", reason="r.email_consent_source",
    ),
    _part(
        TimelineKind.EVENT, "e.occurred_at", "e.id", "event e WHERE e.shop_id = $1 AND e.customer_id = $2",
        what="e.kind", reason="e.category", product_id="e.product_id", reference="e.reference", seconds="e.seconds",
    ),
)  # fmt: skip
"""The parts of a timeline: kind, and SQL."""

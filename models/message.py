"""Messages as the shopper sees them: the inbox, reading, clicking (R20).

A chat message is a SENT row of the ledger. Its text is rendered when it is read, from the plan's
pinned content and the values frozen when it was sent, so the ledger stays narrow.
(The syntax of message texts, ICU MessageFormat, is read by models/content/pattern.py.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from models import content, database, live
from models.clock import now
from models.content import Localised
from models.errors import Refused
from models.page import Ordering, Page
from models.plan import wording
from models.webhook import fact
from models.webhook.fact import WebhookFact


@dataclass(frozen=True, slots=True)
class Message:
    """One message in a shopper's inbox. Times are UTC; `language` is the one its text is in (BCP 47)."""

    plan_id: int
    customer_id: UUID
    reference: str
    shop_id: int
    shop_name: str
    language: str
    text: str
    sent_at: datetime
    read_at: datetime | None
    clicked_at: datetime | None
    variant: int
    product_ids: tuple[UUID, ...] | None
    """The products it was sent with, when they are its own rather than its plan's."""
    coupon_id: int | None
    """The coupon that was chosen for its customer, if one was (R16)."""


@dataclass(frozen=True, slots=True)
class MessageKey:
    """What identifies a message: plan, customer and the plan's occasion (empty for one-time plans)."""

    plan_id: int
    customer_id: UUID
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Inbox:
    """An inbox at one moment: how many of its messages are unread, and some of them, newest first.

    `version` rises with whatever is committed: it is that of models/progress.py, the number of transactions finished.
    """

    version: int
    unread: int
    newest: list[Message]


NEWEST_FIRST = Ordering(
    "inbox",
    (("d.sent_at", "timestamptz"), ("d.plan_id", "integer"), ("d.reference", "text")),
    descending=True,
)
"""The order of an inbox."""


async def inbox(customer_id: UUID, page: Page) -> list[Message]:
    """A page of a shopper's inbox, in `NEWEST_FIRST`; one message more than its size when there are more."""
    where, tail, arguments = page.clause(2)
    return await _render(await database.fetch(f"{_INBOX} AND {where} {tail}", customer_id, *arguments))


async def count(customer_id: UUID) -> int:
    """How many messages the inbox holds."""
    total: int = await database.fetch_value(
        "SELECT count(*) FROM delivery WHERE customer_id = $1 AND channel = 'CHAT' AND state = 'SENT'", customer_id
    )
    return total


async def inboxes(since: Mapping[UUID, datetime], size: int) -> dict[UUID, Inbox]:
    """What each shopper's inbox holds, all from one snapshot: at most `size` messages sent since the given instant."""
    found: dict[UUID, Inbox] = {}
    rows = await database.fetch(_INBOXES, list(since), list(since.values()), size)
    for row in rows:
        found.setdefault(row["reader"], Inbox(row["version"], row["unread"], []))
    for message in await _render([row for row in rows if row["plan_id"] is not None]):
        found[message.customer_id].newest.append(message)
    return found


async def messages(keys: Sequence[MessageKey]) -> dict[MessageKey, Message]:
    """The messages of these keys, each only when it is in its customer's inbox."""
    rows = await database.fetch(
        _MESSAGES,
        [key.plan_id for key in keys],
        [key.customer_id for key in keys],
        [key.reference for key in keys],
    )
    return {MessageKey(m.plan_id, m.customer_id, m.reference): m for m in await _render(rows)}


async def mark_read(key: MessageKey) -> Message | None:
    """Note that the shopper has read a message (the first time counts); None when it is not theirs.

    One of unknown outcome has arrived then: a chat platform showed it, whose answer was lost.
    """
    return await _touch(key, _READ)


async def click(key: MessageKey) -> Message | None:
    """Note that the shopper clicked a message, which is also a read; None when it is not theirs."""
    return await _touch(key, _CLICK)


async def _touch(key: MessageKey, statement: str) -> Message | None:
    at = now()
    async with database.transaction():
        touched = await database.fetch_one(statement, key.plan_id, key.customer_id, key.reference, at)
        if touched is None:
            return None
        await database.execute(
            _ROLL_UP_TOUCH, touched["shop_id"], key.customer_id, touched["read_at"], touched["clicked_at"]
        )
        await tell(key, touched, at)
    return (await messages([key])).get(key)


async def tell(key: MessageKey, touched: database.Record, at: datetime) -> None:
    """Tell of a first read and a first click: whether `touched` says `is_read` and `is_clicked`. Call in a transaction."""
    data = {"message": (key.plan_id, key.reference), "plan": key.plan_id, "customer": key.customer_id}
    for is_new, told in (
        (touched["is_read"], WebhookFact.MESSAGE_READ),
        (touched["is_clicked"], WebhookFact.MESSAGE_CLICKED),
    ):
        if is_new:
            await fact.tell(touched["shop_id"], told, data, at)


def _text(said: Localised, frozen: str | None) -> str:
    """What a message says; nothing when a value that it cannot be said without is no longer kept (MESSAGE_MONTHS)."""
    try:
        return content.fill(said, database.decode(frozen) or {}).text
    except Refused:
        return ""


async def _render(rows: Sequence[database.Record]) -> list[Message]:
    keys = [(row["plan_id"], "CHAT", row["language"], row["variant"]) for row in rows]
    texts = await wording.load(set(keys))
    return [_message(row, texts[key]) for key, row in zip(keys, rows, strict=True)]


def _message(row: database.Record, said: Localised) -> Message:
    frozen = database.decode(row["frozen"]) or {}
    shown = frozen.get("productIds")
    return Message(
        row["plan_id"], row["customer_id"], row["reference"], row["shop_id"], row["shop_name"], said.language,
        _text(said, row["frozen"]), row["sent_at"], row["read_at"], row["clicked_at"], row["variant"],
        tuple(UUID(each) for each in shown) if shown is not None else None, frozen.get("couponId"),
    )  # fmt: skip


_COLUMNS = (
    "d.plan_id, d.customer_id, d.reference, d.shop_id, s.name AS shop_name, d.language, d.variant, d.frozen,"
    " d.sent_at, d.read_at, d.clicked_at"
)

_TOUCH = f"""
WITH known AS (
    SELECT read_at, clicked_at, state FROM delivery
    WHERE plan_id = $1 AND customer_id = $2 AND reference = $3 FOR NO KEY UPDATE
),
touched AS (
UPDATE delivery d SET {{}}, state = 'SENT',
    reason = CASE WHEN d.state = 'UNKNOWN' THEN NULL ELSE d.reason END,
    sent_at = CASE WHEN d.state = 'UNKNOWN' THEN $4::timestamptz ELSE d.sent_at END
FROM known
WHERE d.plan_id = $1 AND d.customer_id = $2 AND d.reference = $3 AND d.channel = 'CHAT'
  AND d.state IN ('SENT', 'UNKNOWN')
RETURNING d.plan_id, d.customer_id, d.reference, d.shop_id, d.state, d.channel, d.language, d.reason, d.read_at,
    d.clicked_at, known.state = 'UNKNOWN' AS has_arrived, known.read_at IS NULL AND d.read_at IS NOT NULL AS is_read,
    known.clicked_at IS NULL AND d.clicked_at IS NOT NULL AS is_clicked
),
arrived AS (SELECT * FROM touched WHERE has_arrived),
{fact.telling("arrived", "$4::timestamptz")}
SELECT shop_id, read_at, clicked_at, is_read, is_clicked FROM touched
"""
_READ = _TOUCH.format("read_at = coalesce(d.read_at, $4)")
_CLICK = _TOUCH.format("read_at = coalesce(d.read_at, $4), clicked_at = coalesce(d.clicked_at, $4)")

# A message that is read again was read when it was the first time. (`greatest` passes over NULL.)
_ROLL_UP_TOUCH = """
UPDATE relationship SET last_message_read_at = greatest(last_message_read_at, $3),
    last_message_clicked_at = greatest(last_message_clicked_at, $4)
WHERE shop_id = $1 AND customer_id = $2
"""

_INBOX = (
    "SELECT " + _COLUMNS + " FROM delivery d JOIN shop s ON s.id = d.shop_id"
    " WHERE d.customer_id = $1 AND d.channel = 'CHAT' AND d.state = 'SENT'"
)

_MESSAGES = (
    "SELECT " + _COLUMNS + " FROM unnest($1::int[], $2::uuid[], $3::text[]) AS k(plan_id, customer_id, reference)"
    " JOIN delivery d USING (plan_id, customer_id, reference) JOIN shop s ON s.id = d.shop_id"
    " WHERE d.channel = 'CHAT' AND d.state = 'SENT'"
)

_INBOXES = (
    "SELECT k.reader, seen.version, u.unread, m.*"
    " FROM unnest($1::uuid[], $2::timestamptz[]) AS k(reader, since)"
    f" CROSS JOIN {live.VERSION} seen"
    " CROSS JOIN LATERAL (SELECT count(*) AS unread FROM delivery d"
    "  WHERE d.customer_id = k.reader AND d.channel = 'CHAT' AND d.state = 'SENT' AND d.read_at IS NULL) u"
    " LEFT JOIN LATERAL (SELECT " + _COLUMNS + " FROM delivery d JOIN shop s ON s.id = d.shop_id"
    "  WHERE d.customer_id = k.reader AND d.channel = 'CHAT' AND d.state = 'SENT'"
    "  AND d.sent_at >= k.since"
    "  ORDER BY d.sent_at DESC, d.plan_id DESC, d.reference DESC LIMIT $3) m ON true"
    " ORDER BY k.reader, m.sent_at DESC, m.plan_id DESC, m.reference DESC"
)

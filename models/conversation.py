"""Conversations: opened by a shopper's reply to a chat message, and seen and answered by the seller only then (R20).

There is one of each shop and shopper, and its remarks are numbered without gaps. An answer is a word from the shop, so
what no text of a plan may say it may not say either (R13), and it reaches nobody who has blocked the shop's chat (R19).
It is no marketing and counts against no contact limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from models import consent, database, message
from models.clock import now
from models.content_rule import violation
from models.errors import ErrorCode, Refused, refuse
from models.message import MessageKey
from models.page import Ordering, Page, by_page

LONGEST_TEXT = 2_000
"""Characters of a remark."""

MOST_AN_HOUR = 60
"""Remarks of a shopper in one conversation within an hour."""


class Author(StrEnum):
    """Who said something."""

    SHOPPER = "SHOPPER"
    SELLER = "SELLER"


@dataclass(frozen=True, slots=True)
class Conversation:
    """A shop's conversation with a shopper. `size` is how many remarks there are."""

    shop_id: int
    customer_id: UUID
    opened_at: datetime
    last_at: datetime
    last_author: Author
    size: int


@dataclass(frozen=True, slots=True)
class Remark:
    """Something said; `plan_id` is the plan whose message a reply answers."""

    number: int
    author: Author
    text: str
    plan_id: int | None
    written_at: datetime


HOUR = timedelta(hours=1)

ConversationKey = tuple[int, UUID]
"""(shop, customer)."""

LATEST_FIRST = Ordering("conversations", (("last_at", "timestamptz"), ("customer_id", "uuid")), descending=True)

NEWEST_REMARK_FIRST = Ordering("remarks", (("r.number", "integer"),), descending=True)


async def reply(key: MessageKey, text: str, *, actor: str) -> Conversation | None:
    """A shopper's reply to a message of their inbox, which is also a read; None when it is not theirs."""
    said = _checked(text)
    async with database.transaction():
        answered = await message.mark_read(key)
        if answered is None:
            return None
        at = now()
        await database.execute(_REPLIED, key.plan_id, key.customer_id, key.reference, at)
        row = await database.fetch_one(_OPEN, key.customer_id, answered.shop_id, at)
        assert row is not None
        opened = _conversation(row)
        if await database.fetch_value(_IS_TOO_MUCH, key.customer_id, answered.shop_id, MOST_AN_HOUR, at - HOUR):
            why = f"A shopper says at most {MOST_AN_HOUR} things an hour in a conversation; wait a little."
            raise refuse("text", why, ErrorCode.TOO_MANY)
        await _keep(opened, Author.SHOPPER, said, actor, answers=key)
    return opened


async def answer(shop_id: int, customer_id: UUID, text: str, *, actor: str) -> Conversation | None:
    """A seller's answer in a conversation that the shopper has opened; None when there is none.

    Refused, and nothing changed, when the text leads out of the shop or the shopper has blocked its chat.
    """
    said = _checked(text)
    forbidden = violation.problems_of(("text",), said)
    if forbidden:
        raise Refused(forbidden)
    async with database.transaction():
        await consent.hold(shop_id)
        row = await database.fetch_one(_GO_ON, customer_id, shop_id, now())
        if row is None:
            return None
        if await database.fetch_value(_BLOCKED, shop_id, customer_id):
            why = "The shopper has blocked the shop's chat; nothing reaches them until they unblock it."
            raise refuse("id", why, ErrorCode.CHAT_BLOCKED, rule="R19")
        opened = _conversation(row)
        await _keep(opened, Author.SELLER, said, actor)
    return opened


async def conversations(shop_id: int, page: Page) -> list[Conversation]:
    """A page of a shop's conversations, in `LATEST_FIRST`; one more than its size when there are more."""
    where, tail, arguments = page.clause(2)
    rows = await database.fetch(f"{_CONVERSATIONS} WHERE shop_id = $1 AND {where} {tail}", shop_id, *arguments)
    return [_conversation(row) for row in rows]


async def count(shop_id: int) -> int:
    """How many conversations a shop has."""
    total: int = await database.fetch_value("SELECT count(*) FROM conversation WHERE shop_id = $1", shop_id)
    return total


async def of_keys(keys: Sequence[ConversationKey]) -> list[Conversation | None]:
    """The conversation of each of these shops and shoppers, None where there is none; all from one statement."""
    rows = await database.fetch(_BY_KEY, [shop_id for shop_id, _ in keys], [customer_id for _, customer_id in keys])
    found = {(row["shop_id"], row["customer_id"]): _conversation(row) for row in rows}
    return [found.get(key) for key in keys]


async def remarks(asked: Sequence[tuple[ConversationKey, Page]]) -> list[list[Remark]]:
    """A page of each conversation's remarks, in `NEWEST_REMARK_FIRST`; one statement for all that ask for the same page."""
    found: dict[tuple[ConversationKey, Page], list[Remark]] = {each: [] for each in asked}
    for page, keys in by_page(asked).items():
        where, tail, arguments = page.clause(3)
        sql = _REMARKS.format(where=where, tail=tail)
        rows = await database.fetch(sql, [shop for shop, _ in keys], [customer for _, customer in keys], *arguments)
        for row in rows:
            remark = Remark(row["number"], Author(row["author"]), row["text"], row["plan_id"], row["written_at"])
            found[(row["shop_id"], row["customer_id"]), page].append(remark)
    return [found[each] for each in asked]


def _checked(text: str) -> str:
    said = text.strip()
    if not said or "\0" in said:
        raise refuse("text", "Say something, without the NUL character.")
    if len(said) > LONGEST_TEXT:
        raise refuse("text", f"A remark has at most {LONGEST_TEXT} characters.", ErrorCode.TOO_LONG)
    return said


async def _keep(
    said_in: Conversation, author: Author, text: str, actor: str, *, answers: MessageKey | None = None
) -> None:
    """Write a remark, whose number is the conversation's size. The conversation's row is locked."""
    await database.execute(
        _KEEP,
        said_in.customer_id,
        said_in.shop_id,
        said_in.size,
        author,
        actor,
        text,
        answers.plan_id if answers else None,
        answers.reference if answers else None,
        said_in.last_at,
    )


def _conversation(row: database.Record) -> Conversation:
    return Conversation(
        row["shop_id"], row["customer_id"], row["opened_at"], row["last_at"], Author(row["last_author"]), row["size"]
    )


_COLUMNS = "shop_id, customer_id, opened_at, last_at, last_author, size"

_CONVERSATIONS = f"SELECT {_COLUMNS} FROM conversation"

_REPLIED = """
UPDATE delivery SET replied_at = $4
WHERE plan_id = $1 AND customer_id = $2 AND reference = $3 AND replied_at IS NULL
"""

_OPEN = f"""
INSERT INTO conversation AS known (customer_id, shop_id, opened_at, last_at, last_author, size)
VALUES ($1, $2, $3, $3, 'SHOPPER', 1)
ON CONFLICT (customer_id, shop_id) DO UPDATE
SET last_at = greatest(known.last_at, excluded.last_at), last_author = 'SHOPPER', size = known.size + 1
RETURNING {_COLUMNS}
"""

# The conversation's row is locked, so that two at once are counted; however long it is, its end is looked at.
_IS_TOO_MUCH = """
SELECT count(*) FILTER (WHERE author = 'SHOPPER' AND written_at > $4) >= $3::int FROM (
    SELECT author, written_at FROM remark WHERE customer_id = $1 AND shop_id = $2 ORDER BY number DESC LIMIT 2 * $3::int
) AS latest
"""

# Who is being erased is answered no more, though their conversation is only deleted when nothing is in flight to them.
_GO_ON = f"""
UPDATE conversation SET last_at = greatest(last_at, $3), last_author = 'SELLER', size = size + 1
WHERE customer_id = $1 AND shop_id = $2 AND NOT EXISTS (SELECT FROM erasure WHERE customer_id = $1 AND done_at IS NULL)
RETURNING {_COLUMNS}
"""

_BLOCKED = """
SELECT EXISTS (SELECT FROM relationship WHERE shop_id = $1 AND customer_id = $2 AND chat_blocked_at IS NOT NULL)
"""

_KEEP = """
INSERT INTO remark (customer_id, shop_id, number, author, actor, text, plan_id, reference, written_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""

_BY_KEY = f"""
SELECT {_COLUMNS} FROM unnest($1::int[], $2::uuid[]) AS k (shop_id, customer_id)
JOIN conversation USING (shop_id, customer_id)
"""

_REMARKS = """
SELECT k.shop_id, k.customer_id, r.* FROM unnest($1::int[], $2::uuid[]) AS k (shop_id, customer_id)
CROSS JOIN LATERAL (
    SELECT r.number, r.author, r.text, r.plan_id, r.written_at FROM remark r
    WHERE r.customer_id = k.customer_id AND r.shop_id = k.shop_id AND {where} {tail}) r
"""

"""Postings: the ledger of what is posted to webhooks, one row per request, each at least once.

A worker holds a webhook while it posts to it, so that its requests leave one after the other, in the order of
their facts. A lost worker's hold runs out, and its last request may come twice, under the same id.

What a request said is forgotten once it is settled, since nothing comes of it any more: only how it went is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from models import database, webhook
from models.clock import now
from models.errors import ErrorCode, refuse
from models.page import Ordering, Page, by_page
from models.shop import Shop
from models.webhook import Webhook, fact
from models.webhook.fact import WebhookFact

HOLD = timedelta(seconds=120)
"""How long a silent worker keeps a webhook, by PostgreSQL's clock."""

DELAYS = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400))
"""After the n-th try that was not taken, the next comes so much later; after the last, the request has failed."""

DISABLED_AFTER = timedelta(days=5)
"""A webhook that took nothing for so long is disabled."""

MOST_WAITING = 50_000
"""A webhook for which more waits is disabled."""

KEPT = timedelta(days=7)
"""How long settled postings are shown."""

FORGOTTEN_AT_ONCE = 10_000
"""Postings that are dropped in one transaction."""

NEWEST_FIRST = Ordering("posting", (("id", "bigint"),), descending=True)


class PostingState(StrEnum):
    """Where a request stands."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Posting:
    """One request: what it tells, where it stands, and what the last try met.

    `answer` is an HTTP status, or a word such as UNREACHABLE.
    """

    webhook_id: int
    id: int
    fact: WebhookFact
    state: PostingState
    attempts: int
    answer: str | None
    happened_at: datetime
    tried_at: datetime | None
    not_before: datetime | None
    settled_at: datetime | None

    @property
    def message_id(self) -> str:
        """Its `webhook-id`, the same at every try."""
        return f"evt_{self.webhook_id}_{self.id}"


@dataclass(frozen=True, slots=True)
class Due:
    """A request to be sent now, and what it says."""

    posting: Posting
    said: dict[str, Any]


def next_try(attempts: int, at: datetime, *, asked: timedelta | None = None) -> datetime | None:
    """When to try again after so many tries that were not taken; not before `asked` has passed; None: never."""
    if attempts > len(DELAYS):
        return None
    return at + max(DELAYS[attempts - 1], asked or timedelta())


async def is_due() -> bool:
    """Whether anything can be posted now, or forgotten."""
    at = now()
    found: bool = await database.fetch_value(_IS_DUE, at, [], at - KEPT)
    return found


async def take(limit: int, *, but: Sequence[int]) -> list[Webhook]:
    """Hold webhooks that something is due for and nobody else holds, but for some; longest waiting first."""
    rows = await database.fetch(_TAKE, now(), list(but), limit, HOLD)
    found = await Webhook.in_bulk([row["id"] for row in rows], "id")
    return list(found.values())


async def release(own: Webhook) -> None:
    """Let others have a webhook, unless one of them has it already, since the hold ran out."""
    await database.execute(
        "UPDATE webhook SET held_until = clock_timestamp() WHERE id = $1 AND held_until = $2", own.id, own.held_until
    )


async def due(webhook_id: int, limit: int) -> list[Due]:
    """The next requests of a webhook, in the order of their facts, and what they say."""
    rows = await database.fetch(_NEXT, webhook_id, now(), limit)
    told = [(WebhookFact(row["fact"]), database.decode(row["data"])) for row in rows]
    return [Due(_posting(row), said) for row, said in zip(rows, await fact.said(told), strict=True)]


async def delivered(posting: Posting, answer: str) -> bool:
    """It was taken; so its webhook works. Whether that is still to be told anything."""
    goes_on: bool | None = await database.fetch_value(_DELIVERED, posting.webhook_id, posting.id, answer, now())
    return goes_on is True


async def refused(posting: Posting, answer: str, *, asked: timedelta | None = None) -> bool:
    """It was not taken: it comes again, or has failed; a webhook that takes nothing for days is disabled.

    Whether the webhook is still to be told anything.
    """
    at = now()
    again = next_try(posting.attempts + 1, at, asked=asked)
    own = await database.fetch_one(
        _REFUSED, posting.webhook_id, posting.id, answer, at, again or at, "PENDING" if again else "FAILED"
    )
    if own is None or own["disabled_at"] is not None:
        return False
    if at - own["failing_since"] < DISABLED_AFTER:
        return True
    await webhook.disable(posting.webhook_id, webhook.FAILING)
    return False


async def is_too_much(webhook_id: int) -> bool:
    """Whether more waits for a webhook than it will ever take."""
    waiting: int = await database.fetch_value(
        "SELECT count(*) FROM (SELECT FROM posting WHERE webhook_id = $1 AND state = 'PENDING' LIMIT $2) AS p",
        webhook_id,
        MOST_WAITING + 1,
    )
    return waiting > MOST_WAITING


async def ask_test(shop: Shop, webhook_id: int) -> Posting:
    """Let a test be posted to the shop's webhook, whatever it is for.

    Refused when there is none, and while it is disabled, since nothing is posted then.
    """
    async with database.transaction():
        own = await webhook.hold(shop.id, webhook_id)
        if own.disabled_at is not None:
            message = f"The webhook is disabled ({own.disabled_reason}), so nothing is posted: enable it first."
            raise refuse("id", message, ErrorCode.CONFLICT)
        row = await database.fetch_one(_ASK_TEST, own.id, now())
    assert row is not None
    return _posting(row)


async def find(webhook_id: int, posting_id: int) -> Posting | None:
    """A webhook's posting with this id."""
    row = await database.fetch_one(
        f"SELECT {_COLUMNS} FROM posting WHERE webhook_id = $1 AND id = $2", webhook_id, posting_id
    )
    return _posting(row) if row else None


async def pages(asked: Sequence[tuple[int, Page]]) -> list[list[Posting]]:
    """A page of each webhook's postings, in `NEWEST_FIRST`; one statement for all that ask for the same page."""
    found: dict[tuple[int, Page], list[Posting]] = {key: [] for key in asked}
    for page, webhooks in by_page(asked).items():
        where, tail, arguments = page.clause(2)
        for row in await database.fetch(_PAGES.format(where=where, tail=tail), webhooks, *arguments):
            found[row["webhook_id"], page].append(_posting(row))
    return [found[key] for key in asked]


async def counts(webhook_ids: Sequence[int]) -> list[int]:
    """How many postings each webhook has."""
    rows = await database.fetch(
        "SELECT webhook_id, count(*) AS count FROM posting WHERE webhook_id = ANY($1::int[]) GROUP BY webhook_id",
        list(webhook_ids),
    )
    found = {row["webhook_id"]: row["count"] for row in rows}
    return [found.get(webhook_id, 0) for webhook_id in webhook_ids]


async def forget() -> int:
    """Drop postings that were settled a week ago, some at a time; how many."""
    return await database.execute(_FORGET, now() - KEPT, FORGOTTEN_AT_ONCE)


def _posting(row: database.Record) -> Posting:
    return Posting(
        row["webhook_id"], row["id"], WebhookFact(row["fact"]), PostingState(row["state"]), row["attempts"], row["answer"],
        row["happened_at"], row["tried_at"], row["not_before"] if row["state"] == "PENDING" else None,
        row["settled_at"],
    )  # fmt: skip


_COLUMNS = "webhook_id, id, fact, state, attempts, answer, happened_at, tried_at, not_before, settled_at"

_ASK_TEST = f"""
INSERT INTO posting (webhook_id, fact, data, happened_at, not_before) VALUES ($1, 'test', '{{}}', $2, $2)
RETURNING {_COLUMNS}
"""

_DUE = """
FROM webhook w WHERE w.disabled_at IS NULL AND w.id <> ALL($2::int[])
  AND (w.held_until IS NULL OR w.held_until < clock_timestamp())
  AND EXISTS (SELECT FROM posting p WHERE p.webhook_id = w.id AND p.state = 'PENDING' AND p.not_before <= $1)"""

_IS_DUE = f"""
SELECT EXISTS (SELECT {_DUE})
    OR EXISTS (SELECT FROM posting WHERE state <> 'PENDING' AND settled_at < $3)
"""

_TAKE = f"""
UPDATE webhook SET held_until = clock_timestamp() + $4::interval
WHERE id IN (SELECT id {_DUE} ORDER BY w.held_until NULLS FIRST, w.id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id
"""

_NEXT = f"""
SELECT {_COLUMNS}, data FROM posting
WHERE webhook_id = $1 AND state = 'PENDING' AND not_before <= $2 ORDER BY id LIMIT $3
"""

# Both lock the webhook first, as whoever changes it does: of what is one statement, what nothing refers to comes last.
_DELIVERED = """
WITH own AS MATERIALIZED (SELECT id, disabled_at FROM webhook WHERE id = $1 FOR NO KEY UPDATE),
taken AS (
    UPDATE posting SET state = 'DELIVERED', data = '{}', answer = $3, attempts = attempts + 1, tried_at = $4, settled_at = $4
    WHERE webhook_id = $1 AND id = $2
),
working AS (UPDATE webhook SET failing_since = NULL WHERE id = $1 AND failing_since IS NOT NULL)
SELECT disabled_at IS NULL FROM own
"""

# What was settled meanwhile, given up or taken from another worker, has no words left to be said again.
_REFUSED = """
WITH tried AS (
    UPDATE posting SET state = $6, answer = $3, attempts = attempts + 1, tried_at = $4, not_before = $5,
        data = CASE WHEN $6 = 'FAILED' THEN '{}' ELSE data END, settled_at = CASE WHEN $6 = 'FAILED' THEN $4::timestamptz END
    WHERE webhook_id = $1 AND id = $2 AND state = 'PENDING'
)
UPDATE webhook SET failing_since = coalesce(failing_since, $4) WHERE id = $1 RETURNING failing_since, disabled_at
"""

_PAGES = f"""
SELECT p.* FROM unnest($1::int[]) AS w(wanted) CROSS JOIN LATERAL (
    SELECT {_COLUMNS} FROM posting WHERE webhook_id = w.wanted AND {{where}} {{tail}}
) p
"""

# What another forgets, too, or a webhook takes along that is forgotten itself, is not waited for.
_FORGET = """
DELETE FROM posting WHERE (webhook_id, id) IN (
    SELECT webhook_id, id FROM posting WHERE state <> 'PENDING' AND settled_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
"""

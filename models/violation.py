"""Refused texts, kept for the platform to see who tries again and again (R13).

A refusal changes nothing else, so this is written after its transaction is gone. The same words in the same
plan are one row with a count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from models import database
from models.clock import now
from models.content_rule import WayOut
from models.content_rule.violation import ForbiddenWords
from models.page import Ordering, Page

MOST_OF_SHOP = 1_000
"""Rows kept of one shop; those that were not met for longest go first."""

MOST_AT_ONCE = 50
"""Words kept of one refusal."""

LATEST_FIRST = Ordering("violation", (("v.last_at", "timestamptz"), ("v.id", "bigint")), descending=True)


@dataclass(frozen=True, slots=True)
class KeptViolation:
    """Words that were refused `count` times in a plan (None: a draft that was never kept), and the whole text last."""

    id: int
    shop_id: int
    shop_external_id: str
    plan_id: int | None
    way: WayOut
    words: str
    field: str
    text: str
    actor: str
    count: int
    first_at: datetime
    last_at: datetime


async def note(shop_id: int, plan_id: int | None, problems: Sequence[ForbiddenWords], *, actor: str) -> None:
    """Count each of these refused words once, and keep no more of the shop than MOST_OF_SHOP."""
    once = list({(each.way, each.words): each for each in problems}.values())[:MOST_AT_ONCE]
    async with database.transaction():
        await database.execute(
            _NOTE, shop_id, plan_id, actor, now(), [each.way for each in once], [each.words for each in once],
            [".".join(each.field) for each in once], [each.text for each in once],
        )  # fmt: skip
        await database.execute(_FORGET, shop_id, MOST_OF_SHOP)


async def listed(page: Page, *, shop_id: int | None = None, least: int = 1) -> list[KeptViolation]:
    """A page in `LATEST_FIRST` of what was refused at least so often, to one shop or to any; one more when there is."""
    where, tail, arguments = page.clause(3)
    rows = await database.fetch(f"{_LISTED} AND {where} {tail}", shop_id, least, *arguments)
    return [KeptViolation(*row.values()) for row in rows]


async def count(*, shop_id: int | None = None, least: int = 1) -> int:
    """How many there are."""
    total: int = await database.fetch_value(f"SELECT count(*) FROM ({_LISTED}) AS kept", shop_id, least)
    return total


_NOTE = """
INSERT INTO violation AS kept (shop_id, plan_id, actor, first_at, last_at, way, words, field, text)
SELECT $1, $2, $3, $4, $4, way, words, field, text
FROM unnest($5::text[], $6::text[], $7::text[], $8::text[]) AS t (way, words, field, text) ORDER BY way, words
ON CONFLICT (shop_id, plan_id, way, words) DO UPDATE
SET (count, last_at, actor, field, text) =
    (kept.count + 1, excluded.last_at, excluded.actor, excluded.field, excluded.text)"""

_FORGET = """
DELETE FROM violation WHERE id IN (
    SELECT id FROM violation WHERE shop_id = $1 ORDER BY last_at DESC, id DESC OFFSET $2)"""

_LISTED = """
SELECT v.id, v.shop_id, s.external_id, v.plan_id, v.way, v.words, v.field, v.text, v.actor, v.count, v.first_at, v.last_at
FROM violation v JOIN shop s ON s.id = v.shop_id
WHERE ($1::integer IS NULL OR v.shop_id = $1) AND v.count >= $2"""

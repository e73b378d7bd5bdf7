"""Audiences: who a plan goes to, resolved once, in ranges of customers (docs/reliability.md).

A range is one transaction: the compiled condition, each member's channel and language, the contact
limit, and the ledger rows, and the range is struck out in the same commit (models/plan/ranges.py). A
chat message to the inbox has no effect outside the database, so its row is written as SENT at once;
e-mail, and what is over the contact limit, waits as PENDING in slices of about a thousand.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from models import consent, database, experiment, language, local_hour, quiet_hours, send_rate, sending
from models import slice as slices
from models.audience import insertion
from models.audience.insertion import Arguments
from models.clock import now
from models.condition import compile_condition, read_stored
from models.experiment import holdout
from models.experiment.bucket import BUCKETS
from models.placeholder import Json
from models.plan import ranges
from models.webhook import fact

RANGE_SIZE = 50_000
"""Customers of a range."""


@dataclass(frozen=True, slots=True)
class Range:
    """What one transaction did: customers in (after, through], and whether nobody of the plan is left."""

    after: UUID
    through: UUID
    recipients: int
    sent: int
    is_last: bool


async def resolve_range(plan_id: int, *, size: int | None = None) -> Range | None:
    """Resolve a range of the plan (`RANGE_SIZE` customers) that nobody else does; None when there is none to take.

    None as well when it is not resolving, was paused or cancelled meanwhile, or all sending is stopped.
    """
    await ranges.cut(plan_id, size or RANGE_SIZE)
    with suppress(ranges.Withdrawn):
        return await database.despite_deadlocks(lambda: _resolve_next(plan_id))
    return None


async def _resolve_next(plan_id: int) -> Range | None:
    async with database.transaction():
        await sending.hold()
        plan = await database.fetch_one(_RESOLVING, plan_id)
        taken = await ranges.take(plan_id) if plan else None
        if plan is None or taken is None:
            return None
        await consent.hold(plan["shop_id"])
        recipients, sent = await _insert(plan, *taken)
        is_last = await ranges.complete(plan_id, taken, now())
        return Range(*taken, recipients, sent, is_last)


async def _insert(plan: database.Record, after: UUID, through: UUID) -> tuple[int, int]:
    """Put the range's recipients into the ledger: how many, and how many of them have it in their inbox already."""
    at = now()
    arguments = _arguments(plan, after, through, at, await language_choices(plan))
    members = compile_condition(
        read_stored(database.decode(plan["definition"])),
        shop_id=plan["shop_id"],
        now=at,
        first_parameter=insertion.FIRST_OF_SEGMENT,
    )
    rows = await database.fetch_planned(
        insertion.statement(members.sql),
        *arguments,
        *members.arguments,
        in_passes=not await database.is_analyzed("customer", "relationship"),
    )
    if rows[0]["sent"] and plan["is_heard"]:
        await fact.tell_range(plan["shop_id"], plan["id"], after, through, at)
    return rows[0]["recipients"], rows[0]["sent"]


def _arguments(
    plan: database.Record, after: UUID, through: UUID, at: datetime, choices: Mapping[str, str]
) -> Arguments:
    variants, tried_below, decides_at = _trying(plan)
    send_at = plan["send_at"] or at
    return Arguments(
        plan=plan["id"],
        shop=plan["shop_id"],
        now=at,
        after=after,
        through=through,
        wanted=plan["channel"],
        shop_zone=plan["time_zone"],
        languages=Json(orjson.dumps(choices).decode()),
        default_language=plan["default_language"],
        send_at=send_at,
        slice_size=slices.SLICE_SIZE,
        local_time=plan["local_time"],
        not_before=max(send_at, at - local_hour.LATENESS),
        is_expired=plan["deadline"] is not None and plan["deadline"] <= at,
        by_platform=plan["has_platform"],
        holdout_percent=plan["holdout_percent"],
        control_percent=plan["control_percent"],
        control_period=holdout.period_of(at, plan["control_since"]),
        variants=variants,
        tried_below=tried_below,
        decides_at=decides_at,
        quiet=plan["quiet"],
        is_paced=plan["is_paced"],
    )


async def language_choices(plan: database.Record) -> dict[str, str]:
    """For every language tag that customers have: the language of this plan's texts they get (R14).

    `plan` is its row with `default_language`, which is the plan's own where it has one.
    """
    available = list(database.decode(plan["content"])["texts"])
    tags = await database.fetch("SELECT tag FROM language")
    return {row["tag"]: language.choose(row["tag"], available, plan["default_language"]) for row in tags}


def _trying(plan: database.Record) -> tuple[int, int, datetime | None]:
    """How many variants are tried, by customers below which bucket, and until when the others wait (B7)."""
    tried = experiment.read(database.decode(plan["experiment"]))
    if tried is None:
        return 1, BUCKETS, None
    return 1 + len(tried.variants), tried.percent * BUCKETS // 100, plan["decides_at"]


COLUMNS = """p.id, p.shop_id, p.channel, p.content, p.definition, p.experiment, p.decides_at, p.holdout_percent, p.trigger,
    p.parameters, p.watermark, p.send_at, p.local_time, p.quiet_from, p.quiet_until, p.deadline, p.ends_at,
    s.time_zone, coalesce(p.fallback_language, s.default_language) AS default_language,
    h.control_percent, h.control_since, EXISTS (SELECT FROM chat_platform c WHERE c.shop_id = s.id) AS has_platform"""
"""SQL of what decides who of a plan's audience gets what, of the plan `p` and its shop, over `TABLES`.

By name, as everywhere: a `*` that gains a column while this version runs makes PostgreSQL give up a transaction.
"""

TABLES = "plan p JOIN shop s ON s.id = p.shop_id LEFT JOIN holdout h ON h.shop_id = s.id"

_RESOLVING = f"""
SELECT {COLUMNS}, {fact.IS_HEARD.format(shop="s.id")} AS is_heard,
    {send_rate.IS_PACED.format(shop="s.id")} AS is_paced, {quiet_hours.OF_SHOP.format(shop="s.id")} AS quiet
FROM {TABLES} WHERE p.id = $1 AND {ranges.RESOLVING} AND NOT {sending.STOPPED}
"""

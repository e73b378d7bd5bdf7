"""Audiences: who a plan goes to, resolved once, in ranges of customers (docs/reliability.md).

A range is one transaction: the compiled condition, each member's channel and language, the contact
limit, and the ledger rows, and the range is struck out in the same commit (models/plan/ranges.py). A
chat message to the inbox has no effect outside the database, so its row is written as SENT at once;
e-mail, and what is over the contact limit, waits as PENDING in slices of about a thousand.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from models import consent, contact, database, experiment, language, quiet_hours, reach, send_rate, sending
from models import slice as slices
from models.clock import now
from models.condition import compile_condition, read_stored
from models.experiment import holdout
from models.experiment.bucket import BUCKETS
from models.plan import ranges
from models.slice.loading import NEXT_DAY
from models.webhook import fact

RANGE_SIZE = 50_000
LATENESS = timedelta(minutes=30)
"""A local hour that passed longer ago than this when its range is resolved is tomorrow's."""


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
        async with database.transaction():
            await sending.hold()
            plan = await database.fetch_one(_RESOLVING, plan_id)
            taken = await ranges.take(plan_id) if plan else None
            if plan is not None and taken is not None:
                await consent.hold(plan["shop_id"])
                recipients, sent = await _insert(plan, *taken)
                is_last = await ranges.complete(plan_id, taken, now())
                return Range(*taken, recipients, sent, is_last)
    return None


async def _insert(plan: database.Record, after: UUID, through: UUID) -> tuple[int, int]:
    at = now()
    choices = await language_choices(plan)
    send_at = plan["send_at"] or at
    arguments: list[Any] = [
        plan["id"], plan["shop_id"], at, after, through, plan["channel"], plan["time_zone"],
        orjson.dumps(choices).decode(), plan["default_language"],
        send_at, slices.SLICE_SIZE, plan["local_time"], max(send_at, at - LATENESS),
        plan["deadline"] is not None and plan["deadline"] <= at, plan["has_platform"],
        plan["holdout_percent"], plan["control_percent"], holdout.period_of(at, plan["control_since"]),
        *_trying(plan), plan["quiet"], plan["is_paced"],
    ]  # fmt: skip
    members = compile_condition(
        read_stored(database.decode(plan["definition"])),
        shop_id=plan["shop_id"],
        now=at,
        first_parameter=len(arguments) + 1,
    )
    rows = await database.fetch_planned(
        _INSERT.format(members=members.sql),
        *arguments,
        *members.arguments,
        in_passes=not await database.is_analyzed("customer", "relationship"),
    )
    if rows[0]["sent"] and plan["is_heard"]:
        await fact.tell_range(plan["shop_id"], plan["id"], after, through, at)
    return rows[0]["recipients"], rows[0]["sent"]


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


_RESOLVING = (
    "SELECT p.*, s.time_zone, coalesce(p.fallback_language, s.default_language) AS default_language,"
    " h.control_percent, h.control_since,"
    " EXISTS (SELECT FROM chat_platform c WHERE c.shop_id = s.id) AS has_platform,"
    f" {fact.IS_HEARD.format(shop='s.id')} AS is_heard,"
    f" {send_rate.IS_PACED.format(shop='s.id')} AS is_paced, {quiet_hours.OF_SHOP.format(shop='s.id')} AS quiet"
    " FROM plan p JOIN shop s ON s.id = p.shop_id LEFT JOIN holdout h ON h.shop_id = s.id"
    f" WHERE p.id = $1 AND {ranges.RESOLVING} AND NOT {sending.STOPPED}"
)

# A customer's variant; none for those who wait for the winner.
VARIANT = """CASE WHEN $19::int = 1 THEN 0 ELSE (
            SELECT CASE WHEN b < $20::int THEN b % $19 END FROM (SELECT bucket('variant:' || $1::int, m.customer_id) AS b) AS v
        ) END"""

HELD_OUT = holdout.reason(
    "customer_id", plan="$1::int", percent="$16::int", shop="$2::int", control="$17::int", period="$18::timestamptz"
)

# The plan's local hour on the customer's day, or on the next where it is past (B3).
FIRST_HOUR = """(
    SELECT CASE WHEN today >= earliest THEN today
                ELSE local_instant(first_day + 1 + $12, time_zone) END
    FROM (SELECT first_day, local_instant(first_day + $12, time_zone) AS today
          FROM (SELECT (earliest AT TIME ZONE time_zone)::date AS first_day) AS f) AS t)"""

_INSERT = (
    """
WITH member AS MATERIALIZED (
    SELECT m.customer_id FROM ({members}) m WHERE m.customer_id > $4 AND m.customer_id <= $5
      AND m.customer_id NOT IN (
        SELECT d.customer_id FROM delivery d WHERE d.plan_id = $1 AND d.customer_id > $4 AND d.customer_id <= $5)
),
reach AS (
    SELECT m.customer_id, c.name, coalesce($8::jsonb ->> c.language, $9) AS language,
        coalesce(c.time_zone, $7) AS time_zone,
        CASE WHEN $22::jsonb IS NOT NULL THEN """
    + quiet_hours.OF_CUSTOMER.format(quiet="$22::jsonb", customer="c")
    + """ END AS quiet,
        """
    + f"{reach.IS_BLOCKED} AS is_blocked, {reach.EMAIL_REFUSAL} AS email_refusal, "
    + VARIANT
    + """ AS variant
    FROM member m
    JOIN relationship r ON r.shop_id = $2 AND r.customer_id = m.customer_id AND r.customer_id > $4 AND r.customer_id <= $5
    LEFT JOIN customer c ON c.id = m.customer_id AND c.id > $4 AND c.id <= $5
    LEFT JOIN suppression u ON u.email_key = c.email_key
),
timed AS (
    SELECT *, greatest($13::timestamptz, CASE WHEN variant IS NULL THEN $21::timestamptz END) AS earliest FROM reach
),
chosen AS (
    SELECT $1::int AS plan_id, customer_id, '' AS reference, name, language, time_zone, variant,
        ($3::timestamptz AT TIME ZONE time_zone)::date AS day,
        """
    + f"{reach.chosen('$6::plan_channel')} AS channel, {reach.refusal('$6::plan_channel')} AS refusal,"
    + """
        coalesce($12::time, ($10::timestamptz AT TIME ZONE $7)::time) AS hour,
        quiet, greatest($3, CASE WHEN variant IS NULL THEN $21::timestamptz END,
            CASE WHEN $12::time IS NOT NULL THEN """
    + FIRST_HOUR
    + """ END) AS goes_at,
        """
    + HELD_OUT
    + """ AS held_out
    FROM timed
),
choice AS MATERIALIZED (
    SELECT *, quiet_until IS NOT NULL AS is_quiet, nullif(coalesce(quiet_until, goes_at), $3) AS due_at
    FROM (SELECT *, CASE WHEN $22::jsonb IS NOT NULL THEN """
    + quiet_hours.UNTIL.format(at="goes_at", zone="time_zone", hours="quiet")
    + """ END AS quiet_until FROM chosen) AS c
),
candidate AS (
    SELECT * FROM choice
    WHERE channel = 'CHAT' AND refusal IS NULL AND held_out IS NULL AND variant IS NOT NULL AND due_at IS NULL
      AND NOT $14 AND NOT $15 AND NOT $23
),"""
    + contact.reservation("candidate").replace("{", "{{").replace("}", "}}")
    + """,
outcome AS (
    SELECT a.*,
        CASE WHEN a.refusal IS NOT NULL THEN 'SUPPRESSED' WHEN a.held_out IS NOT NULL THEN 'HELD_OUT'
             WHEN $14 THEN 'EXPIRED'
             WHEN a.is_reserved THEN 'SENT' ELSE 'PENDING' END::delivery_state AS state,
        CASE WHEN a.refusal IS NOT NULL THEN a.refusal WHEN a.held_out IS NOT NULL THEN a.held_out
             WHEN $14 THEN 'DEADLINE'
             WHEN a.variant IS NULL THEN 'AWAITING_WINNER'
             WHEN a.is_quiet THEN 'QUIET_HOURS'
             WHEN a.due_at IS NOT NULL THEN 'LOCAL_HOUR'
             WHEN a.channel = 'CHAT' AND NOT a.is_reserved AND NOT $15 AND NOT $23 THEN 'CONTACT_LIMIT' END AS reason
    FROM (SELECT *, customer_id IN (SELECT customer_id FROM reserved) AS is_reserved FROM choice OFFSET 0) AS a
),
decided AS (
    SELECT *,
        CASE WHEN reason = 'CONTACT_LIMIT' THEN """
    + NEXT_DAY.format(table="outcome")
    + """ WHEN state = 'PENDING' THEN due_at END AS not_before
    FROM outcome
),
waiting AS (
    SELECT *, dense_rank() OVER (ORDER BY channel, not_before, variant IS NULL, place) AS rank
    FROM (SELECT *, (row_number() OVER (
            PARTITION BY channel, not_before, variant IS NULL ORDER BY customer_id) - 1) / $11::int AS place
          FROM decided WHERE state = 'PENDING') AS w
),
numbered AS (
    UPDATE plan SET slices_numbered = greatest(slices_numbered, taken.number) + needed.slices
    FROM (SELECT max(rank) AS slices FROM waiting) AS needed,
        (SELECT coalesce(max(number), 0) AS number FROM slice WHERE plan_id = $1) AS taken
    WHERE id = $1 AND needed.slices > 0
    RETURNING slices_numbered - needed.slices AS before
),
sliced AS (
    SELECT decided.*, NULL::bigint AS place, NULL::bigint AS rank, NULL::bigint AS slice FROM decided WHERE state <> 'PENDING'
    UNION ALL
    SELECT waiting.*, (SELECT before FROM numbered) + rank FROM waiting
),
delivered AS (
    INSERT INTO delivery (plan_id, customer_id, reference, shop_id, state, channel, language, reason,
                          slice, not_before, contact_day, created_at, sent_at, variant, frozen)
    SELECT plan_id, customer_id, reference, $2, state, channel, language, reason,
        slice, not_before, CASE WHEN state = 'SENT' THEN day END, $3,
        CASE WHEN state = 'SENT' THEN $3 END, CASE WHEN state <> 'HELD_OUT' THEN variant END,
        CASE WHEN state = 'SENT' AND name IS NOT NULL AND EXISTS (
            SELECT FROM plan_content t WHERE t.plan_id = $1 AND 'name' = ANY(t.variables)
        ) THEN jsonb_build_object('name', name) END
    FROM sliced
    ORDER BY customer_id
),
slices AS (
    INSERT INTO slice (plan_id, number, channel, due_at)
    SELECT $1, (SELECT before FROM numbered) + rank,
        CASE WHEN min(channel) = 'CHAT' AND $15 THEN 'PLATFORM' ELSE min(channel) END,
        CASE WHEN bool_or(variant IS NULL) THEN 'infinity' ELSE min(coalesce(not_before, $3)) END
    FROM waiting GROUP BY rank
)
SELECT count(*) AS recipients, count(*) FILTER (WHERE state = 'SENT') AS sent FROM decided
"""
)

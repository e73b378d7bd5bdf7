"""A trigger's pieces put together: one statement that finds what came due and makes the ledger's rows."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from models import reach
from models.condition import Compiled
from models.experiment import holdout
from models.placeholder import Json, placeholders
from models.relationship import everybody
from models.trigger.fragment import step_of
from models.trigger.kind import OccasionQuery


class Looking(NamedTuple):
    """What to look for: the first parameters of every statement that looks, in their order."""

    plan: int
    shop: int
    now: datetime
    watermark: datetime
    """Up to when the last look had looked."""
    start: datetime
    """What happened before the plan began concerns it not."""
    end: datetime
    life: timedelta
    """How long after its nominal time a message may go."""
    delays: Sequence[timedelta]
    """When each step comes, after what it counts from."""
    after: UUID
    chunk: int
    parameters: Json
    """The plan's own."""


class Firing(NamedTuple):
    """What a statement that fires needs beyond it."""

    shop_zone: str
    default_language: str
    tags: Sequence[str]
    languages: Sequence[str]
    """For each of the language tags that customers have, which of the plan's languages they get (R14)."""
    quiet_from: time | None
    quiet_until: time | None
    channel: str
    """What its slices go by: CHAT, or PLATFORM."""
    holdout_percent: int | None
    control_percent: int | None
    control_period: datetime
    slice_size: int


class LookingBack(NamedTuple):
    """What a statement that looks back needs beyond it."""

    shop_zone: str
    holdout_percent: int | None
    control_percent: int | None
    control_period: datetime


_LOOKING = placeholders(Looking)
_FIRING = placeholders(Looking, Firing)
_LOOKING_BACK = placeholders(Looking, LookingBack)

FIRST_WHEN_FIRING = len(_FIRING) + 1
FIRST_WHEN_LOOKING_BACK = len(_LOOKING_BACK) + 1
"""The number of the first parameter of a segment's condition: they come after the statement's own."""


def firing(query: OccasionQuery, members: Compiled | None) -> str:
    """The statement that fires: what models/trigger/fire.py runs. Its parameters: Looking, Firing, the segment's."""
    told = f"""{query.unmade} AND NOT EXISTS (
    SELECT FROM delivery d WHERE d.plan_id = {{plan}} AND d.customer_id = c.customer_id
      AND {step_of("d")} >= c.step AND ({query.same}) OFFSET 0)"""
    found = _found(query, members, at=_LOOKING["now"], bound="'infinity'::timestamptz", only=told)
    return f"{found}, {_MAKE}"


def looking_back(query: OccasionQuery, members: Compiled | None, segments: Sequence[Compiled]) -> str:
    """The same search over time that is past: each occasion judged by what had happened when it came due.

    Its parameters: Looking, LookingBack, the segments'. Counts what was found: by hour of the shop's day, by customer,
    by what would keep it from going (a holdout, a blocked chat), and by each of these segments.
    """
    found = _found(replace(query, bundle=query.once), members, at="c.due", bound="c.due", only="")
    counts = "".join(
        _COUNT_MEMBERS.format(number=number, members=segment.sql) for number, segment in enumerate(segments)
    )
    return f"{found} {_COUNT}{counts}"


def standing(query: OccasionQuery, *, shop: str, customer: str, about: str, at: str, parameters: str) -> str:
    """The facts of one occasion of the ledger, as long as its reason stands, by all that is stored."""
    names = {
        "shop": shop, "customer": customer, "about": about, "at": at, "parameters": parameters,
        "bound": "'infinity'::timestamptz",
    }  # fmt: skip
    return f"SELECT true AS stands, x.* FROM ({query.facts.format(**names)}) AS x WHERE {query.still.format(**names)}"


def _found(query: OccasionQuery, members: Compiled | None, *, at: str, bound: str, only: str) -> str:
    """CTEs `step`, `candidate` and `made`: the occasions and steps that pass every rule."""
    of_occasion = {"customer": "c.customer_id", "about": "c.about", "at": at, "bound": bound}
    pieces = {
        name: getattr(query, name).format(**_LOOKING, **of_occasion)
        for name in ("candidates", "facts", "first", "occasion", "about", "bundle", "rank")
    }
    return _FIND.format(
        **_LOOKING,
        **pieces,
        members=members.sql if members else everybody(_LOOKING["shop"]),
        only=only.format(**_LOOKING, **of_occasion),
    )


# OFFSET 0 keeps the segment and the facts probes of single customers, whatever the planner believes of their number.
_FIND = """
WITH step AS MATERIALIZED (
    SELECT number::int, delay FROM unnest({delays}) WITH ORDINALITY AS s(delay, number)
    WHERE {plan} IS NOT NULL AND {parameters} IS NOT NULL
),
candidate AS MATERIALIZED (
    SELECT * FROM ({candidates}) AS c(customer_id, occasion, step, counted_from, nominal, due, about)
    WHERE due <= {now} AND counted_from >= {start} AND due < nominal + {life} AND due < {end}
      AND customer_id > {after}
    ORDER BY customer_id FETCH FIRST ({chunk}) ROWS WITH TIES
),
made AS (
    SELECT DISTINCT ON (c.customer_id, {bundle})
        c.customer_id, {occasion} AS occasion, c.step, c.nominal, c.due, {about} AS about
    FROM candidate c
    CROSS JOIN LATERAL (SELECT FROM ({members}) AS m WHERE m.customer_id = c.customer_id OFFSET 0) AS member
    CROSS JOIN LATERAL ({facts} OFFSET 0) AS x
    WHERE {first} {only}
    ORDER BY c.customer_id, {bundle}, {rank}
)"""

_HELD_OUT = holdout.reason(
    "customer_id", plan="{plan}", percent="{holdout_percent}", shop="{shop}", control="{control_percent}",
    period="{control_period}",
)  # fmt: skip

_MAKE = """
addressed AS (
    SELECT m.*, m.occasion || ':' || m.step AS reference, coalesce(l.chosen, {default_language}) AS language,
        coalesce(c.time_zone, {shop_zone}) AS time_zone
    FROM made m
    LEFT JOIN customer c ON c.id = m.customer_id
    LEFT JOIN unnest({tags}, {languages}) AS l(tag, chosen) ON l.tag = c.language
),
timed AS (
    SELECT *, CASE WHEN {quiet_from} IS NOT NULL THEN quiet_until({now}, time_zone, {quiet_from}, {quiet_until}) END
        AS not_before
    FROM addressed
),
chosen AS (SELECT *, {held_out} AS held_out FROM timed),
waiting AS (
    SELECT customer_id, reference, (SELECT coalesce(max(number), 0) FROM slice WHERE plan_id = {plan})
        + dense_rank() OVER (ORDER BY not_before NULLS FIRST, place) AS slice
    FROM (SELECT *, (row_number() OVER (PARTITION BY not_before ORDER BY customer_id, reference) - 1) / {slice_size}
            AS place
          FROM chosen WHERE held_out IS NULL) AS numbered
),
inserted AS (
    INSERT INTO delivery (plan_id, customer_id, reference, shop_id, state, channel, language, reason, slice,
                          not_before, created_at, expires_at, frozen)
    SELECT {plan}, c.customer_id, c.reference, {shop},
        CASE WHEN c.held_out IS NULL THEN 'PENDING' ELSE 'HELD_OUT' END::delivery_state, 'CHAT', c.language,
        coalesce(c.held_out, CASE WHEN c.not_before IS NOT NULL THEN 'LOCAL_HOUR' END), w.slice,
        CASE WHEN c.held_out IS NULL THEN c.not_before END, {now}, c.nominal + {life},
        jsonb_build_object('about', c.about)
    FROM chosen c LEFT JOIN waiting w USING (customer_id, reference) ORDER BY c.customer_id, c.reference
    ON CONFLICT DO NOTHING
    RETURNING slice, not_before
),
sliced AS (
    INSERT INTO slice (plan_id, number, channel, due_at)
    SELECT {plan}, slice, {channel}, min(coalesce(not_before, {now}))
    FROM inserted WHERE slice IS NOT NULL GROUP BY slice
)
SELECT (SELECT count(*) FROM candidate) AS looked_at, (SELECT count(*) FROM inserted) AS made,
    (SELECT customer_id FROM candidate ORDER BY customer_id DESC LIMIT 1) AS through
""".format(**_FIRING, held_out=_HELD_OUT.format(**_FIRING))

# As at a sweep, no step comes after a later one of its occasion.
_COUNT = """,
told AS (
    SELECT * FROM (
        SELECT *, max(step) OVER (PARTITION BY customer_id, occasion ORDER BY due
                                  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached FROM made) AS made
    WHERE step > coalesce(reached, 0)
),
kept AS (SELECT customer_id, {held_out} AS held_out FROM told)
SELECT 'HOUR' AS what, extract(hour FROM due AT TIME ZONE {shop_zone})::int AS key, count(*) AS count
FROM told GROUP BY 2
UNION ALL SELECT 'CUSTOMERS', 0, count(DISTINCT customer_id) FROM told
UNION ALL SELECT 'HELD_OUT', 0, count(*) FROM kept WHERE held_out IS NOT NULL
UNION ALL SELECT 'BLOCKED', 0, count(*) FROM kept k
JOIN relationship r ON r.shop_id = {shop} AND r.customer_id = k.customer_id AND {is_blocked}
WHERE k.held_out IS NULL
UNION ALL SELECT 'CANDIDATES', 0, count(*) FROM candidate
""".format(**_LOOKING_BACK, held_out=_HELD_OUT.format(**_LOOKING_BACK), is_blocked=reach.IS_BLOCKED)

_COUNT_MEMBERS = """
UNION ALL SELECT 'SEGMENT', {number}, count(DISTINCT told.customer_id)
FROM told JOIN ({members}) AS m ON m.customer_id = told.customer_id"""

"""A trigger's pieces put together: one statement that finds what came due and makes the ledger's rows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from models import reach
from models.condition import Compiled
from models.experiment import holdout
from models.trigger.kind import Finding

FIRING_PARAMETERS = 22
LOOKING_BACK_PARAMETERS = 15
"""How many parameters these statements have; a segment's own follow."""

_OF_PLAN: Mapping[str, str] = {
    "plan": "$1::int",
    "shop": "$2::int",
    "now": "$3::timestamptz",
    "watermark": "$4::timestamptz",
    "start": "$5::timestamptz",
    "life": "$7::interval",
    "after": "$9::uuid",
    "chunk": "$10::int",
    "parameters": "$11::jsonb",
}

EVERYBODY = "SELECT customer_id FROM relationship WHERE shop_id = $2::int AND first_interaction_at IS NOT NULL"
"""The members of no segment in particular: the shop's universe (R26)."""


def firing(finding: Finding, members: Compiled | None) -> str:
    """The statement that fires: what models/trigger/fire.py runs, with its parameters."""
    told = f"""AND NOT EXISTS (
    SELECT FROM delivery d WHERE d.plan_id = $1::int AND d.customer_id = c.customer_id
      AND right(d.reference, 1)::int >= c.step AND ({finding.same}) OFFSET 0)"""
    found = _found(finding, members, at=_OF_PLAN["now"], bound="'infinity'::timestamptz", only=told)
    return f"{found}, {_MAKE}"


def looking_back(finding: Finding, members: Compiled | None, segments: Sequence[Compiled]) -> str:
    """The same search over time that is past: each occasion judged by what had happened when it came due.

    Counts what was found: by hour of the day in the zone $12, by customer, by what would keep it from going (the
    plan's share of holdouts $13, the control group's $14, of the period that began at $15), and by each of these segments.
    """
    found = _found(replace(finding, bundle=finding.once), members, at="c.due", bound="c.due", only="")
    counts = "".join(
        _COUNT_MEMBERS.format(number=number, members=segment.sql) for number, segment in enumerate(segments)
    )
    return f"{found} {_COUNT}{counts}"


def standing(finding: Finding, *, shop: str, customer: str, about: str, at: str, parameters: str) -> str:
    """The facts of one occasion of the ledger, as long as its reason stands, by all that is stored."""
    names = {
        "shop": shop, "customer": customer, "about": about, "at": at, "parameters": parameters,
        "bound": "'infinity'::timestamptz",
    }  # fmt: skip
    return (
        f"SELECT true AS stands, x.* FROM ({finding.facts.format(**names)}) AS x WHERE {finding.still.format(**names)}"
    )


def _found(finding: Finding, members: Compiled | None, *, at: str, bound: str, only: str) -> str:
    """CTEs `step`, `candidate` and `made`: the occasions and steps that pass every rule."""
    of_occasion = {"customer": "c.customer_id", "about": "c.about", "at": at, "bound": bound}
    pieces = {
        name: getattr(finding, name).format(**_OF_PLAN, **of_occasion)
        for name in ("candidates", "facts", "first", "occasion", "about", "bundle", "rank")
    }
    return _FIND.format(
        **pieces, members=members.sql if members else EVERYBODY, only=only.format(**_OF_PLAN, **of_occasion)
    )


# OFFSET 0 keeps the segment and the facts probes of single customers, whatever the planner believes of their number.
_FIND = """
WITH step AS MATERIALIZED (
    SELECT number::int, delay FROM unnest($8::interval[]) WITH ORDINALITY AS s(delay, number)
    WHERE $1::int IS NOT NULL AND $11::jsonb IS NOT NULL
),
candidate AS MATERIALIZED (
    SELECT * FROM ({candidates}) AS c(customer_id, occasion, step, counted_from, nominal, due, about)
    WHERE due <= $3 AND counted_from >= $5 AND due < nominal + $7::interval AND due < $6::timestamptz
      AND customer_id > $9::uuid
    ORDER BY customer_id FETCH FIRST $10 ROWS WITH TIES
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

HELD_OUT = holdout.reason(
    "customer_id", plan="$1::int", percent="$19::int", shop="$2::int", control="$20::int", period="$21::timestamptz"
)

_MAKE = (
    """
addressed AS (
    SELECT m.*, m.occasion || ':' || m.step AS reference, coalesce(l.chosen, $13) AS language,
        coalesce(c.time_zone, $12) AS time_zone
    FROM made m
    LEFT JOIN customer c ON c.id = m.customer_id
    LEFT JOIN unnest($14::text[], $15::text[]) AS l(tag, chosen) ON l.tag = c.language
),
timed AS (
    SELECT *, CASE WHEN $16::time IS NOT NULL THEN quiet_until($3::timestamptz, time_zone, $16, $17::time) END AS not_before
    FROM addressed
),
chosen AS (SELECT *, """
    + HELD_OUT
    + """ AS held_out FROM timed),
waiting AS (
    SELECT customer_id, reference, (SELECT coalesce(max(number), 0) FROM slice WHERE plan_id = $1::int)
        + dense_rank() OVER (ORDER BY not_before NULLS FIRST, place) AS slice
    FROM (SELECT *, (row_number() OVER (PARTITION BY not_before ORDER BY customer_id, reference) - 1) / $22::int AS place
          FROM chosen WHERE held_out IS NULL) AS numbered
),
inserted AS (
    INSERT INTO delivery (plan_id, customer_id, reference, shop_id, state, channel, language, reason, slice,
                          not_before, created_at, expires_at, frozen)
    SELECT $1::int, c.customer_id, c.reference, $2::int,
        CASE WHEN c.held_out IS NULL THEN 'PENDING' ELSE 'HELD_OUT' END::delivery_state, 'CHAT', c.language,
        coalesce(c.held_out, CASE WHEN c.not_before IS NOT NULL THEN 'LOCAL_HOUR' END), w.slice,
        CASE WHEN c.held_out IS NULL THEN c.not_before END, $3, c.nominal + $7::interval,
        jsonb_build_object('about', c.about)
    FROM chosen c LEFT JOIN waiting w USING (customer_id, reference) ORDER BY c.customer_id, c.reference
    ON CONFLICT DO NOTHING
    RETURNING slice, not_before
),
sliced AS (
    INSERT INTO slice (plan_id, number, channel, due_at)
    SELECT $1::int, slice, $18, min(coalesce(not_before, $3::timestamptz))
    FROM inserted WHERE slice IS NOT NULL GROUP BY slice
)
SELECT (SELECT count(*) FROM candidate) AS looked_at, (SELECT count(*) FROM inserted) AS made,
    (SELECT customer_id FROM candidate ORDER BY customer_id DESC LIMIT 1) AS through
"""
)

_COUNT = (
    """,
kept AS (SELECT customer_id, """
    + holdout.reason(
        "customer_id", plan="$1::int", percent="$13::int", shop="$2::int", control="$14::int", period="$15::timestamptz"
    )
    + """ AS held_out FROM made)
SELECT 'HOUR' AS what, extract(hour FROM due AT TIME ZONE $12)::int AS key, count(*) AS count FROM made GROUP BY 2
UNION ALL SELECT 'CUSTOMERS', 0, count(DISTINCT customer_id) FROM made
UNION ALL SELECT 'HELD_OUT', 0, count(*) FROM kept WHERE held_out IS NOT NULL
UNION ALL SELECT 'BLOCKED', 0, count(*) FROM kept k
JOIN relationship r ON r.shop_id = $2::int AND r.customer_id = k.customer_id AND """
    + reach.IS_BLOCKED
    + """
WHERE k.held_out IS NULL
UNION ALL SELECT 'CANDIDATES', 0, count(*) FROM candidate"""
)

_COUNT_MEMBERS = """
UNION ALL SELECT 'SEGMENT', {number}, count(DISTINCT made.customer_id)
FROM made JOIN ({members}) AS m ON m.customer_id = made.customer_id"""

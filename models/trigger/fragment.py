"""Pieces of SQL that triggers share.

Names in braces are filled in by models/trigger/statement.py: {shop}, {now}, {watermark}, {life}, {start}, {after},
{chunk} and {parameters} of the plan; in facts {customer} and {about} of the occasion, {bound} up to which what
happened counts, and {at} the instant at which it is asked.
"""

REREAD = "interval '2 minutes'"
"""What arrived so long before the last look is looked at again: it may have been committed after it."""

STEP = "step CROSS JOIN LATERAL"
"""SQL that tries what follows it for each step of the plan, as `step`."""

MOST_STEPS = 9
"""Steps that references tell apart: `occasion:step` ends with one digit."""


def microseconds(instant: str) -> str:
    """An instant as it stands in references."""
    return f"(extract(epoch FROM {instant}) * 1000000)::bigint::text"


def occasion_of(row: str) -> str:
    """The occasion of a row of the ledger, as its reference has it."""
    return f"left({row}.reference, -2)"


def step_of(row: str) -> str:
    """The step of a row of the ledger."""
    return f"right({row}.reference, 1)::int"


def moment(name: str, of: str = "{about}") -> str:
    """An instant that an occasion remembers."""
    return f"({of} ->> '{name}')::timestamptz"


def newly_due(table: str, happened: str, columns: str, only: str) -> str:
    """Rows whose step became due since the last look: by when they happened, or, the late ones, by arrival.

    Two ranges of two indexes, so that it costs what is new and not what there is; the bound on when it happened
    leaves out old partitions.
    """
    return f"""(
    SELECT {columns} FROM {table}
    WHERE shop_id = {{shop}} AND {only} AND {happened} >= {{start}}
      AND {happened} > {{watermark}} - step.delay AND {happened} <= {{now}} - step.delay
    UNION ALL
    SELECT {columns} FROM {table}
    WHERE shop_id = {{shop}} AND {only} AND {happened} >= {{start}}
      AND arrived_at > {{watermark}} - {REREAD} AND arrived_at <= {{now}}
      AND {happened} > {{watermark}} - {REREAD} - {{life}} - step.delay AND {happened} <= {{watermark}} - step.delay)"""


def events(kind: str) -> str:
    """Events of a kind that are newly due, as `e`, with `step`."""
    columns = "customer_id, occurred_at, arrived_at, reference"
    found = newly_due("event", "occurred_at", columns, f"kind = '{kind}'")
    return f"{STEP} {found} AS e"


def of_customer(kind: str, aggregate: str = "max(occurred_at)", since: str = "", more: str = "") -> str:
    """An aggregate over the customer's events of a kind, from `since` on, up to what counts."""
    later = f" AND occurred_at {since}" if since else ""
    return f"""(SELECT {aggregate} FROM event WHERE shop_id = {{shop}} AND customer_id = {{customer}}
        AND kind = '{kind}'{later} AND occurred_at <= {{bound}}{more})"""

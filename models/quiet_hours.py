"""Quiet hours: when a shop's marketing reaches nobody, by the customer's own clock, with exceptions per region.

A message that would fall into them waits until they end for its customer (`QUIET_HOURS`); one that was loaded before
they began does not go after it. Order confirmations are no marketing and go at any hour.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time

from models import database
from models.clock import now
from models.errors import ErrorCode, Problem, Refused
from models.region import COUNTRY, REGION
from models.shop import Shop

MOST_EXCEPTIONS = 100
EVERYWHERE = ""

_PLACE = re.compile(f"{COUNTRY}|{REGION}")


@dataclass(frozen=True, slots=True)
class Hours:
    """From `since` up to but not including `until`, on the customer's clock; over midnight when it lies before."""

    since: time
    until: time


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A shop's quiet hours, if any, and where others hold: by region (ISO 3166-2) or country; None: no quiet time."""

    hours: Hours | None = None
    exceptions: Mapping[str, Hours | None] = field(default_factory=dict)


async def of_shop(shop_id: int) -> QuietHours:
    """A shop's quiet hours."""
    rows = await database.fetch(
        "SELECT region, since, until FROM quiet_hours WHERE shop_id = $1 ORDER BY region", shop_id
    )
    by_region = {row["region"]: Hours(row["since"], row["until"]) if row["since"] else None for row in rows}
    return QuietHours(by_region.pop(EVERYWHERE, None), by_region)


async def change(shop: Shop, quiet: QuietHours) -> QuietHours:
    """Let a shop's quiet hours be these from now on. What waits for the end of others is looked at anew."""
    problems = check(quiet)
    if problems:
        raise Refused(problems)
    said = {**({EVERYWHERE: quiet.hours} if quiet.hours else {}), **quiet.exceptions}
    columns = (
        list(said),
        [h.since if h else None for h in said.values()],
        [h.until if h else None for h in said.values()],
    )
    async with database.transaction():
        await database.execute("SELECT FROM shop WHERE id = $1 FOR NO KEY UPDATE", shop.id)
        await database.execute("DELETE FROM quiet_hours WHERE shop_id = $1", shop.id)
        await database.execute(_INSERT, shop.id, *columns)
        plans = [plan["id"] for plan in await database.fetch(_HOLD, shop.id)]
        await database.execute(_HOLD_SLICES, plans)
        await database.execute(_MARK, plans, now())
    return quiet


async def look_anew(plan_id: int, number: int, at: datetime) -> None:
    """Let what waits in a marked slice for the end of quiet hours be decided by those that hold now, when it is loaded.

    Call in the transaction that takes the slice.
    """
    await database.execute(_WAKE, plan_id, number, at)
    await database.execute(
        "UPDATE slice SET quiet_hours_changed = false WHERE plan_id = $1 AND number = $2", plan_id, number
    )


def check(quiet: QuietHours) -> list[Problem]:
    """What is wrong with quiet hours: they begin when they end, are nowhere, or have too many exceptions."""
    problems = _same(quiet.hours, ("hours",))
    if len(quiet.exceptions) > MOST_EXCEPTIONS:
        message = f"There are at most {MOST_EXCEPTIONS} exceptions, not {len(quiet.exceptions)}."
        return [*problems, Problem(("exceptions",), message, ErrorCode.TOO_MANY)]
    for region, hours in quiet.exceptions.items():
        if not _PLACE.fullmatch(region):
            message = f"{region[:20]!r} is no region (ISO 3166-2, such as MX-JAL) and no country (MX)."
            problems.append(Problem(("exceptions", region[:20]), message))
        problems += _same(hours, ("exceptions", region[:20]))
    return problems


def _same(hours: Hours | None, field: tuple[str, ...]) -> list[Problem]:
    if hours is None or hours.since != hours.until:
        return []
    return [Problem(field, "Quiet hours end at another time than they begin; the whole day cannot be quiet.")]


OF_SHOP = """(
    SELECT jsonb_object_agg(region, jsonb_build_array(since, until)) FROM quiet_hours WHERE shop_id = {shop})"""
"""A shop's quiet hours as JSON: [since, until] by region; NULL when it has none."""

OF_CUSTOMER = """coalesce({quiet} -> {customer}.region,
            {quiet} -> coalesce({customer}.country, left({customer}.region, 2)), {quiet} -> '')"""
"""Those that hold for a customer: of the region, else the country, which a region tells too, else everywhere."""

# Most shops have none: their customers' clocks are not looked at, which took a third of the time of loading a slice.
UNTIL = "CASE WHEN {hours} IS NOT NULL THEN quiet_until({at}, {zone}, ({hours} ->> 0)::time, ({hours} ->> 1)::time) END"
"""When the quiet time that it is at an instant ends; NULL when it is none."""

FROM = "CASE WHEN {hours} IS NOT NULL THEN quiet_from({at}, {zone}, ({hours} ->> 0)::time) END"
"""When the next quiet time begins; NULL when there is none."""

_INSERT = """
INSERT INTO quiet_hours (shop_id, region, since, until)
SELECT $1, * FROM unnest($2::text[], $3::time[], $4::time[])"""

# Plans first, since who pauses or cancels one takes its slices in another order; then slices, as by everything that changes
# both slices and deliveries.
_HOLD = "SELECT id FROM plan WHERE shop_id = $1 AND status IN ('ONGOING', 'PAUSED') ORDER BY id FOR NO KEY UPDATE"

_HOLD_SLICES = """
SELECT FROM slice WHERE plan_id = ANY($1::int[]) AND done_at IS NULL ORDER BY plan_id, number FOR NO KEY UPDATE"""

# What waits is woken slice by slice by whoever takes one: all of a plan at once took ten seconds for half a million. What
# somebody holds may have been loaded by the hours before, without a trace of it yet.
_MARK = """
UPDATE slice s SET quiet_hours_changed = true, due_at = least(s.due_at, $2)
WHERE s.plan_id = ANY($1::int[]) AND s.done_at IS NULL AND (s.worker_id IS NOT NULL OR EXISTS (
    SELECT FROM delivery d
    WHERE d.plan_id = s.plan_id AND d.slice = s.number AND d.state = 'PENDING' AND d.reason = 'QUIET_HOURS'))
"""

_WAKE = """
UPDATE delivery SET not_before = $3
WHERE plan_id = $1 AND slice = $2 AND state = 'PENDING' AND reason = 'QUIET_HOURS'
"""

"""The hour of each customer's own day at which a plan goes (B3), kept also where sending was held over that hour.

Who is written to at 19:00 is not written to at night because the plan was paused at seven and resumed at three. Where a
hold has gone over hours, the plan notes from when on they count, and whoever loads one of its slices puts off what
should have gone before: to let a plan go on takes the same moment whatever its size.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from models import database, hold

LATENESS = timedelta(minutes=30)
"""A local hour that passed longer ago than this is tomorrow's."""

FIRST = """(
        SELECT CASE WHEN today >= {earliest} THEN today ELSE local_instant(first_day + 1 + {hour}, {zone}) END
        FROM (SELECT first_day, local_instant(first_day + {hour}, {zone}) AS today
              FROM (SELECT ({earliest} AT TIME ZONE {zone})::date AS first_day) AS f) AS t)"""
"""The first such hour from an instant on: of that day, or of the next where it is past. An SQL value."""

EARLIEST = """CASE WHEN {plan}.local_hours_from IS NOT NULL THEN
        greatest({plan}.local_hours_from, CASE WHEN {message}.variant IS NULL THEN {plan}.decides_at END) END"""
"""From when on the hours of a message count again after a hold; NULL when there was none. An SQL value.

Who waits for an experiment's winner gets it at the first hour after the decision, which the hold has moved.
"""

UNTIL = f"""CASE WHEN coalesce(not_before, '-infinity') < earliest
            THEN nullif(greatest({FIRST.format(hour="hour", earliest="earliest", zone="time_zone")}, {{at}}), {{at}}) END"""
"""Until when a message waits that should have gone before `earliest`; NULL when it may go. An SQL value over columns."""


async def keep(plan_ids: Collection[int], since: datetime, at: datetime) -> None:
    """Let what waits in plans that were held from `since` until now, `at`, go at its customers' next such hour.

    Held for no longer than `LATENESS`, with what other holds went into this one, they go on where they were. Of plans
    without a local hour nothing changes. Call in the transaction that lets them go on.
    """
    await database.execute(_KEEP, list(plan_ids), since, at, LATENESS)


_KEEP = f"""
UPDATE plan p SET local_hours_from = $3::timestamptz - $4::interval
WHERE id = ANY($1::int[]) AND local_time IS NOT NULL
  AND $3::timestamptz - {hold.SINCE.format(plan="p", since="$2::timestamptz", at="$3::timestamptz")} > $4::interval
"""

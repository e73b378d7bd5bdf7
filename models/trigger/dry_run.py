"""Dry runs: what an automated plan would have sent, from what is stored, by the statement that would have found it.

It looks at time that is past instead of what is new: each occasion is judged by what had happened when it came
due. Segments, holdouts and who has blocked the chat are those of now. What nobody can know afterwards, and what only
delays a message, is left out, and the answer says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from models import database
from models.clock import now
from models.condition import Compiled, compile_condition
from models.errors import refuse
from models.experiment import holdout
from models.identifier import NO_CUSTOMER
from models.plan import Plan
from models.segment import Segment
from models.shop import Shop
from models.trigger import TRIGGERS, TriggerCode
from models.trigger.fire import members_of, what_to_look_for
from models.trigger.statement import FIRST_WHEN_LOOKING_BACK, LookingBack, looking_back

MOST_DAYS = 90
MOST_CANDIDATES = 50_000
"""Occasions that are looked at; with more of them in the time asked for, the answer is of a part of the customers."""


class DryRunOmission(StrEnum):
    """What a dry run does not take into account."""

    CONTACT_LIMIT = "CONTACT_LIMIT"
    QUIET_HOURS = "QUIET_HOURS"


@dataclass(frozen=True, slots=True)
class DryRun:
    """So many messages to so many customers; by hour of the shop's day (24 of them), and by segment.

    Of the messages `held_out` would be held out and `blocked` would meet a customer who has blocked the chat: neither
    would go. `is_complete`: whether all occasions were looked at.
    """

    days: int
    messages: int
    customers: int
    held_out: int
    blocked: int
    hours: Sequence[int]
    segments: Sequence[tuple[Segment, int]]
    is_complete: bool

    @property
    def leaves_out(self) -> Sequence[DryRunOmission]:
        """What it does not take into account."""
        return tuple(DryRunOmission)


async def dry_run(shop: Shop, plan: Plan, *, days: int, life: timedelta) -> DryRun:
    """What the automated plan of the shop would have sent over the last `days`. Nothing is written."""
    if plan.trigger is None:
        raise refuse("planId", "Only an automated plan can be tried on what is past.", rule="R9")
    if not 1 <= days <= MOST_DAYS:
        raise refuse("days", f"must be 1–{MOST_DAYS}")
    at = now()
    record = await database.fetch_one(_PLAN, plan.id, at - timedelta(days=days))
    assert record is not None
    since = record["send_at"]
    looking = what_to_look_for(record, at=at, since=since, life=life, after=NO_CUSTOMER, chunk=MOST_CANDIDATES)
    members = members_of(record, at, FIRST_WHEN_LOOKING_BACK)
    arguments = [*looking, *(await _beyond(shop, plan, at)), *(members.arguments if members else ())]
    segments = await Segment.filter(shop_id=shop.id, preset__isnull=False, archived_at=None).order_by("id")
    asked = [_asked(segment, shop.id, arguments) for segment in segments]
    sql = looking_back(TRIGGERS[TriggerCode(plan.trigger)].occasions, members, asked)
    return _told(days, segments, await database.fetch_planned(sql, *arguments))


async def _beyond(shop: Shop, plan: Plan, at: datetime) -> LookingBack:
    """The shop's day, and what decides who is held out now."""
    known = await holdout.of_shop(shop.id)
    return LookingBack(
        shop_zone=shop.time_zone,
        holdout_percent=plan.holdout_percent,
        control_percent=known.control_percent,
        control_period=holdout.period_of(at, known.control_since),
    )


def _asked(segment: Segment, shop_id: int, arguments: list[Any]) -> Compiled:
    """The segment's members; its own arguments are added to those of the statement."""
    made = compile_condition(segment.condition(), shop_id=shop_id, now=now(), first_parameter=len(arguments) + 1)
    arguments += made.arguments
    return made


def _told(days: int, segments: Sequence[Segment], rows: Sequence[database.Record]) -> DryRun:
    found = {(row["what"], row["key"]): row["count"] for row in rows}
    hours = [found.get(("HOUR", hour), 0) for hour in range(24)]
    return DryRun(
        days=days,
        messages=sum(hours),
        customers=found["CUSTOMERS", 0],
        held_out=found["HELD_OUT", 0],
        blocked=found["BLOCKED", 0],
        hours=hours,
        segments=[(segment, found["SEGMENT", number]) for number, segment in enumerate(segments)],
        is_complete=found["CANDIDATES", 0] < MOST_CANDIDATES,
    )


# A draft has not begun: its time begins with the days looked at, and its segment is the one it would be pinned to.
_PLAN = """
SELECT p.id, p.shop_id, p.trigger, p.parameters, NULL::timestamptz AS ends_at, $2::timestamptz AS send_at,
    coalesce(p.definition, s.definition) AS definition
FROM plan p LEFT JOIN segment s ON s.id = p.segment_id WHERE p.id = $1
"""

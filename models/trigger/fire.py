"""Firing: what came due for an automated plan since its last look becomes rows of its ledger (docs/automation.md, "A sweep").

A look goes over customers in chunks, one transaction each; the watermark moves in the last. Nothing else
knows what was looked at, so a look that was cut off is simply done again, and the ledger's key keeps it exact.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from models import audience, database, erasure
from models import slice as slices
from models.clock import END_OF_TIME, now
from models.condition import Compiled, compile_condition
from models.experiment import holdout
from models.identifier import NO_CUSTOMER
from models.trigger import TRIGGERS, TriggerCode
from models.trigger.parameter import delays
from models.trigger.statement import FIRST_WHEN_FIRING, Firing, Looking, firing

CHUNK = 5_000
"""Candidates of one transaction, and those of the same customers."""


@dataclass(frozen=True, slots=True)
class Fired:
    """What one transaction did: rows made, up to which customer it looked, and whether that was all."""

    made: int
    through: UUID
    is_last: bool


async def running(shop_id: int | None = None) -> list[int]:
    """Ids of the automated plans (of a shop) that are to look, in their order."""
    return [row["id"] for row in await database.fetch(_RUNNING, now(), shop_id)]


async def fire(plan_id: int, *, life: timedelta, chunk: int = CHUNK) -> int:
    """Look once at everything that came due for a plan by now; how many rows were made.

    `life` is how long after its nominal time a message may go. Safe to run many times at once.
    """
    at = now()
    made, after = 0, NO_CUSTOMER
    while (done := await fire_chunk(plan_id, at=at, life=life, after=after, chunk=chunk)) is not None:
        made += done.made
        if done.is_last:
            break
        after = done.through
    return made


async def fire_chunk(
    plan_id: int, *, at: datetime, life: timedelta, after: UUID = NO_CUSTOMER, chunk: int = CHUNK
) -> Fired | None:
    """Look at the next customers after `after`, as of `at`; None when the plan does not look, or another does."""
    async with database.transaction():
        await erasure.hold()
        plan = await database.fetch_one(_HOLD, plan_id, at)
        if plan is None:
            return None
        row = await _make(plan, at, life, after, chunk)
        is_last = row["looked_at"] < chunk
        if is_last:
            await database.execute(
                "UPDATE plan SET watermark = greatest(watermark, $2::timestamptz) WHERE id = $1", plan_id, at
            )
        return Fired(row["made"], row["through"] or after, is_last)


async def _make(plan: database.Record, at: datetime, life: timedelta, after: UUID, chunk: int) -> database.Record:
    trigger = TRIGGERS[TriggerCode(plan["trigger"])]
    choices = await audience.language_choices(plan)
    keeps_quiet = trigger.is_marketing and plan["quiet_from"] is not None
    looking = what_to_look_for(plan, at=at, since=plan["watermark"], life=life, after=after, chunk=chunk)
    beyond = Firing(
        shop_zone=plan["time_zone"],
        default_language=plan["default_language"],
        tags=list(choices),
        languages=list(choices.values()),
        quiet_from=plan["quiet_from"] if keeps_quiet else None,
        quiet_until=plan["quiet_until"] if keeps_quiet else None,
        channel="PLATFORM" if plan["has_platform"] else "CHAT",
        holdout_percent=plan["holdout_percent"],
        control_percent=plan["control_percent"],
        control_period=holdout.period_of(at, plan["control_since"]),
        slice_size=slices.SLICE_SIZE,
    )
    members = members_of(plan, at, FIRST_WHEN_FIRING)
    row = await database.fetch_one(
        firing(trigger.occasions, members), *looking, *beyond, *(members.arguments if members else ())
    )
    assert row is not None
    return row


def what_to_look_for(
    plan: database.Record, *, at: datetime, since: datetime, life: timedelta, after: UUID, chunk: int
) -> Looking:
    """What a plan looks for, as of `at`, of what happened `since`."""
    return Looking(
        plan=plan["id"],
        shop=plan["shop_id"],
        now=at,
        watermark=since,
        start=plan["send_at"],
        end=plan["ends_at"] or END_OF_TIME,
        life=life,
        delays=delays(database.decode(plan["parameters"])),
        after=after,
        chunk=chunk,
        parameters=plan["parameters"],
    )


def members_of(plan: database.Record, at: datetime, first_parameter: int) -> Compiled | None:
    """The segment that the plan keeps to, as it was pinned; None without one."""
    if plan["definition"] is None:
        return None
    return compile_condition(
        database.decode(plan["definition"]), shop_id=plan["shop_id"], now=at, first_parameter=first_parameter
    )


_LOOKS = "p.status = 'ONGOING' AND p.trigger IS NOT NULL AND p.localised_at IS NOT NULL"

_RUNNING = f"""
SELECT p.id FROM plan p
WHERE {_LOOKS} AND (p.ends_at IS NULL OR p.ends_at > $1) AND ($2::int IS NULL OR p.shop_id = $2) ORDER BY p.id
"""

_HOLD = f"""
SELECT {audience.COLUMNS} FROM {audience.TABLES}
WHERE p.id = $1 AND {_LOOKS} AND (p.ends_at IS NULL OR p.ends_at > $2)
FOR NO KEY UPDATE OF p SKIP LOCKED
"""

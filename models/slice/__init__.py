"""Slices: about a thousand waiting messages of a plan and channel, worked on by one worker at a time.

A slice is the job. Its *token* fences every commit made for it: a plan that pauses or is cancelled takes
the token away. Its *worker* holds it until that worker gives it back or its heartbeat stops; only then
does anything left in flight become UNKNOWN, and only then may another worker have the slice. So a message
is in flight only in a slice that has a worker.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from models import database, delivery, quiet_hours, send_rate, sending
from models.clock import now
from models.coupon import choice as coupon_choice
from models.slice import loading
from models.trigger import TriggerCode

SLICE_SIZE = 1_000
"""Messages of a slice, at most: what one worker sends in a few seconds."""

SliceKey = tuple[int, int]
"""(plan, number)."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice that this worker holds: `token` fences every commit made for it."""

    plan_id: int
    number: int
    channel: str
    token: UUID
    worker_id: UUID
    trigger: TriggerCode | None = None


class Waiting(NamedTuple):
    """A message that may go now: its contact is reserved while its slice is held, until the customer's midnight."""

    plan_id: int
    customer_id: UUID
    reference: str
    slice: int
    token: UUID
    attempt: int
    language: str
    contact_day: date
    goes_until: datetime
    name: str | None
    email: str | None
    email_key: bytes | None = None
    """What stands for its address, whatever the customer's is by the time that it is refused."""
    variant: int = 0
    values: Mapping[str, Any] = MappingProxyType({})
    """What its text says of its occasion, apart from the name."""


class Due(NamedTuple):
    """A slice that may go now; `is_urgent`: before what was due earlier (automated plans before broadcasts, B6)."""

    plan_id: int
    number: int
    channel: str
    is_urgent: bool


async def due(limit: int) -> list[Due]:
    """Slices that nobody holds and that have something to send now: urgent ones first, then longest due.

    Shops take turns, so that none with much to send, or at a low rate, keeps the others waiting; and so do a shop's
    channels, so that mail which cannot leave does not keep its chat waiting.
    """
    return [Due(*row) for row in await database.fetch(_DUE, now(), limit)]


async def due_of(plan_id: int, limit: int) -> list[Due]:
    """A plan's slices that nobody holds and that may go now, at most `limit`."""
    rows = await database.fetch(
        "SELECT s.plan_id, s.number, s.channel, p.kind <> 'ONE_TIME' AS is_urgent FROM plan p JOIN slice s ON s.plan_id = p.id"
        " WHERE p.id = $1 AND s.done_at IS NULL AND s.worker_id IS NULL AND s.due_at <= $2 ORDER BY s.number LIMIT $3",
        plan_id,
        now(),
        limit,
    )
    return [Due(*row) for row in rows]


async def acquire(plan_id: int, number: int, worker_id: UUID, token: UUID) -> Slice | None:
    """Take a slice that is due and free under a fresh `token`; None when it is not, or its plan does not run.

    None as well while all sending is stopped: a stop waits for this transaction, and finds the token.
    """
    async with database.transaction():
        await sending.hold()
        at = now()
        row = await database.fetch_one(_ACQUIRE, plan_id, number, worker_id, token, at)
        if row is not None and row["quiet_hours_changed"]:
            await quiet_hours.look_anew(plan_id, number, at)
    if row is None:
        return None
    trigger = TriggerCode(row["trigger"]) if row["trigger"] else None
    return Slice(plan_id, number, row["channel"], token, worker_id, trigger)


async def load(held: Slice) -> list[Waiting]:
    """Decide, set-based, who of a slice goes now: consent, then the contact limit (R18, R19).

    Without consent → SUPPRESSED; over the limit → waits for the plan's hour of the customer's next day, in quiet
    hours for their end; the rest is returned with a contact reserved, as far as the shop's rate goes. Inbox rows that
    go are SENT by this very statement.
    """
    at = now()
    most = await send_rate.draw(held.plan_id, held.number, at)
    coupons = await coupon_choice.chosen_for(held.plan_id, held.number, held.trigger, at) if held.trigger else ()
    arguments = loading.Arguments(
        plan=held.plan_id, slice=held.number, now=at, token=held.token, channel=held.channel, most=most
    )
    # A plan kept from when the tables were others costs four times as much.
    statement = loading.statement(held.trigger)
    rows = await database.despite_deadlocks(lambda: database.fetch_planned(statement, *arguments, *coupons))
    if most is not None and (unused := most - sum(1 for row in rows if row["goes"])):
        await send_rate.give_back(held.plan_id, unused)
    return [
        Waiting(
            held.plan_id, row["customer_id"], row["reference"], held.number, held.token, row["attempt"],
            row["language"], row["contact_day"], row["goes_until"], row["name"], row["email"], row["email_key"],
            row["variant"], database.decode(row["said"]) or {},
        )
        for row in rows
        if row["state"] == "PENDING" and row["goes"]
    ]  # fmt: skip


async def release(held: Slice, *, pause: timedelta = timedelta()) -> None:
    """Give a slice back: done when nothing in it waits, else due at its earliest message, not before `pause`.

    Whoever gives a slice back awaits no more answers, so what is still in flight is UNKNOWN from here on.
    """
    await _free(
        [(held.plan_id, held.number)], "s.worker_id = $3 AND (s.token = $4 OR s.token IS NULL)",
        held.worker_id, held.token, pause=pause,
    )  # fmt: skip


async def redirect(held: Slice, channel: str) -> None:
    """Let what waits in a held slice go by another channel, from the next time it is taken."""
    await database.execute(
        "UPDATE slice SET channel = $4 WHERE plan_id = $1 AND number = $2 AND token = $3",
        held.plan_id,
        held.number,
        held.token,
        channel,
    )


async def give_up_lost() -> list[SliceKey]:
    """Free the slices of workers whose heartbeat has stopped; what they had in flight becomes UNKNOWN."""
    lost = await database.fetch(f"SELECT plan_id, number FROM slice s WHERE s.worker_id IS NOT NULL AND {_LOST}")
    return await _free([(row["plan_id"], row["number"]) for row in lost], _LOST)


async def give_up_forgotten(worker_id: UUID, working: Collection[SliceKey]) -> list[SliceKey]:
    """Free what this living worker holds in the table but no longer works on: a lost answer, a job cut short."""
    rows = await database.fetch("SELECT plan_id, number FROM slice WHERE worker_id = $1", worker_id)
    forgotten = [(row["plan_id"], row["number"]) for row in rows]
    return await _free([key for key in forgotten if key not in working], "s.worker_id = $3", worker_id)


async def _free(
    keys: Collection[SliceKey], condition: str, *arguments: Any, pause: timedelta = timedelta()
) -> list[SliceKey]:
    """Free each of these slices that still meets `condition` (whose parameters begin at $3); which were freed."""
    due_at = now() + pause
    freed = []
    for key in keys:
        async with database.transaction():
            if await database.fetch_value(_HOLD.format(condition), *key, *arguments):
                await _free_held(key, due_at)
                freed.append(key)
    return freed


async def _free_held(key: SliceKey, due_at: datetime) -> None:
    """Free a slice whose row is locked. What waits in it gives its contacts back: they are for what is about to go."""
    is_waiting = await database.fetch_value(_FREE, *key, due_at)
    await delivery.lose_worker(*key)
    if is_waiting:
        await delivery.give_contacts_back(*key)


def frozen_values(waiting: Waiting) -> Mapping[str, Any]:
    """The values of a message's variables that belong to its customer."""
    return dict(waiting.values) if waiting.name is None else {**waiting.values, "name": waiting.name}


_DUE = f"""
SELECT plan_id, number, channel, is_urgent FROM (
    SELECT s.plan_id, s.number, s.channel, s.due_at, p.kind <> 'ONE_TIME' AS is_urgent,
        row_number() OVER (PARTITION BY p.shop_id, s.channel, p.kind <> 'ONE_TIME'
                           ORDER BY s.due_at, s.plan_id, s.number) AS turn
    FROM slice s JOIN plan p ON p.id = s.plan_id AND p.status = 'ONGOING'
    WHERE s.done_at IS NULL AND s.worker_id IS NULL AND s.due_at <= $1
      AND NOT {sending.STOPPED} AND {send_rate.HAS_ROOM.format(shop="p.shop_id", at="$1")}
) AS due
ORDER BY is_urgent DESC, turn, due_at, plan_id, number LIMIT $2
"""

_ACQUIRE = f"""
UPDATE slice s SET token = $4, worker_id = $3 FROM plan p
WHERE s.plan_id = $1 AND s.number = $2 AND s.worker_id IS NULL AND s.done_at IS NULL AND s.due_at <= $5
  AND p.id = s.plan_id AND p.status = 'ONGOING' AND (p.deadline IS NULL OR p.deadline > $5)
  AND NOT {sending.STOPPED} AND {send_rate.HAS_ROOM.format(shop="p.shop_id", at="$5")}
RETURNING s.channel, p.trigger, s.quiet_hours_changed
"""

_LOST = "NOT EXISTS (SELECT FROM worker w WHERE w.id = s.worker_id AND w.lease_until > clock_timestamp())"

# Settlements hold their slice too. What one of them lets wait again is only seen by a statement that begins after it
# has ended, so the lock is waited for before anything is asked about the messages.
_HOLD = "SELECT true FROM slice s WHERE s.plan_id = $1 AND s.number = $2 AND {} FOR NO KEY UPDATE OF s"

# A slice that was done already is one whose plan was cancelled.
_FREE = """
UPDATE slice s SET token = NULL, worker_id = NULL,
    due_at = CASE WHEN s.quiet_hours_changed THEN $3::timestamptz ELSE greatest(w.due_at, $3::timestamptz) END,
    done_at = CASE WHEN s.done_at IS NOT NULL THEN s.done_at WHEN w.due_at IS NULL THEN $3 END
FROM (SELECT min(coalesce(not_before, $3::timestamptz)) AS due_at FROM delivery
      WHERE plan_id = $1 AND slice = $2 AND state = 'PENDING') w
WHERE s.plan_id = $1 AND s.number = $2
RETURNING w.due_at IS NOT NULL AS is_waiting
"""

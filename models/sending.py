"""The global stop: nothing leaves, of any shop, by any channel, until the operator lets it go on.

Stopping takes every slice's token away, so the answer to a stop waits for the intents that hold them, and no
later one can be granted. Whoever begins anything (takes a slice, resolves a range, sends trials) holds a shared
lock until its commit; a stop waits for all of them, and what comes after it finds it.
"""

from dataclasses import dataclass
from datetime import datetime

from models import database, local_hour
from models.advisory_lock import AdvisoryLock
from models.clock import now
from models.errors import Problem, Refused
from models.hold import BEGAN

MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop that holds: why, since when, and by whom (as Caller.actor)."""

    id: int
    reason: str
    stopped_at: datetime
    stopped_by: str


@dataclass(frozen=True, slots=True)
class Sending:
    """The stop that holds, if any, and the messages of all plans whose answer is awaited."""

    stop: Stop | None
    in_flight: int


async def read() -> Sending:
    """How sending stands."""
    return Sending(await current(), await database.fetch_value(_IN_FLIGHT))


async def hold() -> None:
    """Let nobody stop sending until this transaction ends. Call it first; a later statement sees `STOPPED` as it is."""
    await database.hold(AdvisoryLock.SENDING, shared=True)


async def is_stopped() -> bool:
    """Whether all sending is stopped just now."""
    found: bool = await database.fetch_value(f"SELECT {STOPPED}")
    return found


async def current() -> Stop | None:
    """The stop that holds, if any."""
    row = await database.fetch_one(f"SELECT {_COLUMNS} FROM sending_stop WHERE resumed_at IS NULL")
    return Stop(*row) if row else None


async def stop(reason: str, *, actor: str) -> Stop:
    """Let nothing leave from now on. Stopping again changes nothing and answers the stop that holds.

    What was granted before may still be on the wire: `Sending.in_flight` counts it. Refused without a reason.
    """
    told = reason.strip()
    if not 1 <= len(told) <= MAX_REASON:
        raise Refused([Problem(("reason",), f"A reason has 1–{MAX_REASON} characters, not {len(told)}.")])
    return await database.despite_deadlocks(lambda: _stop(told, actor))


async def _stop(reason: str, actor: str) -> Stop:
    async with database.transaction():
        await database.hold(AdvisoryLock.SENDING)
        held = await current()
        if held is None:
            row = await database.fetch_one(_STOP, reason, now(), actor)
            assert row is not None
            held = Stop(*row)
            await database.execute(_HOLD)
            await database.execute(_WITHDRAW)
    return held


async def resume(*, actor: str) -> Stop | None:
    """Let everything go on; the stop that held. Its time counts neither to a plan's deadline nor to its experiment's.

    What waits for an hour of its customer's day that passed meanwhile goes at the next one (B3).
    """
    return await database.despite_deadlocks(lambda: _resume(actor))


async def _resume(actor: str) -> Stop | None:
    at = now()
    async with database.transaction():
        await database.hold(AdvisoryLock.SENDING)
        held = await current()
        if held is not None:
            await database.execute(_RESUME, at, actor)
            await database.execute(_PROLONG, held.stopped_at, at)
            rows = await database.fetch(_WITH_LOCAL_HOUR)
            await local_hour.keep([row["id"] for row in rows], held.stopped_at, at)
    return held


STOPPED = "EXISTS (SELECT FROM sending_stop WHERE resumed_at IS NULL)"
"""Condition: all sending is stopped."""

_COLUMNS = "id, reason, stopped_at, stopped_by"

_STOP = f"INSERT INTO sending_stop (reason, stopped_at, stopped_by) VALUES ($1, $2, $3) RETURNING {_COLUMNS}"

_RESUME = "UPDATE sending_stop SET resumed_at = $1, resumed_by = $2 WHERE resumed_at IS NULL"

# Plans first, since who pauses or cancels one takes its slices in another order. Nobody takes a slice meanwhile.
_HOLD = """
SELECT FROM plan p WHERE EXISTS (SELECT FROM slice s WHERE s.plan_id = p.id AND s.token IS NOT NULL)
ORDER BY p.id FOR NO KEY UPDATE
"""

# In the order of the key, as everything that locks many slices: two of them never wait for each other in a circle.
_WITHDRAW = """
UPDATE slice s SET token = NULL FROM (
    SELECT plan_id, number FROM slice WHERE token IS NOT NULL ORDER BY plan_id, number FOR NO KEY UPDATE
) held WHERE s.plan_id = held.plan_id AND s.number = held.number
"""

# One that is paused as well is still held: to resume it finds the stop.
_WITH_LOCAL_HOUR = "SELECT id FROM plan WHERE status = 'ONGOING' AND started_at IS NOT NULL AND local_time IS NOT NULL"

# A pause has its own way of not counting, and an automated plan's deadline is the end that its seller chose. The hours of
# an experiment begin when its texts are pinned. In the order of ids, as plan_history moves plans.
_PROLONG = f"""
UPDATE plan p SET deadline = p.deadline + greatest(interval '0', running.until - running.since),
    decides_at = CASE WHEN p.winner IS NOT NULL THEN p.decides_at
        ELSE p.decides_at + greatest(interval '0', running.until - greatest(running.since, p.localised_at)) END
FROM (
    SELECT id, greatest($1::timestamptz, {BEGAN.format(plan="plan")}) AS since,
        coalesce(paused_at, $2::timestamptz) AS until FROM plan
    WHERE status IN ('ONGOING', 'PAUSED') AND started_at IS NOT NULL AND deadline IS NOT NULL AND trigger IS NULL
    ORDER BY id FOR NO KEY UPDATE
) running
WHERE p.id = running.id
"""

_IN_FLIGHT = """
SELECT count(*) FROM slice s JOIN delivery d ON d.plan_id = s.plan_id AND d.slice = s.number
WHERE s.worker_id IS NOT NULL AND d.state = 'COMMITTING'
"""

"""What the server does to plans by itself: start, pause, finish and end them, each by its id (R10).

Any worker may try any of it at any time: a plan that is not, or no longer, where it would be moved from is left alone.
"""

from typing import NamedTuple

from models import database, delivery, quota
from models.clock import now
from models.plan import history
from models.plan.history import SYSTEM, one
from models.plan.status import PlanAction, PlanStatus


class Alive(NamedTuple):
    """A plan that the sweep must look after, and how far it has come."""

    id: int
    status: PlanStatus
    is_automated: bool
    is_localised: bool
    is_resolved: bool


async def alive() -> list[Alive]:
    """Plans that something may be due for, but for what their slices and triggers wait for; longest there first.

    Running ones, those being cancelled, and scheduled ones whose time has come. An automated plan whose texts are pinned
    runs by itself until its end, so of a thousand shops' reminders none is looked at here.
    """
    rows = await database.fetch(_ALIVE, now())
    return [Alive(plan_id, PlanStatus(status), *flags) for plan_id, status, *flags in rows]


async def start(plan_id: int) -> bool:
    """Let a scheduled plan begin; False when it was no longer scheduled."""
    at = now()
    moved = await history.move(one(plan_id), PlanAction.START, PlanStatus.ONGOING, at=at, changes={"started_at": at})
    return bool(moved)


async def pause(plan_id: int, reason: str, *, actor: str = SYSTEM) -> bool:
    """ONGOING or SCHEDULED → PAUSED with a `reason`; nothing pending leaves until it is resumed. Whether it moved."""
    at = now()
    async with database.transaction():
        moved = await history.move(
            one(plan_id), PlanAction.PAUSE, PlanStatus.PAUSED,
            at=at, actor=actor, reason=reason, changes={"paused_at": at},
        )  # fmt: skip
        if moved:
            await delivery.withdraw_slices(plan_id)
    return bool(moved)


async def finish(plan_id: int) -> bool:
    """ONGOING → SENT when the audience is resolved and no slice has anything left; whether it moved."""
    return await _close(plan_id, _NOTHING_LEFT, PlanAction.FINISH, PlanStatus.SENT)


async def finish_cancelling(plan_id: int) -> bool:
    """CANCELLING → CANCELLED when no message waits or is in flight; whether it moved.

    If nothing of it ever left, its place in the week's quota is given back (R17).
    """
    async with database.transaction():
        moved = await _close(
            plan_id, f"{_NOTHING_WAITS} AND NOT {delivery.IN_FLIGHT}", PlanAction.STOP, PlanStatus.CANCELLED
        )
        if moved:
            await quota.give_back(plan_id)
    return moved


async def conclude(plan_id: int) -> bool:
    """End a plan of which nothing is left to do, cancelled or not; whether it moved.

    What still waits of one that is being cancelled is withdrawn first, some at a time: each in a transaction of its own.
    """
    if await finish(plan_id):
        return True
    while await database.fetch_value(_IS_TO_BE_WITHDRAWN, plan_id):
        async with database.transaction():
            await delivery.cancel_some(plan_id, now())
    return await finish_cancelling(plan_id)


async def end(plan_id: int) -> bool:
    """ONGOING → ENDED when an automated plan's timeframe is over (R9): what waits expires first; whether it moved.

    What is in flight at that moment settles, and only then is it ENDED.
    """
    at = now()
    over = await database.execute(
        "UPDATE plan SET resolved_at = coalesce(resolved_at, $2)"
        " WHERE id = $1 AND trigger IS NOT NULL AND status = 'ONGOING' AND ends_at <= $2",
        plan_id,
        at,
    )
    if not over:
        return False
    await delivery.expire(plan_id, at)
    return await _close(plan_id, _NOTHING_LEFT, PlanAction.END, PlanStatus.ENDED)


async def _close(plan_id: int, condition: str, action: PlanAction, target: PlanStatus) -> bool:
    """Move a plan that meets the condition to a status in which nothing of it is left to do; whether it moved."""
    at = now()
    return bool(await history.move(one(plan_id, condition), action, target, at=at, changes={"finished_at": at}))


_NOTHING_WAITS = "NOT EXISTS (SELECT FROM slice s WHERE s.plan_id = $1 AND s.done_at IS NULL)"

_NOTHING_LEFT = f"p.resolved_at IS NOT NULL AND {_NOTHING_WAITS}"

_IS_TO_BE_WITHDRAWN = (
    f"SELECT EXISTS (SELECT FROM plan p WHERE p.id = $1 AND p.status = 'CANCELLING' AND NOT {_NOTHING_WAITS})"
)

_ALIVE = """
SELECT id, status::text, trigger IS NOT NULL, localised_at IS NOT NULL, resolved_at IS NOT NULL FROM plan
WHERE status = 'CANCELLING'
   OR status = 'ONGOING' AND (trigger IS NULL OR localised_at IS NULL OR ends_at <= $1)
   OR status = 'SCHEDULED' AND send_at <= $1
ORDER BY CASE WHEN status = 'SCHEDULED' THEN send_at END NULLS FIRST, id
"""

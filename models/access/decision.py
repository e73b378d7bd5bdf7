"""What was decided last of each shop's access, with a history, so that a change has its consequences exactly once.

It is decided anew in the transaction that writes a score, and daily (R1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from models import database, delivery
from models.access import AccessReason, AccessState, access, may_email
from models.page import Ordering, Page
from models.plan import history as plan_history
from models.plan.history import Which
from models.plan.status import PlanAction, PlanKind, PlanStatus
from models.quota import day_of

REVOKED_REASON = "ACCESS_REVOKED"
"""`status_reason` of what R1 paused or deleted."""

NEWEST_FIRST = Ordering("accessChange", (("id", "bigint"),), descending=True)


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a shop's access, with the score and GMV (minor units) that led to it."""

    id: int
    state_from: AccessState | None
    state_to: AccessState
    may_email: bool
    reason: AccessReason
    score: Decimal | None
    gmv: int | None
    changed_at: datetime


async def due(at: datetime, limit: int) -> list[int]:
    """Shops (at most `limit`) whose access has not been recomputed on the day of `at`."""
    rows = await database.fetch(
        "SELECT s.id FROM shop s LEFT JOIN access a ON a.shop_id = s.id"
        " WHERE a.shop_id IS NULL OR a.checked_on < $1 ORDER BY s.id LIMIT $2",
        day_of(at),
        limit,
    )
    return [row["id"] for row in rows]


async def recompute(shop_ids: Sequence[int], at: datetime) -> list[int]:
    """Decide these shops' access afresh, note what changed, and let it have its consequences; plans moved by it.

    Call it in the transaction that writes a score. Repeating it changes nothing.
    """
    async with database.transaction():
        rows = await database.fetch(_STANDING, list(shop_ids))
        await _keep(rows, at)
        revoked = [row["id"] for row in rows if access(row["score"]).state is AccessState.REVOKED]
        return await _revoke(revoked, at) if revoked else []


async def history(shop_id: int, page: Page) -> list[Change]:
    """A page of a shop's changes of access, in `NEWEST_FIRST`; one more than its size when there are more."""
    where, tail, arguments = page.clause(2)
    rows = await database.fetch(
        "SELECT id, state_from, state_to, may_email, reason, score, gmv, changed_at FROM access_change"
        f" WHERE shop_id = $1 AND {where} {tail}",
        shop_id,
        *arguments,
    )
    return [_change(row) for row in rows]


async def count(shop_id: int) -> int:
    """How often a shop's access has changed, its first decision included."""
    total: int = await database.fetch_value("SELECT count(*) FROM access_change WHERE shop_id = $1", shop_id)
    return total


async def since(shop_id: int) -> datetime | None:
    """Since when the shop has been in its state; None when it was never recomputed."""
    found: datetime | None = await database.fetch_value("SELECT since FROM access WHERE shop_id = $1", shop_id)
    return found


async def _keep(rows: Sequence[database.Record], at: datetime) -> None:
    """Note these shops' access as of now, and its changes."""
    ids = [row["id"] for row in rows]
    decided = [access(row["score"]) for row in rows]
    states, reasons = [each.state for each in decided], [each.reason for each in decided]
    email = [may_email(row["score"], row["gmv"]) for row in rows]
    await database.execute(_NOTE, ids, states, email, reasons, at)
    await database.execute(_KEEP, ids, states, email, at, day_of(at))


async def _revoke(shop_ids: Sequence[int], at: datetime) -> list[int]:
    """R1: pause the shops' unfinished one-time plans, delete their automated ones; ids of those plans."""
    await database.execute(_HOLD, list(shop_ids))
    paused = await plan_history.move(
        _of_kind(shop_ids, PlanKind.ONE_TIME),
        PlanAction.PAUSE,
        PlanStatus.PAUSED,
        at=at,
        reason=REVOKED_REASON,
        changes={"paused_at": at},
    )
    deleted = await plan_history.move(
        _of_kind(shop_ids, PlanKind.AUTOMATED), PlanAction.REVOKE, PlanStatus.DELETED, at=at, reason=REVOKED_REASON
    )
    for plan_id in paused:
        await delivery.withdraw_slices(plan_id)
    for plan_id in deleted:
        await delivery.cancel_pending(plan_id, at)
    return paused + deleted


def _of_kind(shop_ids: Sequence[int], kind: PlanKind) -> Which:
    return Which("p.shop_id = ANY($1::int[]) AND p.kind = $2", [list(shop_ids), kind.value])


def _change(row: database.Record) -> Change:
    return Change(
        row["id"], AccessState(row["state_from"]) if row["state_from"] else None, AccessState(row["state_to"]),
        row["may_email"], AccessReason(row["reason"]), row["score"], row["gmv"], row["changed_at"],
    )  # fmt: skip


_STANDING = """
SELECT id, score, gmv FROM shop WHERE id = ANY($1::int[]) ORDER BY id FOR NO KEY UPDATE
"""

# Plans of both kinds, in the order of ids, as by everything that locks many: each move locks those of its own kind alone.
_HOLD = """
SELECT FROM plan WHERE shop_id = ANY($1::int[]) AND status IN ('DRAFT', 'SCHEDULED', 'ONGOING', 'PAUSED')
ORDER BY id FOR NO KEY UPDATE
"""

_NOTE = """
INSERT INTO access_change (shop_id, state_from, state_to, may_email, reason, score, gmv, changed_at)
SELECT s.id, a.state, d.state, d.may_email, d.reason, s.score, s.gmv, $5
FROM unnest($1::int[], $2::text[], $3::boolean[], $4::text[]) AS d(shop_id, state, may_email, reason)
JOIN shop s ON s.id = d.shop_id LEFT JOIN access a ON a.shop_id = d.shop_id
WHERE (a.state, a.may_email) IS DISTINCT FROM (d.state, d.may_email) ORDER BY s.id
"""

_KEEP = """
INSERT INTO access AS known (shop_id, state, may_email, since, checked_on)
SELECT d.shop_id, d.state, d.may_email, $4, $5
FROM unnest($1::int[], $2::text[], $3::boolean[]) AS d(shop_id, state, may_email) ORDER BY d.shop_id
ON CONFLICT (shop_id) DO UPDATE SET state = excluded.state, may_email = excluded.may_email,
    since = CASE WHEN known.state = excluded.state THEN known.since ELSE excluded.since END,
    checked_on = greatest(known.checked_on, excluded.checked_on)
"""

"""Ranges: who of a plan's audience is still to be resolved, in pieces that one transaction each can take.

A plan's rows hold disjoint ranges of customers (after, through], together everybody whom the plan has not resolved
yet; the one without an end is what is not cut yet. Whoever resolves a range locks its row, and deletes it in the very
commit that writes its customers into the ledger. So the lock is the claim: it ends with the transaction, however that
ends, and PostgreSQL ends a transaction whose worker was lost or stands still (`database.connect`). No row, no claim
and no customer can be left behind by anybody's death.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from models import database
from models.identifier import LAST_CUSTOMER, NO_CUSTOMER


class Ends(NamedTuple):
    """The customers in (after, through]."""

    after: UUID
    through: UUID


class Withdrawn(Exception):
    """The plan was paused or cancelled while a range of it was resolved: nothing of that range may be committed."""


async def cut(plan_id: int, size: int) -> None:
    """Cut one more range of `size` customers off what is left, the last being what remains; none when all is cut."""
    async with database.transaction():
        shop_id = await database.fetch_value(f"SELECT p.shop_id FROM plan p WHERE p.id = $1 AND {RESOLVING}", plan_id)
        if shop_id is None:
            return
        after = await database.fetch_value(_REST, plan_id)
        if after is None:
            await _begin(plan_id)
            after = await database.fetch_value(_REST, plan_id)
        if after is not None:
            await _divide(plan_id, after, await _end(shop_id, after, size))


async def take(plan_id: int) -> Ends | None:
    """Take the first range that nobody resolves, until the end of this transaction; None when there is none."""
    row = await database.fetch_one(_TAKE, plan_id)
    return Ends(*row) if row else None


async def complete(plan_id: int, taken: Ends, at: datetime) -> bool:
    """Strike out a range whose customers this transaction has written; whether it was the plan's last.

    Call it last: it holds the plan's row until the commit, so nobody can have stopped the plan in between.
    Raises Withdrawn when somebody did before: roll back.
    """
    if await database.fetch_one(_HOLD, plan_id) is None:
        raise Withdrawn
    await database.execute("DELETE FROM plan_range WHERE plan_id = $1 AND after = $2", plan_id, taken.after)
    is_last: bool = await database.fetch_value(_ADVANCE, plan_id, LAST_CUSTOMER, at)
    return is_last


async def _begin(plan_id: int) -> None:
    """Let the rest of a plan of which no range was cut yet be everybody."""
    await database.execute("SELECT FROM plan WHERE id = $1 FOR NO KEY UPDATE", plan_id)
    await database.execute(_BEGIN, plan_id, NO_CUSTOMER)


async def _end(shop_id: int, after: UUID, size: int) -> UUID | None:
    """The last customer of a range, if any come after it."""
    rows = await database.fetch(_NEXT, shop_id, after, size - 1)
    return rows[0]["customer_id"] if len(rows) == 2 else None


async def _divide(plan_id: int, after: UUID, through: UUID | None) -> None:
    if through is None:
        await database.execute(_CLOSE, plan_id, LAST_CUSTOMER)
        return
    await database.execute("UPDATE plan_range SET after = $2 WHERE plan_id = $1 AND through IS NULL", plan_id, through)
    await database.execute("INSERT INTO plan_range VALUES ($1, $2, $3)", plan_id, after, through)


RESOLVING = "p.status = 'ONGOING' AND p.trigger IS NULL AND p.localised_at IS NOT NULL AND p.resolved_at IS NULL"
"""Condition over `plan p`: its audience is being resolved."""

# Who waits here for another's cut sees what that one left.
_REST = "SELECT after FROM plan_range WHERE plan_id = $1 AND through IS NULL FOR UPDATE"

# Without ranges a plan that is not resolved has not begun: the last one goes in the commit that says resolved.
_BEGIN = f"""
INSERT INTO plan_range (plan_id, after)
SELECT p.id, coalesce(p.resolve_cursor, $2) FROM plan p
WHERE p.id = $1 AND {RESOLVING} AND NOT EXISTS (SELECT FROM plan_range WHERE plan_id = $1)
"""

_NEXT = """
SELECT customer_id FROM relationship WHERE shop_id = $1 AND customer_id > $2 ORDER BY customer_id OFFSET $3 LIMIT 2
"""

_CLOSE = "UPDATE plan_range SET through = $2 WHERE plan_id = $1 AND through IS NULL"

_TAKE = """
SELECT after, through FROM plan_range WHERE plan_id = $1 AND through IS NOT NULL
ORDER BY after LIMIT 1 FOR UPDATE SKIP LOCKED
"""

_HOLD = "SELECT id FROM plan WHERE id = $1 AND status = 'ONGOING' FOR NO KEY UPDATE"

# Ranges end one after another, each holding the plan's row: the last sees that no other is left.
_ADVANCE = """
UPDATE plan SET resolve_cursor = coalesce(rest.after, $2::uuid),
    resolved_at = CASE WHEN rest.after IS NULL THEN $3::timestamptz END
FROM (SELECT (SELECT after FROM plan_range WHERE plan_id = $1 ORDER BY after LIMIT 1) AS after) AS rest
WHERE id = $1 RETURNING resolved_at IS NOT NULL
"""

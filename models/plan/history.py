"""The audit trail of plans: who did what, when, from which status to which (R10).

A plan's status changes nowhere but here, in the statement that also notes the change: there is no
transition without its entry, the server's own ones included.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from models import database
from models.page import Ordering, Page, by_page
from models.placeholder import placeholders
from models.plan.status import PlanAction, PlanStatus, sources

SYSTEM = "SYSTEM"
"""The actor of what nobody asked for: start, finish, pauses by rule."""

NEWEST_FIRST = Ordering("planHistory", (("id", "bigint"),), descending=True)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to a plan. `status_from` is None for its creation; `actor` as Caller.actor."""

    id: int
    plan_id: int
    action: PlanAction
    status_from: PlanStatus | None
    status_to: PlanStatus
    actor: str
    reason: str | None
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class Which:
    """The plans a move is for: a condition over `plan p`, its parameters counted from $1."""

    condition: str
    arguments: Sequence[Any]


class _Moving(NamedTuple):
    """What a move is, in the order of the statement's parameters; it is legal from each of `kinds` in its status."""

    kinds: Sequence[str]
    statuses: Sequence[str]
    target: str
    action: str
    actor: str
    reason: str | None
    at: datetime


def one(plan_id: int, only: str = "true") -> Which:
    """The plan of this id, if it meets `only` (SQL over `plan p`, with $1 its id)."""
    return Which(f"p.id = $1 AND ({only})", [plan_id])


async def move(
    which: Which,
    action: PlanAction,
    target: PlanStatus,
    *,
    at: datetime,
    actor: str = SYSTEM,
    reason: str | None = None,
    changes: Mapping[str, Any] | None = None,
) -> list[int]:
    """Move those of the plans from which `action` is legal to `target`, and note it; ids of those moved.

    Compare-and-set: a plan that another has moved meanwhile is left alone. `changes` are further
    columns (names of our own, never a caller's) and their values; `reason` becomes `status_reason`.
    """
    legal = sources(action)
    moving = _Moving(
        kinds=[kind.value for kind, _ in legal],
        statuses=[status.value for _, status in legal],
        target=target.value,
        action=action.name,
        actor=actor,
        reason=reason,
        at=at,
    )
    changed = changes or {}
    rows = await database.fetch(_statement(which, changed), *which.arguments, *moving, *changed.values())
    return [row["id"] for row in rows]


def _statement(which: Which, changed: Iterable[str]) -> str:
    """The statement that moves these plans. Its parameters: those of the condition, `_Moving`, the changed columns'."""
    moving = placeholders(_Moving, first=len(which.arguments) + 1)
    after = len(which.arguments) + len(moving) + 1
    columns = "".join(f", {name} = ${place}" for place, name in enumerate(changed, after))
    return _MOVE.format(condition=which.condition, columns=columns, **moving)


async def note(plan_id: int, action: PlanAction, status: PlanStatus, *, at: datetime, actor: str) -> None:
    """Note the plan's birth (by CREATE or DUPLICATE) as a draft. Call in the transaction that stores it."""
    await database.execute(
        "INSERT INTO plan_history (plan_id, action, status_to, actor, happened_at)"
        " VALUES ($1, $2, $3::plan_status, $4, $5)",
        plan_id,
        action.name,
        status.value,
        actor,
        at,
    )


async def histories(asked: Sequence[tuple[int, Page]]) -> list[list[Entry]]:
    """A page of what happened to each plan, in `NEWEST_FIRST`; one entry more than its size when there are more.

    One statement for all that ask for the same page.
    """
    found: dict[tuple[int, Page], list[Entry]] = {key: [] for key in asked}
    for page, plans in by_page(asked).items():
        where, tail, arguments = page.clause(2)
        sql = _HISTORIES.format(where=where, tail=tail)
        for row in await database.fetch(sql, plans, *arguments):
            found[row["plan_id"], page].append(_entry(row))
    return [found[key] for key in asked]


async def counts(plan_ids: Sequence[int]) -> list[int]:
    """How many entries each plan's history has."""
    rows = await database.fetch(
        "SELECT plan_id, count(*) AS count FROM plan_history WHERE plan_id = ANY($1::int[]) GROUP BY plan_id",
        list(plan_ids),
    )
    found = {row["plan_id"]: row["count"] for row in rows}
    return [found.get(plan_id, 0) for plan_id in plan_ids]


def _entry(row: database.Record) -> Entry:
    return Entry(
        row["id"],
        row["plan_id"],
        PlanAction[row["action"]],
        PlanStatus(row["status_from"]) if row["status_from"] else None,
        PlanStatus(row["status_to"]),
        row["actor"],
        row["reason"],
        row["happened_at"],
    )


# Locked in the order of ids, so that two moves of many plans never wait for each other in a circle. A webhook that is
# being forgotten is waited for (models/webhook/fact.py).
_MOVE = """
WITH old AS (
    SELECT p.id, p.status FROM plan p
    WHERE {condition}
      AND (p.kind, p.status) IN (SELECT kind, status FROM unnest({kinds}, {statuses}::plan_status[]) AS l(kind, status))
    ORDER BY p.id FOR NO KEY UPDATE
),
moved AS (
    UPDATE plan p SET status = {target}::plan_status, status_reason = {reason}, updated_at = {at}{columns}
    FROM old WHERE p.id = old.id
    RETURNING p.id, p.shop_id, old.status AS status_from, p.status AS status_to
),
told AS (
    INSERT INTO posting (webhook_id, fact, data, happened_at, not_before)
    SELECT w.id, 'plan.status_changed',
        jsonb_build_object('plan', m.id, 'from', m.status_from, 'to', m.status_to, 'reason', {reason}), {at}, {at}
    FROM moved m JOIN webhook w ON w.shop_id = m.shop_id AND w.disabled_at IS NULL AND 'plan.status_changed' = ANY(w.facts)
    WHERE m.status_from <> m.status_to ORDER BY m.id, w.id FOR KEY SHARE OF w
)
INSERT INTO plan_history (plan_id, action, status_from, status_to, actor, reason, happened_at)
SELECT id, {action}, status_from, status_to, {actor}, {reason}, {at} FROM moved ORDER BY id
RETURNING plan_id AS id
"""

_HISTORIES = """
SELECT h.* FROM unnest($1::int[]) AS p(plan_id) CROSS JOIN LATERAL (
    SELECT id, plan_id, action, status_from, status_to, actor, reason, happened_at FROM plan_history
    WHERE plan_id = p.plan_id AND {where} {tail}
) h
"""

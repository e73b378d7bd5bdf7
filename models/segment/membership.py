"""Whether one customer is in a segment, and which conditions decide (R6)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from models import database
from models.clock import now
from models.condition.explain import Reason, explain, in_universe
from models.condition.facts import Answer, Event, Facts, Order
from models.segment import member
from models.segment.member import Question

MOST_ROWS = 100_000
"""Of orders and of events, so many of the latest are looked at to give reasons."""


@dataclass(frozen=True, slots=True)
class Membership:
    """The verdict, whether the customer had interacted with the shop by then (R26), and a reason per condition."""

    is_member: bool
    has_interacted: bool
    reason: Reason


async def membership(question: Question, customer_id: UUID) -> Membership | None:
    """The compiled condition's verdict on a customer, with reasons; None for who is no customer of the shop."""
    async with database.transaction():
        await database.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        facts = await facts_of(question.shop_id, customer_id)
        verdict = await member.is_member(question, customer_id)
    if facts is None:
        return None
    if question.as_of is None:
        return Membership(verdict, True, explain(question.definition, facts, now()))
    then = facts.as_of(question.as_of)
    return Membership(verdict, in_universe(then), explain(question.definition, then, question.as_of))


async def facts_of(shop_id: int, customer_id: UUID) -> Facts | None:
    """What is known of a customer of the shop; None for who never interacted with it, whatever they allow it (R26)."""
    person = await database.fetch_one(_PERSON, shop_id, customer_id)
    if person is None:
        return None
    return Facts(
        birth_date=person["birth_date"],
        gender=person["gender"],
        region=person["region"],
        orders=tuple(Order(*row) for row in await _rows(_ORDERS, shop_id, customer_id)),
        events=tuple(Event(*row) for row in await _rows(_EVENTS, shop_id, customer_id)),
        answers=tuple(Answer(*row) for row in await _rows(_ANSWERS, shop_id, customer_id)),
    )


async def _rows(sql: str, shop_id: int, customer_id: UUID) -> list[Any]:
    return await database.fetch(sql, shop_id, customer_id, MOST_ROWS)


_PERSON = """
SELECT c.birth_date, c.gender, c.region
FROM relationship r LEFT JOIN customer c ON c.id = r.customer_id
WHERE r.shop_id = $1 AND r.customer_id = $2 AND r.first_interaction_at IS NOT NULL"""

_ORDERS = """
SELECT ordered_at, amount, cancelled_at
FROM orders WHERE shop_id = $1 AND customer_id = $2 ORDER BY ordered_at DESC LIMIT $3"""

_EVENTS = """
SELECT kind::text, occurred_at, category, seconds
FROM event WHERE shop_id = $1 AND customer_id = $2 ORDER BY occurred_at DESC LIMIT $3"""

# A click is also a read, so the index of what was read finds both.
_ANSWERS = """
SELECT kind, at, plan_id FROM (
    SELECT 'READ' AS kind, read_at AS at, plan_id
    FROM delivery WHERE shop_id = $1 AND customer_id = $2 AND read_at IS NOT NULL
    UNION ALL
    SELECT 'CLICKED', clicked_at, plan_id
    FROM delivery WHERE shop_id = $1 AND customer_id = $2 AND read_at IS NOT NULL AND clicked_at IS NOT NULL
    UNION ALL
    SELECT 'UNSUBSCRIBED', happened_at, plan_id FROM unsubscription WHERE shop_id = $1 AND customer_id = $2
) AS answer ORDER BY at DESC LIMIT $3"""

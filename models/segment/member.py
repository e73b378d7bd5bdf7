"""Who meets a condition: how many, which, and how two audiences overlap; always by the one compiler."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from models import database
from models.clock import now
from models.condition import Compiled, Definition, compile_condition
from models.page import Ordering, Page

BY_CUSTOMER = Ordering("member", (("customer_id", "uuid"),))
"""The order of members: none that means anything, but always the same."""


@dataclass(frozen=True, slots=True)
class Question:
    """A definition asked of a shop's customers, now or as of an earlier time."""

    shop_id: int
    definition: Definition
    as_of: datetime | None = None

    def compiled(self, arguments: list[Any]) -> str:
        """The SELECT of the members; its own arguments are added to those of the statement it becomes part of."""
        made: Compiled = compile_condition(
            self.definition,
            shop_id=self.shop_id,
            now=now(),
            as_of=self.as_of,
            first_parameter=len(arguments) + 1,
        )
        arguments += made.arguments
        return made.sql


async def sizes(questions: Sequence[Question]) -> list[int]:
    """How many customers meet each question: all in one statement, from one snapshot."""
    arguments: list[Any] = []
    parts = [
        f"SELECT {number} AS number, count(*) AS size FROM ({question.compiled(arguments)}) AS member"
        for number, question in enumerate(questions)
    ]
    found = {row["number"]: row["size"] for row in await _ask(questions, " UNION ALL ".join(parts), arguments)}
    return [found[number] for number in range(len(questions))]


async def size(question: Question) -> int:
    """How many customers meet the question."""
    return (await sizes([question]))[0]


async def pages(asked: Sequence[tuple[Question, Page]]) -> list[list[UUID]]:
    """A page of each question's members, in `BY_CUSTOMER`: all in one statement.

    Each page has one member more than its size when there are more.
    """
    arguments: list[Any] = []
    parts: list[str] = []
    for number, (question, page) in enumerate(asked):
        where, tail, given = page.clause(len(arguments) + 1)
        arguments += given
        members = question.compiled(arguments)
        parts.append(f"(SELECT {number} AS number, customer_id FROM ({members}) AS member WHERE {where} {tail})")
    found: list[list[UUID]] = [[] for _ in asked]
    for row in await _ask([question for question, _ in asked], " UNION ALL ".join(parts), arguments):
        found[row["number"]].append(row["customer_id"])
    return found


async def is_member(question: Question, customer_id: UUID) -> bool:
    """Whether this customer meets the question."""
    arguments: list[Any] = [customer_id]
    members = question.compiled(arguments)
    return bool(await _ask([question], f"SELECT FROM ({members}) AS member WHERE customer_id = $1", arguments))


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two audiences beside each other, in customers."""

    one: int
    other: int
    both: int


async def overlap(one: Question, other: Question) -> Overlap:
    """How many customers meet one question, the other, and both, from one snapshot."""
    arguments: list[Any] = []
    statement = (
        "SELECT count(one.customer_id) AS one, count(other.customer_id) AS other,"
        " count(*) FILTER (WHERE one.customer_id = other.customer_id) AS both"
        f" FROM ({one.compiled(arguments)}) AS one"
        f" FULL JOIN ({other.compiled(arguments)}) AS other ON other.customer_id = one.customer_id"
    )
    (row,) = await _ask([one, other], statement, arguments)
    return Overlap(row["one"], row["other"], row["both"])


async def _ask(questions: Iterable[Question], statement: str, arguments: Sequence[Any]) -> list[database.Record]:
    """The rows of a statement about these questions. History is read in passes over whole tables, whatever their size."""
    of_old = any(question.as_of is not None for question in questions)
    return await database.fetch_planned(statement, *arguments, in_passes=of_old)

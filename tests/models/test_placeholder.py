"""How named arguments stand in a statement."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

import pytest

from models import database as db
from models.placeholder import Json, placeholders


class First(NamedTuple):
    """One of each type."""

    flag: bool = True
    number: int = 7
    text: str = "seven"
    document: Json = Json('{"a": 1}')
    id: UUID = UUID(int=7)
    day: date = date(2026, 3, 1)
    instant: datetime = datetime.fromisoformat("2026-03-01T12:00:00+00:00")
    hour: time = time(19)
    life: timedelta = timedelta(hours=72)


class Second(NamedTuple):
    """What may be missing, and what there are many of."""

    missing: int | None = None
    many: Sequence[UUID] = (UUID(int=1), UUID(int=2))
    holes: Sequence[str | None] = ("a", None)


async def test_each_argument_arrives_as_what_it_is(database: None):
    names = placeholders(First, Second)

    row = await db.fetch_one(
        f"SELECT {', '.join(f'{value} AS {name}' for name, value in names.items())}", *First(), *Second()
    )

    assert row is not None
    assert dict(row) == {**First()._asdict(), **Second()._asdict(), "many": list(Second().many), "holes": ["a", None]}


def test_tuples_are_numbered_through_in_their_order():
    assert placeholders(Second, First)["flag"] == "$4::bool"
    assert placeholders(First, Second)["holes"] == "$12::text[]"


def test_a_type_that_postgresql_is_not_told_of_is_noticed_when_the_statement_is_made():
    class Wrong(NamedTuple):
        share: complex

    with pytest.raises(KeyError):
        placeholders(Wrong)

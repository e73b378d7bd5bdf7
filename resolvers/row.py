"""Rows that the platform writes: up to 250 a call, each told apart, all that hold in one transaction."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any, Protocol, TypeVar

import strawberry
from pydantic.alias_generators import to_camel
from strawberry import UNSET

from models import ingest
from models.errors import ErrorCode, Problem, refuse
from models.row import RowResult
from models.shop import Shop
from resolvers.context import Info
from resolvers.mutation import Kept, Payload, answer

MAX_ROWS = 250

TRIGGERING = frozenset({"event", "order", "live", "priceChange", "product"})
"""Kinds of row that automated plans may answer."""


SomeRow = TypeVar("SomeRow")
"""A row of some kind, as GraphQL gives it."""


class RowsInput(Protocol):
    """The input of a bulk mutation for one shop."""

    shop: str
    idempotency_key: str | None


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one row: its global id when it is stored, or what is wrong with it."""

    index: int
    id: strawberry.ID | None
    errors: Sequence[Problem]


def _keep(results: list[Written]) -> Any:
    return [{"id": each.id, "errors": [(p.field, p.message, p.code, p.rule) for p in each.errors]} for each in results]


async def _load(kept: Any) -> list[Written]:
    return [
        Written(
            index,
            row["id"],
            [Problem(tuple(f), message, ErrorCode(code), rule) for f, message, code, rule in row["errors"]],
        )
        for index, row in enumerate(kept)
    ]


RESULTS: Kept[list[Written]] = Kept("results", _keep, _load)


async def write(
    info: Info,
    input: RowsInput,
    kind: str,
    rows: Sequence[SomeRow],
    identify: Callable[[Shop, SomeRow], strawberry.ID],
) -> Payload:
    """Write rows of one `kind` to the shop that the input names by its external id."""
    info.context.platform()
    secret = info.context.secret

    async def work() -> list[Written]:
        shop = await info.context.named_shop(input.shop)
        values = [{"type": kind, **wire(row)} for row in rows]
        results = await ingest.ingest(shop, values, secret=secret)
        told.append(shop.id)
        return written(results, [identify(shop, row) for row in rows])

    told: list[int] = []
    payload = await checked(info, input, rows, work)
    for shop_id in told if kind in TRIGGERING else ():
        await info.context.tell_triggers(shop_id)
    return payload


async def checked(
    info: Info,
    input: Any,
    rows: Sequence[Any],
    work: Callable[[], Awaitable[list[Written]]],
) -> Payload:
    """The payload of a bulk mutation, refused as a whole when it has too many rows."""

    async def bounded() -> list[Written]:
        if len(rows) > MAX_ROWS:
            raise refuse("rows", f"At most {MAX_ROWS} rows a call, not {len(rows)}.", ErrorCode.TOO_MANY)
        return await work()

    return await answer(info, input, RESULTS, bounded)


def written(results: Sequence[RowResult], ids: Sequence[strawberry.ID]) -> list[Written]:
    """The results of rows with the global ids they have when stored."""
    return [
        Written(result.index, None if result.problems else ids[result.index], result.problems) for result in results
    ]


def wire(value: Any) -> Any:
    """A GraphQL input as the mapping of wire names that docs/import.md describes; what was left out stays out."""
    if is_dataclass(value):
        given = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {to_camel(name): wire(each) for name, each in given if each is not UNSET}
    if isinstance(value, Enum):
        return value.value
    return [wire(each) for each in value] if isinstance(value, list) else value

"""Connections: the page of a list that a client asked for, with cursors, and its total when asked."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

import strawberry

from models.errors import ErrorCode, refuse
from models.page import DEFAULT_SIZE, MAX_SIZE, Page

T = TypeVar("T")

First: TypeAlias = Annotated[
    int | None,
    strawberry.argument(
        description=f"How many rows from the start of the range, 0–{MAX_SIZE}. {DEFAULT_SIZE} by default."
    ),
]
After: TypeAlias = Annotated[str | None, strawberry.argument(description="Only rows after the one with this cursor.")]
Last: TypeAlias = Annotated[
    int | None,
    strawberry.argument(description=f"How many rows from the end of the range, 0–{MAX_SIZE}. Not with `first`."),
]
Before: TypeAlias = Annotated[str | None, strawberry.argument(description="Only rows before the one with this cursor.")]


MAX_SEARCH = 200
"""Characters that a list is searched for."""


def searched(search: str | None, argument: str = "search") -> str:
    """What an argument asks to find, empty for everything. Refused when it is too long, or in no text that is stored."""
    if search and len(search) > MAX_SEARCH:
        raise refuse(argument, f"At most {MAX_SEARCH} characters are searched for.", ErrorCode.TOO_LONG)
    if search and "\0" in search:
        raise refuse(argument, "The character U+0000 is in no text that is stored.")
    return search or ""


@dataclass(frozen=True, slots=True)
class Edge(Generic[T]):
    """A row and its place in the list."""

    cursor: str
    node: T


@dataclass(frozen=True, slots=True)
class PageInfo:
    """Whether there is more on either side of a page, and the cursors of its ends."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True, slots=True)
class Connection(Generic[T]):
    """A page of rows. `count` is only called when a client selects `totalCount`."""

    edges: list[Edge[T]]
    page_info: PageInfo
    count: Callable[[], Awaitable[int]]

    @property
    def nodes(self) -> list[T]:
        """The rows alone."""
        return [edge.node for edge in self.edges]


def connect(
    page: Page, rows: Sequence[T], values: Callable[[T], Sequence[Any]], count: Callable[[], Awaitable[int]]
) -> Connection[T]:
    """The connection of `rows`, which were fetched by `page.clause` (one more than asked, maybe reversed).

    `values` gives a row's values in the page's ordering.
    """
    more = len(rows) > page.size
    kept = list(rows[: page.size])
    if page.backward:
        kept.reverse()
    edges = [Edge(page.ordering.cursor(values(row)), row) for row in kept]
    info = PageInfo(
        has_next_page=page.before is not None if page.backward else more,
        has_previous_page=more if page.backward else page.after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges, info, count)

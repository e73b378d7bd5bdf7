"""Connections, as clients see them: edges with cursors, nodes, page info and an optional total."""

from typing import Generic, TypeVar

import strawberry

from resolvers import connection

T = TypeVar("T")


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """The Relay connection specification's page info."""

    has_next_page: bool = strawberry.field(description="Whether there are rows after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there are rows before this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first row; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last row; null on an empty page.")


@strawberry.type(description="A row and its place in the list.")
class Edge(Generic[T]):
    """One row of a connection."""

    cursor: str = strawberry.field(description="Opaque place of the row, for `after` and `before` of this list.")
    node: T = strawberry.field(description="The row.")


async def _total_count(root: strawberry.Parent[connection.Connection[T]]) -> int:
    return await root.count()


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    """A page: 50 rows unless asked otherwise, at most 100."""

    edges: list[Edge[T]] = strawberry.field(description="The rows with their cursors.")
    nodes: list[T] = strawberry.field(description="The rows alone.")
    page_info: PageInfo = strawberry.field(description="Whether there is more, and where to go on.")
    total_count: int = strawberry.field(
        resolver=_total_count, description="How many rows the whole list has. Counted only when selected."
    )

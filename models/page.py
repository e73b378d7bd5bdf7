"""Keyset pages: part of an ordered list, found by the values it starts after rather than by counting."""

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from tortoise.models import Model
from tortoise.queryset import QuerySet

from models.errors import refuse

SomeModel = TypeVar("SomeModel", bound=Model)
Key = TypeVar("Key")

DEFAULT_SIZE = 50
MAX_SIZE = 100
"""Rows of a page: unless told otherwise, and at most."""

MAX_CURSOR_LENGTH = 2_500
"""Characters of a cursor: an external id of 255 characters, six octets each in JSON, and what base64 makes of them."""


def _integer(bits: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            raise TypeError
        return value

    return read


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise TypeError
    value.encode()  # half of a surrogate pair is a ValueError
    return value


def _instant(value: Any) -> datetime:
    instant = datetime.fromisoformat(_text(value))
    if instant.tzinfo is None:
        raise TypeError
    return instant.astimezone(UTC)


def _uuid(value: Any) -> UUID:
    return UUID(_text(value))


READERS: Mapping[str, Callable[[Any], Any]] = {
    "integer": _integer(32),
    "bigint": _integer(64),
    "text": _text,
    "timestamptz": _instant,
    "uuid": _uuid,
}
"""How the value of a column of each SQL type is read back from a cursor."""


@dataclass(frozen=True, slots=True)
class Ordering:
    """A total order of a list: its name, and its columns as (SQL expression, SQL type)."""

    name: str
    columns: tuple[tuple[str, str], ...]
    descending: bool = False

    def cursor(self, values: Sequence[Any]) -> str:
        """An opaque cursor of the row that has these column `values`, good for this ordering only."""
        plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
        text = json.dumps([self.name, *plain], separators=(",", ":"), ensure_ascii=False, default=str)
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def read(self, cursor: str, field: str) -> tuple[Any, ...]:
        """The column values of a `cursor` that came as argument `field`; Refused when it is not ours."""
        try:
            padded = cursor[:MAX_CURSOR_LENGTH] + "=" * (-len(cursor) % 4)
            name, *values = json.loads(b64decode(padded, altchars=b"-_", validate=True))
            read = tuple(READERS[kind](value) for value, (_, kind) in zip(values, self.columns, strict=True))
        except (ValueError, TypeError, OverflowError, RecursionError):
            name, read = None, ()
        if name != self.name:
            raise refuse(field, "This is not a cursor of this list.")
        return read


@dataclass(frozen=True, slots=True)
class Page:
    """Up to `size` rows of `ordering`, after and before the rows with those values; from its end if `backward`."""

    ordering: Ordering
    size: int = DEFAULT_SIZE
    after: tuple[Any, ...] | None = None
    before: tuple[Any, ...] | None = None
    backward: bool = False

    def clause(self, start: int) -> tuple[str, str, list[Any]]:
        """As SQL: a condition, what follows WHERE (order and limit), and their arguments from $`start` on.

        One row more than the page's size is asked for, which tells whether there are more.
        """
        later, earlier = ("<", ">") if self.ordering.descending else (">", "<")
        conditions: list[str] = []
        arguments: list[Any] = []
        for values, sign in ((self.after, later), (self.before, earlier)):
            if values is not None:
                conditions.append(self._beyond(sign, start + len(arguments)))
                arguments += values
        direction = "DESC" if self.ordering.descending != self.backward else "ASC"
        order = ", ".join(f"{expression} {direction}" for expression, _ in self.ordering.columns)
        return " AND ".join(conditions) or "true", f"ORDER BY {order} LIMIT {self.size + 1}", arguments

    def _beyond(self, sign: str, start: int) -> str:
        expressions = ", ".join(expression for expression, _ in self.ordering.columns)
        values = ", ".join(f"${start + i}::{kind}" for i, (_, kind) in enumerate(self.ordering.columns))
        return f"({expressions}) {sign} ({values})"


def page_of(
    ordering: Ordering,
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> Page:
    """The page that a client's arguments name; Refused when they make no sense together."""
    if first is not None and last is not None:
        raise refuse("first", "Give first or last, not both.")
    for field, size in (("first", first), ("last", last)):
        if size is not None and not 0 <= size <= MAX_SIZE:
            raise refuse(field, f"A page has 0–{MAX_SIZE} rows.")
    return Page(
        ordering,
        size=first if first is not None else last if last is not None else DEFAULT_SIZE,
        after=ordering.read(after, "after") if after is not None else None,
        before=ordering.read(before, "before") if before is not None else None,
        backward=last is not None,
    )


def by_page(asked: Iterable[tuple[Key, Page]]) -> dict[Page, list[Key]]:
    """The keys that a page is asked of, for each page: all that ask for the same one are answered by one statement."""
    keys: dict[Page, list[Key]] = {}
    for key, page in asked:
        keys.setdefault(page, []).append(key)
    return keys


async def rows_by_id(query: QuerySet[SomeModel], page: Page) -> list[SomeModel]:
    """The rows of a page whose ordering is the integer id alone; one more than its size when there are more."""
    later, earlier = ("id__lt", "id__gt") if page.ordering.descending else ("id__gt", "id__lt")
    for values, condition in ((page.after, later), (page.before, earlier)):
        if values is not None:
            query = query.filter(**{condition: values[0]})
    return await query.order_by("-id" if page.ordering.descending != page.backward else "id").limit(page.size + 1)

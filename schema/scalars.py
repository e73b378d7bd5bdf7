"""Scalars: 64-bit integers, instants in UTC and calendar days."""

import contextlib
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

import strawberry
from graphql import GraphQLError, ValueNode, print_ast, value_from_ast_untyped
from strawberry.types.scalar import ScalarDefinition

from models import iso_8601
from resolvers.long import Long

LARGEST = 2**63 - 1


def _read_long(value: Any) -> int:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole or abs(value) > LARGEST:
        raise GraphQLError("A Long is a whole number of up to 64 bits.")
    return int(value)


def _read_instant(value: Any) -> datetime:
    instant = iso_8601.instant(value) if isinstance(value, str) else None
    if instant is not None and instant.tzinfo is not None:
        with contextlib.suppress(OverflowError):
            return instant.astimezone(UTC)
    raise GraphQLError("A DateTime is an ISO 8601 instant with its offset, such as 2026-01-31T12:00:00Z.")


def _read_day(value: Any) -> date:
    day = iso_8601.day(value) if isinstance(value, str) else None
    if day is None:
        raise GraphQLError("A Date is an ISO 8601 day, such as 2026-01-31.")
    return day


def _read_local_time(value: Any) -> time:
    try:
        return datetime.strptime(value, "%H:%M").time()  # noqa: DTZ007 - of no day and no zone
    except (TypeError, ValueError):
        raise GraphQLError("A LocalTime is an hour and a minute of the day, such as 19:00.") from None


def _written(read: Callable[[Any], Any]) -> Callable[..., Any]:
    """Read a value that is written in the document itself, where a refusal says at which place and what stands there."""

    def parse(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
        try:
            return read(value_from_ast_untyped(node, variables))
        except GraphQLError as error:
            raise GraphQLError(f"{error.message.removesuffix('.')}, not {print_ast(node)}.", node) from None

    return parse


def _write_instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


SCALARS: dict[object, ScalarDefinition] = {
    Long: strawberry.scalar(
        name="Long",
        description="A whole number of up to 64 bits, as a JSON number.",
        serialize=int,
        parse_value=_read_long,
        parse_literal=_written(_read_long),
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant, as ISO 8601 (RFC 3339) in UTC: 2026-01-31T12:00:00Z. Any offset is taken as input.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=_write_instant,
        parse_value=_read_instant,
        parse_literal=_written(_read_instant),
    ),
    time: strawberry.scalar(
        name="LocalTime",
        description="An hour and a minute of somebody's own day, 00:00 to 23:59: 19:00.",
        serialize=lambda value: value.strftime("%H:%M"),
        parse_value=_read_local_time,
        parse_literal=_written(_read_local_time),
    ),
    date: strawberry.scalar(
        name="Date",
        description="A calendar day, as ISO 8601: 2026-01-31.",
        serialize=date.isoformat,
        parse_value=_read_day,
        parse_literal=_written(_read_day),
    ),
}
"""What the schema's configuration maps Python types to."""

"""Placeholders of long statements: a tuple names the arguments, and each stands in the SQL cast to its type.

A statement with twenty arguments is read by their names, and PostgreSQL is never left to guess what a NULL is.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from types import NoneType
from typing import Any, NewType, get_args, get_origin, get_type_hints
from uuid import UUID

Json = NewType("Json", str)
"""A JSON document, written out."""

_SQL_TYPES = {
    bool: "bool", int: "int", str: "text", Json: "jsonb", UUID: "uuid",
    date: "date", datetime: "timestamptz", time: "time", timedelta: "interval",
}  # fmt: skip


def placeholders(*arguments: type[tuple[Any, ...]], first: int = 1) -> Mapping[str, str]:
    """How each field of these named tuples, given in their order, stands in a statement: `$3::timestamptz`, by its name.

    `first` is the place of the first of them, where a statement is given others before.
    """
    types = [field for each in arguments for field in get_type_hints(each).items()]
    return {name: f"${place}::{_sql_type(hint)}" for place, (name, hint) in enumerate(types, first)}


def _sql_type(hint: Any) -> str:
    """The SQL type of what a field holds; a sequence is an array, and anything may be NULL."""
    if get_origin(hint) is Sequence:
        return f"{_sql_type(get_args(hint)[0])}[]"
    held = [each for each in get_args(hint) if each is not NoneType] or [hint]
    return _SQL_TYPES[held[0]]

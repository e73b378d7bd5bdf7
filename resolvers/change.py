"""Changes: what an update says of a field, which is nothing (it stays), null (it is emptied) or a value."""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic.alias_generators import to_camel
from strawberry import UNSET

from models.errors import ErrorCode, Problem, Refused

T = TypeVar("T")


def refuse_nulls(change: Any, *names: str) -> None:
    """Refuse null in these fields, which cannot be empty: taken for nothing said, it would be a change that is lost."""
    nulls = [to_camel(name) for name in names if getattr(change, name) is None]
    if nulls:
        message = "This cannot be empty: leave it out, or give a value."
        raise Refused([Problem((field,), message, ErrorCode.INVALID) for field in nulls])


def or_kept(given: T | None, kept: T) -> T:
    """What is given, or what was there, for what cannot be empty."""
    return kept if given is None or given is UNSET else given


def given_or(given: T, kept: T) -> T:
    """What is given, null included, or what was there, for what can be empty."""
    return kept if given is UNSET else given


def read_or_kept(given: Any, kept: T, read: Callable[[Any], T]) -> T:
    """What is given, null included, once it is read, or what was there."""
    return kept if given is UNSET else read(given)

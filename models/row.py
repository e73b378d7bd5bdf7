"""What every row that arrives from outside has in common: what it is held against, and problems said plainly.

The rows themselves stand beside their nouns: `customer.CustomerRow`, `order.OrderRow` and so on. What their fields may hold
is in field_type.py. Fields are named as on the wire (camelCase); docs/import.md describes them all.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from models.clock import readable
from models.errors import ErrorCode, Problem, Refused

MOST_PROBLEMS = 20
"""Problems told of one row."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What rows are held against: the shop's currency, and the latest instant that is not in the future."""

    currency: str
    latest: datetime

    def moment(self, at: datetime, *field: str) -> list[Problem]:
        """A problem when `at` lies ahead of the clock by more than the tolerance."""
        if at <= self.latest:
            return []
        message = f"{readable(at)} is in the future: the latest time accepted now is {readable(self.latest)}"
        return [Problem(field, message, ErrorCode.IN_FUTURE)]

    def money(self, currency: str) -> list[Problem]:
        """A problem when `currency` is not the shop's."""
        if currency == self.currency:
            return []
        message = f"{currency} is not the shop's currency, which is {self.currency}"
        return [Problem(("currency",), message, ErrorCode.WRONG_CURRENCY)]


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row: stored (now or before), or refused for these problems."""

    index: int
    problems: Sequence[Problem] = ()


class Said(BaseModel):
    """What was said from outside. Unknown fields are refused, so that a misspelt one is not lost in silence."""

    model_config = ConfigDict(strict=True, extra="forbid", alias_generator=to_camel)


class Row(Said, ABC):
    """A row of the import format."""

    @abstractmethod
    def problems(self, terms: Terms) -> list[Problem]:
        """What is wrong with this row in this shop, at this time."""


SomeRow = TypeVar("SomeRow", bound=BaseModel)


def read(model: type[SomeRow], value: object) -> SomeRow:
    """The row that a mapping of wire names describes. Raises Refused with every problem found."""
    try:
        row: SomeRow = model.__pydantic_validator__.validate_python(value)
    except ValidationError as error:
        raise Refused(_problems_of(error)) from None
    return row


def _problems_of(error: ValidationError) -> list[Problem]:
    details = error.errors(include_url=False, include_input=False)[:MOST_PROBLEMS]
    return [Problem(tuple(str(part)[:100] for part in found["loc"]), *_said(found)) for found in details]


_LEAST_OR_MOST = {"ge": "least", "le": "most"}


def _said(found: ErrorDetails) -> tuple[str, ErrorCode]:
    """The message and code of one finding."""
    if found["type"] in ErrorCode.__members__:
        return found["msg"], ErrorCode(found["type"])
    if found["type"] in _TOO_MUCH:
        unit, code = _TOO_MUCH[found["type"]]
        return f"has at most {found['ctx']['max_length']} {unit}", code
    if found["type"] in ("greater_than_equal", "less_than_equal"):
        ((end, bound),) = found["ctx"].items()
        return f"must be at {_LEAST_OR_MOST[end]} {bound:,}", ErrorCode.INVALID
    said = _PLAINLY.get(found["type"])
    return said or found["msg"][:1].lower() + found["msg"][1:], ErrorCode.INVALID


_TOO_MUCH = {
    "string_too_long": ("characters", ErrorCode.TOO_LONG),
    "too_long": ("entries", ErrorCode.TOO_MANY),
}

_PLAINLY = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this row",
    "model_type": "must be an object",
    "string_pattern_mismatch": "must not contain the NUL character",
    "string_too_short": "must not be empty",
    "string_unicode": "is not valid Unicode",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
}

"""What every row that arrives from outside has in common: its field types, and problems said plainly.

The rows themselves stand beside their nouns: `customer.CustomerRow`, `order.OrderRow` and so on.
Fields are named as on the wire (camelCase); docs/import.md describes them all.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationError,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, PydanticCustomError

from models import iso_8601, zone
from models.clock import END_OF_TIME, readable
from models.errors import ErrorCode, Problem, Refused
from models.language import canonical
from models.region import COUNTRY, REGION

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Nothing happened in a shop before this; an earlier time is a mistake in the sender's clock or format."""

MOST_PROBLEMS = 20
"""Problems told of one row."""

_NO_NUL = r"^[^\x00]*$"
_EMAIL = re.compile(
    r"(?=.{3,254}\Z)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
"""The shape HTML gives an address, with at least one dot in its domain."""


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


def problem(message: str, code: ErrorCode = ErrorCode.INVALID) -> PydanticCustomError:
    """A finding of one of our own validators."""
    return PydanticCustomError(code.value, "{message}", {"message": message})


def _read_instant(value: Any) -> datetime:
    """A day alone is its 00:00 UTC; a time without an offset could be anywhere, and is refused."""
    if isinstance(value, str):
        value = _parse_instant(value)
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise problem("must be a time with its offset, such as 2026-01-31T12:00:00Z, or a day, such as 2026-01-31")
    if not EARLIEST <= value < END_OF_TIME:
        raise problem(f"lies outside the years {EARLIEST.year} to {END_OF_TIME.year - 1}")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def _parse_instant(written: str) -> datetime | None:
    day = iso_8601.day(written)
    return datetime.combine(day, time(), UTC) if day else iso_8601.instant(written)


def _read_day(value: Any) -> date:
    if isinstance(value, str):
        value = iso_8601.day(value)
    if not isinstance(value, date) or isinstance(value, datetime):
        raise problem("must be a day of the calendar, such as 1990-05-01")
    return value


def _language(tag: str) -> str:
    try:
        return canonical(tag)
    except Refused as refused:
        raise problem(refused.problems[0].message, refused.problems[0].code) from None


def _time_zone(name: str) -> str:
    if name not in zone.names():
        raise problem(f"{name!r} is not an IANA time zone such as America/Mexico_City", ErrorCode.UNKNOWN_TIME_ZONE)
    return name


def _email(address: str) -> str:
    if not _EMAIL.fullmatch(address):
        raise problem("is not an e-mail address such as ana@example.com (other alphabets in a domain as xn--…)")
    return address


def _shaped(pattern: str, what: str) -> AfterValidator:
    """A validator of short codes: `what` ends the sentence "… is not …"."""
    expression = re.compile(pattern)

    def check(written: str) -> str:
        if not expression.fullmatch(written):
            raise problem(f"{written[:40]!r} is not {what}")
        return written

    return AfterValidator(check)


ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=_NO_NUL)]
"""The id a row has in the system it comes from."""

Label = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_NO_NUL, strip_whitespace=True)]
PersonalName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_NO_NUL)]
"""What a customer is called. One of spaces alone is no reason to refuse what else is said of them."""

PostalAddress = Annotated[
    str,
    StringConstraints(min_length=1, max_length=300, strip_whitespace=True),
    _shaped(r"[^\x00-\x09\x0b-\x1f\x7f]+(?<!\n)", "a postal address of printable lines"),
]
"""Where a shop can be written to by post, as it stands on an envelope: lines end in LF."""

Title = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=_NO_NUL, strip_whitespace=True)]
Address = Annotated[str, StringConstraints(max_length=254), AfterValidator(_email)]
Link = Annotated[
    str,
    StringConstraints(max_length=2000, pattern=_NO_NUL),
    _shaped(r"https?://[^\s/?#]+[^\s]*", "a link that starts with https:// or http://"),
]
Currency = Annotated[str, _shaped(r"[A-Z]{3}", "an ISO 4217 currency such as USD")]
Country = Annotated[str, _shaped(COUNTRY, "an ISO 3166-1 country such as MX")]
Region = Annotated[str, _shaped(REGION, "an ISO 3166-2 region such as MX-JAL")]
LanguageTag = Annotated[str, AfterValidator(_language)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Amount = Annotated[int, Field(ge=0, le=10**15)]
"""Minor units of the shop's currency; thousands of the largest still add up within 64 bits."""
Moment = Annotated[datetime, PlainValidator(_read_instant)]
Day = Annotated[date, PlainValidator(_read_day)]

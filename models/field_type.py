"""What the fields of rows that arrive from outside may hold: their types, each refused with words of our own."""

import re
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator, StringConstraints
from pydantic_core import PydanticCustomError

from models import iso_8601, zone
from models.clock import END_OF_TIME
from models.errors import ErrorCode, Refused
from models.language import canonical
from models.region import COUNTRY, REGION

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Nothing happened in a shop before this; an earlier time is a mistake in the sender's clock or format."""

_NO_NUL = r"^[^\x00]*$"
_EMAIL = re.compile(
    r"(?=.{3,254}\Z)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
"""The shape HTML gives an address, with at least one dot in its domain."""


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

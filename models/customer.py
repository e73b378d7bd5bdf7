"""Customers: people, each one person across all shops. What a shop may send them stands in `relationship`."""

import hmac
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from models import content_rule, database
from models.errors import ErrorCode, Problem
from models.field_mask import FieldMask
from models.field_type import Address, Country, Day, ExternalId, LanguageTag, PersonalName, Region, TimeZone
from models.identifier import customer_id
from models.relationship import EmailConsent
from models.row import Row, Terms

COLUMNS = {
    "name": "text",
    "email": "text",
    "language": "text",
    "time_zone": "text",
    "country": "text",
    "region": "text",
    "gender": "text",
    "birth_date": "date",
}
"""What a row may say of a customer, and its type in PostgreSQL."""


class CustomerRow(Row):
    """A customer. A field left out stays as it is; null empties it."""

    type: Literal["customer"] = "customer"
    external_id: ExternalId
    name: PersonalName | None = None
    email: Address | None = None
    language: LanguageTag | None = None
    time_zone: TimeZone | None = None
    country: Country | None = None
    region: Region | None = None
    gender: Literal["FEMALE", "MALE", "OTHER"] | None = None
    birth_date: Day | None = None
    email_consent: EmailConsent | None = None

    def problems(self, terms: Terms) -> list[Problem]:
        """A region of another country, a birth in the future, a consent that does not hold."""
        found: list[Problem] = []
        if self.region and self.country and not self.region.startswith(f"{self.country}-"):
            found.append(Problem(("region",), f"{self.region} is not a region of {self.country}"))
        if self.birth_date and self.birth_date > terms.latest.date():
            found.append(Problem(("birthDate",), f"{self.birth_date} is in the future", ErrorCode.IN_FUTURE))
        if self.email_consent:
            found.extend(self.email_consent.problems(terms))
        return found


@dataclass(frozen=True, slots=True)
class Consent:
    """What a customer said to one shop's email (R19): NEVER, SUBSCRIBED or UNSUBSCRIBED, where and when."""

    state: str
    source: str | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as a shop sees them. Who has only orders and events so far has an id and nothing more."""

    id: UUID
    external_id: str | None
    name: str | None
    language: str | None
    time_zone: str | None
    country: str | None
    region: str | None
    email_consent: Consent
    is_suppressed: bool
    chat_blocked_at: datetime | None


async def of_shop(shop_id: int, ids: Sequence[UUID]) -> dict[UUID, Customer]:
    """Those of the customers `ids` who belong to the shop's universe (R26)."""
    rows = await database.fetch(_OF_SHOP, shop_id, list(ids))
    return {row["customer_id"]: _customer(row) for row in rows}


async def external_ids(ids: Collection[UUID]) -> dict[UUID, str]:
    """What the platform calls these customers, of those it has told of."""
    if not ids:
        return {}
    rows = await database.fetch("SELECT id, external_id FROM customer WHERE id = ANY($1::uuid[])", list(ids))
    return {row["id"]: row["external_id"] for row in rows}


def _customer(row: database.Record) -> Customer:
    consent = Consent(row["email_consent"], row["email_consent_source"], row["email_consent_at"])
    return Customer(
        row["customer_id"], row["external_id"], row["name"], row["language"], row["time_zone"], row["country"],
        row["region"], consent, row["is_suppressed"], row["chat_blocked_at"],
    )  # fmt: skip


def email_key(address: str, secret: bytes) -> bytes:
    """What stands for an address where the address itself must not: HMAC-SHA256 of it in lower case."""
    return hmac.digest(secret, address.lower().encode(), "sha256")


def merged(rows: Iterable[CustomerRow]) -> dict[UUID, dict[str, Any]]:
    """What the rows say of each customer together, later rows over earlier ones; in the order of ids.

    The answer holds only the fields that were given, `external_id` among them. A name of spaces alone is none, and so
    is one that is a way out of the shop (R13): messages are written to its customer as to anybody without a known name.
    """
    said: dict[UUID, dict[str, Any]] = {}
    for row in rows:
        given = {name: getattr(row, name) for name in row.model_fields_set - {"type", "email_consent"}}
        if given.get("name"):
            name = given["name"].strip()
            given["name"] = name if name and not content_rule.check(name) else None
        said.setdefault(customer_id(row.external_id), {}).update(given)
    return dict(sorted(said.items()))


async def upsert(rows: Sequence[CustomerRow], *, secret: bytes, at: datetime) -> None:
    """Write customers; the last row of each wins, field by field. Call inside a transaction.

    Two at once may write the same customers: both take rows in the order of ids, new ones first.
    """
    said = merged(rows)
    languages = sorted({fields["language"] for fields in said.values() if fields.get("language")})
    await database.execute(_LANGUAGES, languages)
    columns = _columns(said, secret)
    created = await database.execute(_INSERT, at, *columns)
    if created < len(said):
        await database.execute(_LOCK, columns[0])
        await database.execute(_UPDATE, at, *columns)


def _columns(said: dict[UUID, dict[str, Any]], secret: bytes) -> list[list[Any]]:
    """The arguments of `_INSERT` and `_UPDATE`, a list for each column."""
    people = said.values()
    return [
        list(said),
        [fields["external_id"] for fields in people],
        [_MASK.of(fields) for fields in people],
        [email_key(fields["email"], secret) if fields.get("email") else None for fields in people],
        *([fields.get(name) for fields in people] for name in COLUMNS),
    ]


async def suppress(addresses: Sequence[bytes], *, reason: str, at: datetime) -> int:
    """Never again send to these addresses, of which the keys are given; how many are newly suppressed."""
    return await database.execute(
        "INSERT INTO suppression (email_key, reason, created_at)"
        " SELECT DISTINCT email_key, $2, $3::timestamptz FROM unnest($1::bytea[]) AS address (email_key)"
        " ORDER BY email_key ON CONFLICT DO NOTHING",
        addresses,
        reason,
        at,
    )


async def readmit(customers: Sequence[UUID], said_at: Sequence[datetime]) -> int:
    """Write again to addresses of erased customers whose owners, under another id, subscribed since; how many."""
    return await database.execute(_READMIT, list(customers), list(said_at))


_OF_SHOP = """
SELECT r.customer_id, c.external_id, c.name, c.language, c.time_zone, c.country, c.region,
    r.email_consent, r.email_consent_source, r.email_consent_at, r.chat_blocked_at,
    EXISTS (SELECT FROM suppression s WHERE s.email_key = c.email_key) AS is_suppressed
FROM relationship r LEFT JOIN customer c ON c.id = r.customer_id
WHERE r.shop_id = $1 AND r.customer_id = ANY($2::uuid[]) AND r.first_interaction_at IS NOT NULL"""

_READMIT = """
DELETE FROM suppression s USING unnest($1::uuid[], $2::timestamptz[]) AS said (customer_id, at)
JOIN customer c ON c.id = said.customer_id
WHERE s.email_key = c.email_key AND s.reason = 'ERASED' AND said.at > s.created_at
  AND EXISTS (SELECT FROM erasure)"""

_NAMES = ", ".join(COLUMNS)

_MASK = FieldMask(tuple(COLUMNS))

_GIVEN = f"""
unnest($2::uuid[], $3::text[], $4::integer[], $5::bytea[],
       {", ".join(f"${number}::{kind}[]" for number, kind in enumerate(COLUMNS.values(), start=6))})
    AS given (id, external_id, mask, email_key, {_NAMES})"""

_LANGUAGES = "INSERT INTO language (tag) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING"

_INSERT = f"""
INSERT INTO customer (id, external_id, email_key, {_NAMES}, created_at, updated_at)
SELECT id, external_id, email_key, {_NAMES}, $1, $1 FROM {_GIVEN} ORDER BY id
ON CONFLICT (id) DO NOTHING"""

_LOCK = "SELECT FROM customer WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"

_UPDATE = f"""
UPDATE customer SET ({_NAMES}, email_key, updated_at, email_changed_at) = (
    {", ".join(f"new.{name}" for name in COLUMNS)}, new.email_key, $1,
    CASE WHEN customer.email_key IS DISTINCT FROM new.email_key THEN $1 ELSE customer.email_changed_at END)
FROM (
    SELECT id, {_MASK.kept_or_given("customer")},
           CASE WHEN {_MASK.is_given("email")} THEN given.email_key ELSE customer.email_key END AS email_key
    FROM {_GIVEN} JOIN customer USING (id)
) AS new
WHERE customer.id = new.id
  AND ({", ".join(f"customer.{name}" for name in COLUMNS)}, customer.email_key)
      IS DISTINCT FROM ({", ".join(f"new.{name}" for name in COLUMNS)}, new.email_key)"""

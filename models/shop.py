"""Shops: one server holds many, and none sees another's data."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from babel.numbers import list_currencies
from pydantic import AfterValidator, Field, PlainValidator
from tortoise import fields
from tortoise.models import Model

from models import database, tier, zone
from models.advisory_lock import AdvisoryLock
from models.errors import ErrorCode, Problem
from models.field_mask import FieldMask
from models.field_type import (
    Address,
    Amount,
    Country,
    Currency,
    ExternalId,
    Label,
    LanguageTag,
    Link,
    PostalAddress,
    TimeZone,
    problem,
)
from models.row import Said


class Shop(Model):
    """A seller's shop, its currency (ISO 4217), IANA time zone and default language (BCP 47)."""

    id = fields.IntField(primary_key=True)
    external_id = fields.TextField()
    name = fields.TextField()
    currency = fields.TextField()
    time_zone = fields.TextField()
    default_language = fields.TextField()
    country = fields.TextField(null=True)
    score = fields.DecimalField(max_digits=3, decimal_places=2, null=True)
    gmv = fields.BigIntField(null=True)
    gmv_days = fields.SmallIntField(null=True)
    tier = fields.TextField(null=True)
    store_url = fields.TextField(null=True)
    sender_address = fields.TextField(null=True)
    reply_to = fields.TextField(null=True)
    postal_address = fields.TextField(null=True)
    mail_tracking = fields.BooleanField(null=True)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    class Meta:
        table = "shop"


def _score(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 5:
        raise problem("must be a number from 0 to 5")
    score = Decimal(str(value))
    if score != round(score, 2):
        raise problem("has at most two decimals")  # rounded, it might open what it must not (R1)
    return score


def _existing_currency(code: str) -> str:
    if code not in list_currencies():
        raise problem(f"{code} is not an ISO 4217 currency")
    return code


def _tier(name: str) -> str:
    if tier.named(name) is None:
        names = ", ".join(known.name for known in tier.terms().tiers)
        raise problem(f"{name[:40]!r} is no GMV tier; there are {names}")
    return name


class ShopRow(Said):
    """A shop. An optional field left out stays as it is; null empties it.

    `score` is the SPS (R1), `gmv` minor units summed over `gmvDays` days, `tier` the GMV tier (R17); without
    a tier the server takes it from the GMV. Below `storeUrl` lie the pages that messages lead to (R13).
    `senderAddress` and `replyTo` stand in From and Reply-To of its emails, `postalAddress` below them (R21).
    With `mailTracking` false its emails have no links of ours and no pixel, and nothing is noted of them.
    """

    external_id: ExternalId
    name: Label
    currency: Annotated[Currency, AfterValidator(_existing_currency)]
    time_zone: TimeZone
    default_language: LanguageTag
    country: Country | None = None
    score: Annotated[Decimal, PlainValidator(_score)] | None = None
    gmv: Amount | None = None
    gmv_days: Annotated[int, Field(ge=1, le=366)] | None = None
    tier: Annotated[str, AfterValidator(_tier)] | None = None
    store_url: Link | None = None
    sender_address: Address | None = None
    reply_to: Address | None = None
    postal_address: PostalAddress | None = None
    mail_tracking: bool | None = None


REQUIRED = {"external_id": "text", "name": "text", "currency": "text", "time_zone": "text", "default_language": "text"}
OPTIONAL = {
    "country": "text", "score": "numeric", "gmv": "bigint", "gmv_days": "smallint", "tier": "text", "store_url": "text",
    "sender_address": "text", "reply_to": "text", "postal_address": "text",
    "mail_tracking": "boolean",
}  # fmt: skip
"""Columns that a row fills, and their types in PostgreSQL."""


async def upsert_shops(rows: Mapping[int, ShopRow], *, at: datetime) -> tuple[list[Shop], dict[int, Sequence[Problem]]]:
    """Write shops, given by number; those written, and the problems of those refused, by number.

    A shop's currency never changes, since its amounts are stored in it. Call inside a transaction.
    """
    refused = await _refused(rows)
    said: dict[str, dict[str, Any]] = {}
    for number, row in rows.items():
        if number not in refused:
            given = {name: getattr(row, name) for name in row.model_fields_set}
            said.setdefault(row.external_id, {}).update(given)
    said = dict(sorted(said.items()))
    shops = said.values()
    masks = [_MASK.of(fields) for fields in shops]
    columns = [[fields.get(name) for fields in shops] for name in (*REQUIRED, *OPTIONAL)]
    await database.execute(_UPSERT, at, masks, *columns)
    return await Shop.filter(external_id__in=list(said)).order_by("id"), refused


async def _refused(rows: Mapping[int, ShopRow]) -> dict[int, Sequence[Problem]]:
    """Whose time zone PostgreSQL does not know, or whose currency is not the one known. Locks the shops."""
    asked = sorted({row.external_id for row in rows.values()})
    if await Shop.filter(external_id__in=asked).count() < len(asked):
        # What is not there cannot be locked: two at once would each take the shop for new, and the second for empty.
        await database.hold(AdvisoryLock.SHOP)
    known = await database.fetch(_LOCK, asked)
    currencies = {found["external_id"]: found["currency"] for found in known}
    unknown = await zone.unknown({row.time_zone for row in rows.values()})
    refused: dict[int, Sequence[Problem]] = {}
    for number, row in rows.items():
        currency = currencies.setdefault(row.external_id, row.currency)
        if row.currency != currency:
            message = f"this shop's currency is {currency}, which never changes"
            refused[number] = [Problem(("currency",), message, ErrorCode.CONFLICT)]
        elif row.time_zone in unknown:
            refused[number] = [zone.too_new(row.time_zone)]
    return refused


# No stronger, or it would wait in a circle with plans: whoever moves one twice in a transaction looks at its shop's key.
_LOCK = (
    "SELECT external_id, currency FROM shop WHERE external_id = ANY($1::text[]) ORDER BY external_id FOR NO KEY UPDATE"
)

_MASK = FieldMask(tuple(OPTIONAL))

_ARRAYS = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate([*REQUIRED.values(), *OPTIONAL.values()], 3))
_CHANGING = [*list(REQUIRED)[1:], *OPTIONAL]

_UPSERT = f"""
INSERT INTO shop ({", ".join(REQUIRED)}, {", ".join(OPTIONAL)}, created_at, updated_at)
SELECT {", ".join(f"given.{name}" for name in REQUIRED)}, {_MASK.kept_or_given("shop")}, $1, $1
FROM unnest($2::integer[], {_ARRAYS}) AS given (mask, {", ".join(REQUIRED)}, {", ".join(OPTIONAL)})
LEFT JOIN shop USING (external_id)
ORDER BY given.external_id
ON CONFLICT (external_id) DO UPDATE
SET ({", ".join(_CHANGING)}, updated_at) = ({", ".join(f"excluded.{name}" for name in _CHANGING)}, excluded.updated_at)
WHERE ({", ".join(f"shop.{name}" for name in _CHANGING)})
      IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in _CHANGING)})"""

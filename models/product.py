"""Products of a shop: what messages show, and what events and orders are about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from models import database, price_change
from models.errors import ErrorCode, Problem, refuse
from models.field_mask import FieldMask
from models.field_type import Amount, Currency, ExternalId, Label, Link, Moment, Title
from models.identifier import product_id
from models.page import Ordering, Page
from models.row import Row, Terms
from models.shop import Shop

OPTIONAL = {"category": "text", "price": "bigint", "image_url": "text", "repurchase_days": "integer"}
"""What a row may leave out, and its type in PostgreSQL."""

MOST_WORDS = 10
"""Words that products are searched for: each is looked for in every title that has those before it."""

MOST_SHOWN = 4
"""Products that a message shows: its plan's own (R8), or its occasion's (R9)."""

BY_EXTERNAL_ID = Ordering("product", (("p.external_id", "text"),))

RepurchaseDays = Annotated[int, Field(ge=7, le=180)]
"""After how many days a product is usually bought again (R9)."""


class ProductRow(Row):
    """A product. A field left out stays as it is; null empties it."""

    type: Literal["product"] = "product"
    external_id: ExternalId
    title: Title
    category: Label | None = None
    price: Amount | None = None
    currency: Currency | None = None
    image_url: Link | None = None
    price_changed_at: Moment | None = None
    repurchase_days: RepurchaseDays | None = None

    def problems(self, terms: Terms) -> list[Problem]:
        """A price without its currency, in another than the shop's, or of a time in the future."""
        found = terms.moment(self.price_changed_at, "priceChangedAt") if self.price_changed_at else []
        if self.currency is not None:
            return found + terms.money(self.currency)
        if self.price is not None:
            found.append(Problem(("currency",), "is required with a price"))
        return found


@dataclass(frozen=True, slots=True)
class Product:
    """A product as it is stored; `price` in minor units of the shop's currency."""

    id: UUID
    external_id: str
    title: str
    category: str | None
    price: int | None
    currency: str
    image_url: str | None


_PRODUCTS = """
SELECT p.id, p.external_id, p.title, p.category, p.price, s.currency, p.image_url
FROM product p JOIN shop s ON s.id = p.shop_id WHERE p.shop_id = $1"""

_FOUND = "(p.external_id = $2 OR p.title ILIKE ALL($3::text[]))"


async def of_shop(shop_id: int, ids: Sequence[UUID]) -> dict[UUID, Product]:
    """Those of the products `ids` that are the shop's."""
    rows = await database.fetch(f"{_PRODUCTS} AND p.id = ANY($2::uuid[])", shop_id, list(ids))
    return {row["id"]: Product(*row) for row in rows}


async def listed(shop_id: int, page: Page, *, search: str = "") -> list[Product]:
    """A page of the shop's products; one more than its size when there are more.

    With `search` those that have it as their external id, or all of its words in their title, in any case. A word is
    found inside a longer one too: not every language has spaces. Refused when it has more than `MOST_WORDS`.
    """
    condition, order, arguments = page.clause(4)
    sql = f"{_PRODUCTS} AND {_FOUND} AND {condition} {order}"
    return [Product(*row) for row in await database.fetch_planned(sql, shop_id, *_sought(search), *arguments)]


async def count(shop_id: int, *, search: str = "") -> int:
    """How many products of the shop are listed."""
    sql = f"SELECT count(*) FROM product p WHERE p.shop_id = $1 AND {_FOUND}"
    found: int = await database.fetch_value(sql, shop_id, *_sought(search))
    return found


def _sought(search: str) -> tuple[str, list[str]]:
    """The external id, and a pattern for each word, the longest first: it is the likeliest to rule a title out."""
    words = sorted(set(search.split()), key=lambda word: (-len(word), word))
    if len(words) > MOST_WORDS:
        raise refuse("search", f"At most {MOST_WORDS} words are searched for.", ErrorCode.TOO_MANY)
    return search.strip(), [f"%{word.translate(_LITERALLY)}%" for word in words]


_LITERALLY = str.maketrans({character: f"\\{character}" for character in "\\%_"})


def merged(rows: Sequence[ProductRow]) -> dict[str, dict[str, Any]]:
    """What the rows say of each product together, by external id: later rows over earlier ones, field by field."""
    said: dict[str, dict[str, Any]] = {}
    for row in rows:
        given = {name: getattr(row, name) for name in row.model_fields_set & {"title", *OPTIONAL}}
        said.setdefault(row.external_id, {}).update(given)
    return said


def prices(
    shop: Shop, rows: Sequence[ProductRow], said: Mapping[str, Mapping[str, Any]], at: datetime
) -> dict[tuple[UUID, datetime], int]:
    """The prices that rows name, each from the instant it says, or else from `at` on; none where the last word is null."""
    return {
        (product_id(shop.external_id, row.external_id), row.price_changed_at or at): row.price
        for row in rows
        if row.price is not None and said[row.external_id]["price"] is not None
    }


async def upsert(shop: Shop, rows: Sequence[ProductRow], *, at: datetime) -> None:
    """Write products of the shop; the last row of each wins, field by field. Call under `ingest`'s locks."""
    said = merged(rows)
    await _price_by_earlier_changes(shop, said)
    products = said.values()
    await database.execute(
        _UPSERT,
        shop.id,
        at,
        [product_id(shop.external_id, external_id) for external_id in said],
        list(said),
        [fields["title"] for fields in products],
        [_MASK.of(fields) for fields in products],
        *([fields.get(name) for fields in products] for name in OPTIONAL),
    )
    await price_change.note(shop, prices(shop, rows, said, at), at=at, only_changes=True)


async def _price_by_earlier_changes(shop: Shop, said: Mapping[str, dict[str, Any]]) -> None:
    """Give products that are new, and of which no price is said, the one that their changes told before them."""
    silent = {product_id(shop.external_id, name): fields for name, fields in said.items() if "price" not in fields}
    for product, price in (await price_change.of_products_to_come(silent)).items():
        silent[product]["price"] = price


_MASK = FieldMask(tuple(OPTIONAL))

_NAMES = ", ".join(OPTIONAL)

_UPSERT = f"""
INSERT INTO product (id, shop_id, external_id, title, {_NAMES}, created_at, updated_at)
SELECT id, $1, given.external_id, given.title, {_MASK.kept_or_given("product")}, $2, $2
FROM unnest($3::uuid[], $4::text[], $5::text[], $6::integer[],
            {", ".join(f"${number}::{kind}[]" for number, kind in enumerate(OPTIONAL.values(), start=7))})
    AS given (id, external_id, title, mask, {_NAMES})
LEFT JOIN product USING (id)
ORDER BY id
ON CONFLICT (id) DO UPDATE
SET (title, {_NAMES}, updated_at)
    = (excluded.title, {", ".join(f"excluded.{name}" for name in OPTIONAL)}, excluded.updated_at)
WHERE (product.title, {", ".join(f"product.{name}" for name in OPTIONAL)})
      IS DISTINCT FROM (excluded.title, {", ".join(f"excluded.{name}" for name in OPTIONAL)})"""

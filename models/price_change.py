"""Prices as a history: what a product cost from when on, late and out-of-order changes included (R9)."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from models import database
from models.errors import Problem
from models.field_type import Amount, Currency, ExternalId, Moment
from models.row import Row, Terms
from models.shop import Shop


class PriceChangeRow(Row):
    """A product's price from an instant on. Known again by product and instant; the last row counts."""

    type: Literal["priceChange"] = "priceChange"
    product: ExternalId
    changed_at: Moment
    price: Amount
    currency: Currency

    def problems(self, terms: Terms) -> list[Problem]:
        """A wrong currency, or a time in the future."""
        return terms.money(self.currency) + terms.moment(self.changed_at, "changedAt")


Prices = Mapping[tuple[UUID, datetime], int]
"""Prices in minor units of the shop's currency, by product and the instant they hold from."""


async def note(shop: Shop, prices: Prices, *, at: datetime, only_changes: bool = False) -> None:
    """Enter prices into the history, and let each product have the price of its latest change.

    With `only_changes`, what was the price at that instant already, as stored or as said with it, is not entered. It
    is remembered, and entered as soon as another change turns out to lie before it. Call under `ingest`'s locks.
    """
    if prices:
        products = [product for product, _ in prices]
        said = products, [changed_at for _, changed_at in prices], list(prices.values())
        await database.execute(_NOTE, shop.id, at, *said, only_changes)
        if only_changes:
            await database.execute(_SAY, *said)
        await database.execute(_RESUME, products, at)
        await database.execute(_LATEST, products, at)


async def of_products_to_come(products: Collection[UUID]) -> dict[UUID, int]:
    """What those of the products that are not stored yet cost by their latest change."""
    if not products:
        return {}
    return {row["product_id"]: row["price"] for row in await database.fetch(_TO_COME, list(products))}


_TO_COME = """
SELECT DISTINCT ON (product_id) product_id, price FROM price_change
WHERE product_id = ANY($1::uuid[]) AND NOT EXISTS (SELECT FROM product WHERE id = product_id)
ORDER BY product_id, changed_at DESC"""

_NOTE = """
INSERT INTO price_change AS known (shop_id, product_id, changed_at, price, arrived_at)
SELECT $1, product_id, changed_at, price, $2
FROM (SELECT *, lag(price) OVER of_product AS price_before, lag(changed_at) OVER of_product AS changed_before
      FROM unnest($3::uuid[], $4::timestamptz[], $5::bigint[]) AS named (product_id, changed_at, price)
      WINDOW of_product AS (PARTITION BY product_id ORDER BY changed_at)) AS said
WHERE NOT $6 OR price IS DISTINCT FROM coalesce((
    SELECT earlier.price FROM price_change earlier
    WHERE earlier.product_id = said.product_id AND earlier.changed_at <= said.changed_at
          AND earlier.changed_at > coalesce(said.changed_before, '-infinity')
    ORDER BY earlier.changed_at DESC LIMIT 1), price_before)
ORDER BY product_id, changed_at
ON CONFLICT (product_id, changed_at) DO UPDATE
SET (price, arrived_at, said_until) = (excluded.price, excluded.arrived_at, NULL)
WHERE known.price <> excluded.price"""

_SAY = """
UPDATE price_change known SET said_until = said.until
FROM (SELECT named.product_id, held.changed_at, max(named.changed_at) AS until
      FROM unnest($1::uuid[], $2::timestamptz[], $3::bigint[]) AS named (product_id, changed_at, price)
      CROSS JOIN LATERAL (
          SELECT earlier.changed_at, earlier.price FROM price_change earlier
          WHERE earlier.product_id = named.product_id AND earlier.changed_at <= named.changed_at
          ORDER BY earlier.changed_at DESC LIMIT 1) AS held
      WHERE held.price = named.price AND held.changed_at < named.changed_at
      GROUP BY named.product_id, held.changed_at) AS said
WHERE known.product_id = said.product_id AND known.changed_at = said.changed_at
  AND (known.said_until IS NULL OR known.said_until < said.until)"""

_RESUME = """
INSERT INTO price_change (shop_id, product_id, changed_at, price, arrived_at)
SELECT known.shop_id, known.product_id, known.said_until, known.price, $2
FROM price_change known CROSS JOIN LATERAL (
    SELECT price FROM price_change other
    WHERE other.product_id = known.product_id AND other.changed_at <= known.said_until
    ORDER BY other.changed_at DESC LIMIT 1) AS held
WHERE known.product_id = ANY($1::uuid[]) AND known.said_until IS NOT NULL AND held.price <> known.price
ON CONFLICT DO NOTHING"""

_LATEST = """
UPDATE product SET price = latest.price, updated_at = $2
FROM (SELECT DISTINCT ON (product_id) product_id, price FROM price_change
      WHERE product_id = ANY($1::uuid[]) ORDER BY product_id, changed_at DESC) AS latest
WHERE product.id = latest.product_id AND product.price IS DISTINCT FROM latest.price"""

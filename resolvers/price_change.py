"""The platform's writing of price changes."""

from datetime import datetime

import strawberry

from models.identifier import product_id
from resolvers import global_id, row
from resolvers.context import Info
from resolvers.long import Long
from resolvers.mutation import IDEMPOTENCY_KEY, Payload


@strawberry.input(description="A product's price from an instant on, late and out of order if need be.")
class PriceChangeInput:
    """One row of `priceChangesUpsert`."""

    product: str = strawberry.field(description="External id of the product.")
    changed_at: datetime = strawberry.field(description="From when on it costs this.")
    price: Long = strawberry.field(description="What it costs, in minor units.")
    currency: str = strawberry.field(description="ISO 4217 code, the shop's.")


@strawberry.input(description="Price changes to write.")
class PriceChangesUpsertInput:
    """What `priceChangesUpsert` takes."""

    shop: str = strawberry.field(description="External id of the shop.")
    rows: list[PriceChangeInput] = strawberry.field(description="At most 250 changes.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def upsert(info: Info, input: PriceChangesUpsertInput) -> Payload:
    """Write price changes; each answers its product's id."""
    return await row.write(
        info,
        input,
        "priceChange",
        input.rows,
        lambda shop, each: global_id.encode("Product", product_id(shop.external_id, each.product)),
    )

"""Answers about the shop's products, and the platform's writing of products."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import UNSET

from models import product as products_of_shop
from models.caller import Action
from models.identifier import product_id
from models.page import page_of
from models.product import Product
from resolvers import global_id, row
from resolvers.connection import After, Before, Connection, First, Last, connect, searched
from resolvers.context import Info
from resolvers.long import Long
from resolvers.mutation import IDEMPOTENCY_KEY, Payload


@strawberry.input(description="A product, as the platform writes it. A field left out stays; null empties it.")
class ProductInput:
    """One row of `productsUpsert`."""

    external_id: str = strawberry.field(description="The product's id in the platform's own system.")
    title: str = strawberry.field(description="What it is called.")
    category: str | None = strawberry.field(default=UNSET, description="Its category, such as beauty.")
    price: Long | None = strawberry.field(default=UNSET, description="What it costs, in minor units.")
    currency: str | None = strawberry.field(
        default=UNSET, description="ISO 4217 code, the shop's; required with a price."
    )
    image_url: str | None = strawberry.field(default=UNSET, description="Where its picture is.")
    price_changed_at: datetime | None = strawberry.field(
        default=UNSET, description="From when on it costs this; from now on when left out."
    )
    repurchase_days: int | None = strawberry.field(
        default=UNSET, description="After how many days it is usually bought again, 7–180."
    )


@strawberry.input(description="Products to write.")
class ProductsUpsertInput:
    """What `productsUpsert` takes."""

    shop: str = strawberry.field(description="External id of the shop.")
    rows: list[ProductInput] = strawberry.field(description="At most 250 products.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def products(
    info: Info,
    *,
    search: Annotated[
        str | None,
        strawberry.argument(
            description=(
                "Only products with this external id, or with all of these words, at most 10, in their title, in any "
                "case; up to 200 characters."
            )
        ),
    ] = None,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Connection[Product]:
    """The shop's products, by their external ids."""
    shop = await info.context.shop(Action.READ_SHOP)
    page = page_of(products_of_shop.BY_EXTERNAL_ID, first=first, after=after, last=last, before=before)
    sought = searched(search)
    found = await products_of_shop.listed(shop.id, page, search=sought)
    return connect(
        page, found, lambda each: (each.external_id,), lambda: products_of_shop.count(shop.id, search=sought)
    )


async def find(info: Info, key: str) -> Product | None:
    """The shop's product with this key."""
    shop = await info.context.shop(Action.READ_SHOP)
    wanted = global_id.uuid_of(key)
    return await info.context.loaders.product.load((shop.id, wanted)) if wanted else None


def identify(root: strawberry.Parent[Product]) -> strawberry.ID:
    """A product's global id."""
    return global_id.encode("Product", root.id)


async def upsert(info: Info, input: ProductsUpsertInput) -> Payload:
    """Write products."""
    return await row.write(
        info, input, "product", input.rows, lambda shop, each: _id_of(shop.external_id, each.external_id)
    )


def _id_of(shop: str, external_id: str) -> strawberry.ID:
    return global_id.encode("Product", product_id(shop, external_id))

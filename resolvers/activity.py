"""Answers about parts of what happened."""

from uuid import UUID

import strawberry

from models.caller import Action
from models.metric.part import Part
from models.product import Product
from resolvers.context import Info


async def product_of(info: Info, root: strawberry.Parent[Part[UUID]]) -> Product | None:
    """The product whose slice this is."""
    shop = await info.context.shop(Action.READ_SHOP)
    return await info.context.loaders.product.load((shop.id, root.key))

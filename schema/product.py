"""Products, as their sellers see them."""

from typing import Any

import strawberry

from models import product as models
from resolvers import product as resolvers
from resolvers.long import Long
from schema.money import Money
from schema.node import Node


def _price(root: strawberry.Parent[models.Product]) -> Money | None:
    return None if root.price is None else Money(amount=Long(root.price), currency=root.currency)


@strawberry.type(description="A product of the caller's shop. What the platform has not told of it is null.")
class Product(Node):
    """One product."""

    id: strawberry.ID = strawberry.field(resolver=resolvers.identify, description="Opaque id, unique across all types.")
    external_id: str = strawberry.field(description="The product's id in the platform's own system.")
    title: str = strawberry.field(description="What it is called.")
    category: str | None = strawberry.field(description="Its category, such as beauty.")
    price: Money | None = strawberry.field(resolver=_price, description="What it costs.")
    image_url: str | None = strawberry.field(description="Where its picture is.")

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Whether a row is of this type."""
        return isinstance(value, models.Product)

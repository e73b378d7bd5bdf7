"""The platform's writing of orders."""

from datetime import datetime
from enum import StrEnum

import strawberry
from strawberry import UNSET

from models.identifier import external_uuid
from resolvers import global_id, row
from resolvers.context import Info
from resolvers.long import Long
from resolvers.mutation import IDEMPOTENCY_KEY, Payload


class OrderStatus(StrEnum):
    """Where an order stands; it only ever goes forward."""

    PLACED = "PLACED"
    CANCELLED = "CANCELLED"
    REFUNDED = "REFUNDED"


@strawberry.input(description="An order, whole. Sent again it says what it is now; its time and customer never change.")
class OrderInput:
    """One row of `ordersUpsert`."""

    external_id: str = strawberry.field(description="The order's id in the platform's own system.")
    customer: str = strawberry.field(description="External id of the customer, who may be written later.")
    ordered_at: datetime = strawberry.field(description="When it was placed.")
    amount: Long = strawberry.field(description="What was paid, in minor units.")
    currency: str = strawberry.field(description="ISO 4217 code, the shop's.")
    status: OrderStatus = strawberry.field(default=OrderStatus.PLACED, description="Where it stands.")
    cancelled_at: datetime | None = strawberry.field(
        default=UNSET, description="When it was cancelled or refunded; required then."
    )
    products: list[str] | None = strawberry.field(default=UNSET, description="External ids of what was bought.")


@strawberry.input(description="Orders to write, in any order of time.")
class OrdersUpsertInput:
    """What `ordersUpsert` takes."""

    shop: str = strawberry.field(description="External id of the shop.")
    rows: list[OrderInput] = strawberry.field(description="At most 250 orders.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def upsert(info: Info, input: OrdersUpsertInput) -> Payload:
    """Write orders."""
    return await row.write(
        info, input, "order", input.rows, lambda shop, each: _id_of(shop.external_id, each.external_id)
    )


def _id_of(shop: str, external_id: str) -> strawberry.ID:
    return global_id.encode("Order", external_uuid("order", shop, external_id))

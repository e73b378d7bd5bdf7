"""Orders: placed once, their time and customer fixed for ever, cancelled or refunded for ever."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from models import database
from models.errors import ErrorCode, Problem
from models.field_type import Amount, Currency, ExternalId, Moment
from models.identifier import customer_id, external_uuid, product_id
from models.row import Row, Terms
from models.shop import Shop

Status = Literal["PLACED", "CANCELLED", "REFUNDED"]

STATUSES: tuple[Status, ...] = ("PLACED", "CANCELLED", "REFUNDED")
"""In the order that an order goes through them; it never goes back."""

MOST_PRODUCTS = 200
"""Products of one order."""


class OrderRow(Row):
    """An order, whole: sent again it says what it is now, but for its time and customer."""

    type: Literal["order"] = "order"
    external_id: ExternalId
    customer: ExternalId
    ordered_at: Moment
    amount: Amount
    currency: Currency
    status: Status = "PLACED"
    cancelled_at: Moment | None = None
    products: Annotated[list[ExternalId], Field(max_length=MOST_PRODUCTS)] | None = None

    def problems(self, terms: Terms) -> list[Problem]:
        """A wrong currency, times in the future, or a cancellation that does not fit."""
        found = terms.money(self.currency) + terms.moment(self.ordered_at, "orderedAt")
        if self.cancelled_at is None:
            if self.status != "PLACED":
                found.append(Problem(("cancelledAt",), f"is required with {self.status}"))
            return found
        if self.status == "PLACED":
            found.append(Problem(("cancelledAt",), "does not go with PLACED"))
        if self.cancelled_at < self.ordered_at:
            found.append(Problem(("cancelledAt",), "lies before orderedAt"))
        return found + terms.moment(self.cancelled_at, "cancelledAt")


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it is stored."""

    id: UUID
    external_id: str
    customer_id: UUID
    ordered_at: datetime
    amount: int
    status: Status
    cancelled_at: datetime | None
    product_ids: tuple[UUID, ...]


Fixed = tuple[UUID, datetime]
"""What never changes of an order: its customer and its time."""


def order_of(shop: Shop, row: OrderRow) -> Order:
    """The order that a row describes."""
    return Order(
        id=external_uuid("order", shop.external_id, row.external_id),
        external_id=row.external_id,
        customer_id=customer_id(row.customer),
        ordered_at=row.ordered_at,
        amount=row.amount,
        status=row.status,
        cancelled_at=row.cancelled_at,
        product_ids=tuple(product_id(shop.external_id, product) for product in row.products or ()),
    )


def conflict(order: Order, fixed: Fixed) -> list[Problem]:
    """A problem when the order is known with another customer or another time."""
    found = []
    if order.customer_id != fixed[0]:
        found.append(Problem(("customer",), "this order is another customer's", ErrorCode.CONFLICT))
    if order.ordered_at != fixed[1]:
        message = f"this order is known with the time {fixed[1].isoformat()}, which never changes"
        found.append(Problem(("orderedAt",), message, ErrorCode.CONFLICT))
    return found


def succeed(earlier: Order, later: Order) -> Order:
    """An order after a later row about it: what it says, but what has ended stays ended, since its first end."""
    ended = [order.cancelled_at for order in (earlier, later) if order.cancelled_at]
    status = max(earlier.status, later.status, key=STATUSES.index)
    return replace(later, status=status, cancelled_at=min(ended, default=None))


def settle(
    rows: Iterable[tuple[int, Order]], fixed: Mapping[UUID, Fixed]
) -> tuple[dict[UUID, Order], dict[int, list[Problem]]]:
    """What to write of a batch of numbered orders, by id, and which are refused, by number.

    `fixed` tells of the orders already stored. Among rows of one new order the first fixes it.
    """
    orders: dict[UUID, Order] = {}
    refused: dict[int, list[Problem]] = {}
    for number, order in rows:
        earlier = orders.get(order.id)
        known = (earlier.customer_id, earlier.ordered_at) if earlier else fixed.get(order.id)
        problems = conflict(order, known) if known else []
        if problems:
            refused[number] = problems
        else:
            orders[order.id] = succeed(earlier, order) if earlier else order
    return orders, refused


async def fixed_of(orders: Collection[UUID]) -> dict[UUID, Fixed]:
    """The customer and time of those of the orders that are stored."""
    rows = await database.fetch(
        "SELECT id, customer_id, ordered_at FROM orders WHERE id = ANY($1::uuid[])", list(orders)
    )
    return {row["id"]: (row["customer_id"], row["ordered_at"]) for row in rows}


async def upsert(shop: Shop, orders: Collection[Order], *, at: datetime) -> None:
    """Write orders of the shop by the rule of `succeed`. Call under `ingest`'s locks, after `settle`."""
    if orders:
        columns = zip(*(_values(order) for order in orders), strict=True)
        await database.execute(_UPSERT, shop.id, at, *columns)


def _values(order: Order) -> tuple[object, ...]:
    return (
        order.id,
        order.external_id,
        order.customer_id,
        order.ordered_at,
        order.amount,
        order.status,
        order.cancelled_at,
        "{" + ",".join(str(product) for product in order.product_ids) + "}",
    )


# Arrays of arrays must be rectangular, so each order's products travel as the text of an array.
_UPSERT = """
INSERT INTO orders AS known (
    id, external_id, customer_id, ordered_at, amount, status, cancelled_at, product_ids, shop_id, arrived_at)
SELECT id, external_id, customer_id, ordered_at, amount, status, cancelled_at, products::uuid[], $1, $2
FROM unnest($3::uuid[], $4::text[], $5::uuid[], $6::timestamptz[], $7::bigint[], $8::order_status[],
            $9::timestamptz[], $10::text[])
    AS said (id, external_id, customer_id, ordered_at, amount, status, cancelled_at, products)
ORDER BY customer_id, id
ON CONFLICT (customer_id, id) DO UPDATE
SET (amount, status, cancelled_at, product_ids) = (
    excluded.amount,
    greatest(known.status, excluded.status),
    least(known.cancelled_at, excluded.cancelled_at),
    excluded.product_ids)
WHERE (known.amount, known.status, known.cancelled_at, known.product_ids) IS DISTINCT FROM (
    excluded.amount, greatest(known.status, excluded.status),
    least(known.cancelled_at, excluded.cancelled_at), excluded.product_ids)"""

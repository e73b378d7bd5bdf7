"""Events: what customers did, but for orders. Each is written once and never changes."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from models import relationship
from models.errors import Problem
from models.field_type import ExternalId, Label, Moment
from models.identifier import customer_id, external_uuid, product_id
from models.row import Row, Terms
from models.shop import Shop

LONGEST_SECONDS = 1_000_000
"""Seconds that one event may have lasted."""


class EventKind(StrEnum):
    """What a customer may do (R5)."""

    PRODUCT_VIEWED = "PRODUCT_VIEWED"
    PRODUCT_FAVOURITED = "PRODUCT_FAVOURITED"
    PRODUCT_REVIEWED = "PRODUCT_REVIEWED"
    PRODUCT_CARD_CLICKED = "PRODUCT_CARD_CLICKED"
    CART_ADDED = "CART_ADDED"
    CART_REMOVED = "CART_REMOVED"
    CART_EMPTIED = "CART_EMPTIED"
    CHECKOUT_STARTED = "CHECKOUT_STARTED"
    FOLLOWED = "FOLLOWED"
    UNFOLLOWED = "UNFOLLOWED"
    VIDEO_WATCHED = "VIDEO_WATCHED"
    VIDEO_LIKED = "VIDEO_LIKED"
    VIDEO_PRODUCT_CLICKED = "VIDEO_PRODUCT_CLICKED"
    LIVE_WATCHED = "LIVE_WATCHED"
    LIVE_CLICKED = "LIVE_CLICKED"


class EventRow(Row):
    """Something a customer did. What it is about goes by `product`, `category` and `reference`, as far as known."""

    type: Literal["event"] = "event"
    external_id: ExternalId
    kind: Annotated[EventKind, Field(strict=False)]
    customer: ExternalId
    occurred_at: Moment
    product: ExternalId | None = None
    category: Label | None = None
    seconds: Annotated[int, Field(ge=0, le=LONGEST_SECONDS)] | None = None
    reference: ExternalId | None = None

    def problems(self, terms: Terms) -> list[Problem]:
        """A time in the future."""
        return terms.moment(self.occurred_at, "occurredAt")


class Events:
    """Events of one shop made ready to be written: a list for each column."""

    def __init__(self, shop: Shop) -> None:
        self.months: set[tuple[int, int]] = set()
        self.columns: tuple[list[Any], ...] = tuple([] for _ in range(8))
        self._numbers: list[int] = []
        self._shop = shop

    def __len__(self) -> int:
        """How many events there are."""
        return len(self.columns[0])

    @property
    def people(self) -> set[UUID]:
        """The customers whose events these are."""
        return set(self.columns[0])

    def leave_out(self, people: Collection[UUID]) -> list[int]:
        """Leave out the events of these customers; the numbers of their rows."""
        kept = [place for place, customer in enumerate(self.columns[0]) if customer not in people]
        left = sorted(set(self._numbers) - {self._numbers[place] for place in kept})
        self._numbers = [self._numbers[place] for place in kept]
        self.columns = tuple([column[place] for place in kept] for column in self.columns)
        return left

    def add(self, row: EventRow, number: int = 0) -> UUID:
        """Add the event that a row describes, under the row's number; its customer."""
        self._numbers.append(number)
        scope, at = self._shop.external_id, row.occurred_at
        customer = customer_id(row.customer)
        customers, ids, kinds, instants, products, references, categories, seconds = self.columns
        customers.append(customer)
        ids.append(external_uuid("event", scope, row.external_id))
        kinds.append(row.kind)
        instants.append(at)
        products.append(product_id(scope, row.product) if row.product else None)
        references.append(row.reference)
        categories.append(row.category)
        seconds.append(row.seconds)
        self.months.add((at.year, at.month))
        return customer

    async def insert(self, at: datetime) -> None:
        """Write the events that are new, and roll them up. Call under `ingest`'s locks.

        An event is known again by its external id, customer and time. Its month must have its partition.
        """
        await relationship.roll_up_events(_INSERT, self._shop.id, at, *self.columns)


# A partition at a time and in the order of its key, so that pages are met together; of repeated rows the first counts.
_INSERT = """
INSERT INTO event (customer_id, id, shop_id, kind, occurred_at, arrived_at, product_id, reference, category, seconds)
SELECT customer_id, id, $1, kind, occurred_at, $2, product_id, reference, category, seconds
FROM unnest($3::uuid[], $4::uuid[], $5::event_kind[], $6::timestamptz[], $7::uuid[], $8::text[], $9::text[], $10::int[])
    WITH ORDINALITY
    AS said (customer_id, id, kind, occurred_at, product_id, reference, category, seconds, number)
ORDER BY date_trunc('month', occurred_at, 'UTC'), customer_id, id, occurred_at, number
ON CONFLICT DO NOTHING"""

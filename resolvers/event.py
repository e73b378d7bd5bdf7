"""The platform's writing of events."""

from datetime import datetime

import strawberry
from strawberry import UNSET

from models.event import EventKind
from models.identifier import external_uuid
from resolvers import global_id, row
from resolvers.context import Info
from resolvers.mutation import IDEMPOTENCY_KEY, Payload


@strawberry.input(description="Something a customer did. Sent again it is the same event.")
class EventInput:
    """One row of `eventsUpsert`."""

    external_id: str = strawberry.field(description="The event's id in the platform's own system.")
    kind: EventKind = strawberry.field(description="What was done.")
    customer: str = strawberry.field(description="External id of the customer, who may be written later.")
    occurred_at: datetime = strawberry.field(description="When it was done.")
    product: str | None = strawberry.field(default=UNSET, description="External id of the product it is about.")
    category: str | None = strawberry.field(default=UNSET, description="Category of the LIVE, video or product.")
    seconds: int | None = strawberry.field(default=UNSET, description="How long it was watched.")
    reference: str | None = strawberry.field(
        default=UNSET, description="The LIVE, video, checkout or message it is about, by its own id."
    )


@strawberry.input(description="Events to write, in any order of time.")
class EventsUpsertInput:
    """What `eventsUpsert` takes."""

    shop: str = strawberry.field(description="External id of the shop.")
    rows: list[EventInput] = strawberry.field(description="At most 250 events.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def upsert(info: Info, input: EventsUpsertInput) -> Payload:
    """Write events."""
    return await row.write(
        info, input, "event", input.rows, lambda shop, each: _id_of(shop.external_id, each.external_id)
    )


def _id_of(shop: str, external_id: str) -> strawberry.ID:
    return global_id.encode("Event", external_uuid("event", shop, external_id))

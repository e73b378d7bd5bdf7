"""The platform's writing of LIVE sessions."""

from datetime import datetime

import strawberry
from strawberry import UNSET

from models.live_session import live_session_id
from resolvers import global_id, row
from resolvers.context import Info
from resolvers.mutation import IDEMPOTENCY_KEY, Payload


@strawberry.input(description="A LIVE, as the platform writes it. A field left out stays; null empties it.")
class LiveInput:
    """One row of `livesUpsert`."""

    external_id: str = strawberry.field(description="The LIVE's id in the platform's own system.")
    title: str = strawberry.field(description="What it is called.")
    starts_at: datetime = strawberry.field(description="When it is planned to start; another time moves it.")
    started_at: datetime | None = strawberry.field(default=UNSET, description="When it started.")
    ended_at: datetime | None = strawberry.field(default=UNSET, description="When it ended.")
    cancelled_at: datetime | None = strawberry.field(default=UNSET, description="When it was called off.")


@strawberry.input(description="LIVE sessions to write.")
class LivesUpsertInput:
    """What `livesUpsert` takes."""

    shop: str = strawberry.field(description="External id of the shop.")
    rows: list[LiveInput] = strawberry.field(description="At most 250 LIVE sessions.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def upsert(info: Info, input: LivesUpsertInput) -> Payload:
    """Write LIVE sessions."""
    return await row.write(
        info, input, "live", input.rows, lambda shop, each: _id_of(shop.external_id, each.external_id)
    )


def _id_of(shop: str, external_id: str) -> strawberry.ID:
    return global_id.encode("Live", live_session_id(shop, external_id))

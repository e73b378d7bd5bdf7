"""Customers, as the shops they dealt with see them."""

from datetime import datetime
from typing import Any

import strawberry

from models import customer as models
from resolvers import customer as resolvers
from resolvers.customer import ConsentState
from schema.node import Node


@strawberry.type(description="What a customer said to the shop's email. Only SUBSCRIBED lets it reach them.")
class EmailConsent:
    """A consent state with its source and time."""

    state: ConsentState = strawberry.field(description="What holds.")
    source: str | None = strawberry.field(
        description=(
            "Where it was said: as the platform wrote it, a mail of one of the shop's plans, or `complaint`; null when "
            "that is not known."
        )
    )
    at: datetime | None = strawberry.field(description="When it was said; null when that is not known.")


@strawberry.type(
    description="A customer who dealt with the caller's shop. What the platform has not told of them is null."
)
class Customer(Node):
    """A person; what other shops know of them is not here."""

    id: strawberry.ID = strawberry.field(resolver=resolvers.identify, description="Opaque id, unique across all types.")
    external_id: str | None = strawberry.field(
        description="The customer's id in the platform's own system; null until the platform has told of them."
    )
    name: str | None = strawberry.field(description="The name messages address them by.")
    language: str | None = strawberry.field(description="BCP 47 tag of their app's language.")
    time_zone: str | None = strawberry.field(description="IANA time zone they live in.")
    country: str | None = strawberry.field(description="ISO 3166-1 alpha-2 code.")
    region: str | None = strawberry.field(description="ISO 3166-2 code, such as MX-JAL.")
    email_consent: EmailConsent = strawberry.field(description="What they said to the shop's email.")
    is_suppressed: bool = strawberry.field(
        description="Whether nothing is sent to their address whatever they said: it bounced for good."
    )
    chat_blocked_at: datetime | None = strawberry.field(
        description="Since when they have blocked the shop's chat; null when they have not."
    )

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Whether a row is of this type."""
        return isinstance(value, models.Customer)

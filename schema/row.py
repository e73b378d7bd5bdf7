"""What becomes of rows that the platform writes, and the enums their inputs use."""

import strawberry

from models.event import EventKind
from resolvers.customer import ConsentState, Gender
from resolvers.order import OrderStatus
from schema.enums import describe
from schema.user_error import UserError

describe(
    Gender, "What the platform knows of a customer's gender.", {"FEMALE": "Female.", "MALE": "Male.", "OTHER": "Other."}
)
describe(
    ConsentState,
    "What a customer said to a shop's email.",
    {
        "SUBSCRIBED": "They want it.",
        "UNSUBSCRIBED": "They want it no more.",
        "NEVER": "They never said anything.",
    },
)
describe(
    OrderStatus,
    "Where an order stands. It only ever goes forward.",
    {
        "PLACED": "It counts.",
        "CANCELLED": "It was called off, and counts no more.",
        "REFUNDED": "The money went back, and it counts no more.",
    },
)
describe(
    EventKind,
    "What a customer did.",
    {
        "PRODUCT_VIEWED": "Looked at a product.",
        "PRODUCT_FAVOURITED": "Made a product a favourite.",
        "PRODUCT_REVIEWED": "Reviewed a product.",
        "PRODUCT_CARD_CLICKED": "Clicked a product card.",
        "CART_ADDED": "Put a product into the cart.",
        "CART_REMOVED": "Took a product out of the cart.",
        "CART_EMPTIED": "Emptied the cart.",
        "CHECKOUT_STARTED": "Began to check out; the reference is the checkout's id.",
        "FOLLOWED": "Followed the shop.",
        "UNFOLLOWED": "Stopped following the shop.",
        "VIDEO_WATCHED": "Watched a short video, for some seconds.",
        "VIDEO_LIKED": "Liked a short video.",
        "VIDEO_PRODUCT_CLICKED": "Clicked a product in a short video.",
        "LIVE_WATCHED": "Watched a LIVE, for some seconds.",
        "LIVE_CLICKED": "Clicked in a LIVE.",
    },
)


@strawberry.type(description="What became of one row of a call.")
class RowResult:
    """Stored, or refused."""

    index: int = strawberry.field(description="The row's place in the input, from 0.")
    id: strawberry.ID | None = strawberry.field(description="Its global id; null when it was refused.")
    errors: list[UserError] = strawberry.field(description="What to mend; empty when it is stored.")


@strawberry.type
class RowsPayload:
    """What became of rows, of whatever kind: what every answer has that writes some."""

    results: list[RowResult] | None = strawberry.field(
        description="One per row, in their order; null when the call as a whole was refused."
    )
    user_errors: list[UserError] = strawberry.field(description="What is wrong with the call as a whole.")


@strawberry.type(description="What became of shopsUpsert.")
class ShopsUpsertPayload(RowsPayload):
    """Results, or why nothing was looked at."""


@strawberry.type(description="What became of customersUpsert.")
class CustomersUpsertPayload(RowsPayload):
    """Results, or why nothing was looked at."""


@strawberry.type(description="What became of productsUpsert.")
class ProductsUpsertPayload(RowsPayload):
    """Results, or why nothing was looked at."""


@strawberry.type(description="What became of ordersUpsert.")
class OrdersUpsertPayload(RowsPayload):
    """Results, or why nothing was looked at."""


@strawberry.type(description="What became of eventsUpsert.")
class EventsUpsertPayload(RowsPayload):
    """Results, or why nothing was looked at."""


@strawberry.type(description="What became of livesUpsert.")
class LivesUpsertPayload(RowsPayload):
    """Results, or why nothing was looked at."""


@strawberry.type(description="What became of priceChangesUpsert.")
class PriceChangesUpsertPayload(RowsPayload):
    """Results, or why nothing was looked at."""

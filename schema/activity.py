"""Sums of what happened, of a period, a plan or a part of one, as sellers see them."""

import strawberry

from resolvers import activity as resolvers
from resolvers.long import Long
from schema.product import Product


@strawberry.type(description="What happened. Each thing counts on the day it happened, an order while it stands.")
class Activity:
    """Sums of a day, a period or a part of it."""

    sent: Long = strawberry.field(description="Messages sent and delivered.")
    read: Long = strawberry.field(description="Messages that a person read for the first time, whenever sent.")
    clicked: Long = strawberry.field(description="Messages that a person clicked for the first time.")
    machine_read: Long = strawberry.field(
        name="readByMachines", description="Messages that only machines have opened; not in `read`."
    )
    machine_clicked: Long = strawberry.field(
        name="clickedByMachines", description="Messages whose links only machines have followed; not in `clicked`."
    )
    replied: Long = strawberry.field(description="Messages that were replied to for the first time.")
    unsubscribed: Long = strawberry.field(
        description="Customers who unsubscribed through a message, or blocked the chat after one, for the first time after its plan."
    )
    claimed: Long = strawberry.field(name="couponsClaimed", description="Claims that a message led to.")
    redeemed: Long = strawberry.field(name="couponsRedeemed", description="Such claims that were used for an order.")
    orders: Long = strawberry.field(description="Orders placed and credited to a message.")
    gmv: Long = strawberry.field(description="What these orders amount to, in minor units of the shop's currency.")


@strawberry.type(
    description="What happened with one product: clicks on it in messages, and credited orders that it is in."
    " An order of two products counts for each, with its whole amount."
)
class ProductActivity:
    """One product's slice of a period or a plan."""

    product = strawberry.field(
        resolver=resolvers.product_of, graphql_type=Product | None, description="The product; null when it is gone."
    )
    activity: Activity = strawberry.field(description="Clicks, orders and their GMV.")

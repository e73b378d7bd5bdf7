"""What plans brought, as their sellers see it."""

from typing import TypeAlias

import strawberry

from models import metric as models
from models.delivery import DeliveryState
from resolvers import metric as resolvers
from resolvers.long import Long
from schema.activity import Activity, ProductActivity
from schema.money import Money

Root: TypeAlias = strawberry.Parent[models.PlanFigures]


@strawberry.type(description="Recipients that share what became of their message, and why.")
class DeliveryOutcome:
    """One line of a plan's figures."""

    state: DeliveryState = strawberry.field(description="What became of their messages.")
    reason: str | None = strawberry.field(description="Why, where there is a reason: a code.")
    count: Long = strawberry.field(description="How many recipients.")


@strawberry.type(
    description="How far those who met a plan's message came, within 5 days after they read or clicked it."
    " Each step counts customers who took it or a later one."
)
class PlanFunnel:
    """From message to order, in customers."""

    touched: Long = strawberry.field(description="Customers who read the message.")
    viewed: Long = strawberry.field(description="Of them, those who viewed a product of the shop.")
    carted: Long = strawberry.field(description="Of them, those who put one into their cart.")
    ordered: Long = strawberry.field(description="Of them, those with a standing order that is credited to the plan.")


@strawberry.type(
    description="What a plan's messages did through one channel or in one language. Rates are null before any was sent."
)
class PlanPart:
    """One slice of a plan."""

    key: str = strawberry.field(description="CHAT or EMAIL, or a BCP 47 tag.")
    activity: Activity = strawberry.field(description="What happened there.")
    read_rate: float | None = strawberry.field(description="Read of sent, 0–1.")
    click_rate: float | None = strawberry.field(description="Clicked of sent, 0–1.")
    order_rate: float | None = strawberry.field(description="Standing orders of sent.")


@strawberry.type(description="A plan taken apart.")
class PlanParts:
    """A plan by channel, language and product."""

    channels: list[PlanPart] = strawberry.field(description="By channel, the most sent first.")
    languages: list[PlanPart] = strawberry.field(description="By language, the most sent first.")
    products: list[ProductActivity] = strawberry.field(
        description="The up to 20 products that earned most in its credited orders, or were clicked most in it."
    )


def _buyers(root: Root) -> Long:
    return Long(root.earned.buyers)


def _gmv(root: Root) -> Money:
    return Money(amount=Long(root.earned.gmv), currency=root.currency)


def _orders_taken_back(root: Root) -> Long:
    return Long(root.earned.orders_taken_back)


def _gmv_taken_back(root: Root) -> Money:
    return Money(amount=Long(root.earned.gmv_taken_back), currency=root.currency)


@strawberry.type(
    description="What a plan brought, counted now. Recipients are all of delivered, failed, unknown, held back and"
    " still to go. Rates are null while there is nothing that they could be of."
)
class PlanFigures:
    """A plan in numbers."""

    recipients: Long = strawberry.field(description="Everyone it concerns so far.")
    delivered: Long = strawberry.field(description="Messages in the inbox, or taken by the mail relay and not bounced.")
    unknown: Long = strawberry.field(description="Messages that may have arrived.")
    to_go: Long = strawberry.field(description="Messages that wait or are on their way.")
    failed: list[DeliveryOutcome] = strawberry.field(description="Refused for good, by code.")
    held_back: list[DeliveryOutcome] = strawberry.field(description="Kept from going, by state and reason.")
    waiting: list[DeliveryOutcome] = strawberry.field(
        description="Of those still to go, the ones that wait for a reason.",
    )
    read: Long = strawberry.field(description="Delivered messages that a person read or clicked.")
    clicked: Long = strawberry.field(description="Delivered messages that a person clicked.")
    machine_read: Long = strawberry.field(
        name="readByMachines",
        description="Delivered messages that only scanners, prefetchers and the like have opened; in no rate.",
    )
    machine_clicked: Long = strawberry.field(
        name="clickedByMachines",
        description="Delivered messages whose links only such machines have followed; in no rate.",
    )
    replied: Long = strawberry.field(description="Delivered messages that were replied to.")
    unsubscribed: Long = strawberry.field(
        description="Customers who unsubscribed through one of its mails, or blocked the chat after one of its messages.",
    )
    claimed: Long = strawberry.field(
        name="couponsClaimed", description="Claims of coupons that one of its messages led to."
    )
    redeemed: Long = strawberry.field(
        name="couponsRedeemed", description="Of these claims, those that were used for an order."
    )
    orders: Long = strawberry.field(description="Standing orders credited to it.")
    buyers: Long = strawberry.field(resolver=_buyers, description="Customers who placed them.")
    gmv: Money = strawberry.field(resolver=_gmv, description="What these orders amount to.")
    orders_taken_back: Long = strawberry.field(
        resolver=_orders_taken_back, description="Credited orders that were cancelled or refunded; not in `orders`."
    )
    gmv_taken_back: Money = strawberry.field(
        resolver=_gmv_taken_back, description="What those amounted to; not in `gmv`."
    )
    delivery_rate: float | None = strawberry.field(description="Delivered of recipients, 0–1.")
    read_rate: float | None = strawberry.field(description="Read of delivered, 0–1.")
    click_rate: float | None = strawberry.field(description="Clicked of delivered, 0–1.")
    reply_rate: float | None = strawberry.field(description="Replied to of delivered, 0–1.")
    unsubscribe_rate: float | None = strawberry.field(description="Unsubscribed of delivered.")
    order_rate: float | None = strawberry.field(
        description="Standing orders of delivered; above 1 when many buy twice."
    )
    funnel = strawberry.field(
        resolver=resolvers.funnel,
        graphql_type=PlanFunnel,
        description="How far those who met its message came towards an order.",
    )
    parts = strawberry.field(
        resolver=resolvers.parts,
        graphql_type=PlanParts,
        description="The same by channel, by language and by product.",
    )

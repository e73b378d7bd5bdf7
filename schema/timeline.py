"""Timelines of customers, as sellers see them."""

from datetime import datetime

import strawberry

from models import timeline as models
from models.delivery import MessageChannel
from models.timeline import TimelineKind
from resolvers import timeline as resolvers
from resolvers.context import Info
from schema.coupon import Coupon, money
from schema.enums import describe
from schema.money import Money
from schema.plan import Plan
from schema.preview import ConsideredCoupon
from schema.product import Product

describe(
    TimelineKind,
    "What an entry of a timeline tells.",
    {
        "MESSAGE": "A message they got, or did not get and why: `what` is its state, `reason` why.",
        "READ": "They read a message, the first time.",
        "CLICK": "They clicked a message, the first time.",
        "REPLY": "They replied to a message, the first time.",
        "ORDER": "They ordered; `plan` is the one it is credited to.",
        "ORDER_ENDED": "An order was cancelled or refunded.",
        "CLAIM": "They claimed a coupon.",
        "REDEMPTION": "A claim was used with an order; `amount` is what it took off.",
        "CONSENT": "What they allow changed: `what` is BLOCKED, UNSUBSCRIBED or SUBSCRIBED, `reason` where it came from.",
        "EVENT": "They did something else in the shop: `what` is the event's kind, `reason` its category.",
    },
)


async def _amount(info: Info, root: strawberry.Parent[models.TimelineEntry]) -> Money | None:
    return await money(info, root.shop_id, root.amount)


@strawberry.type(
    description="One thing that happened between the shop and one customer. What its kind does not tell is null."
)
class TimelineEntry:
    """One entry; what does not apply to its kind is null."""

    at: datetime = strawberry.field(description="When it happened.")
    kind: TimelineKind = strawberry.field(description="What it tells.")
    what: str | None = strawberry.field(description="What exactly: a state, status or kind, as the entry's kind says.")
    reason: str | None = strawberry.field(description="Why, or from where, where that is known.")
    channel: MessageChannel | None = strawberry.field(description="The way of a message, or what consent is about.")
    language: str | None = strawberry.field(description="BCP 47 tag of the message's text.")
    message_id = strawberry.field(
        resolver=resolvers.message_id,
        graphql_type=strawberry.ID | None,
        description="Global id of the message that it is about, or came of.",
    )
    plan = strawberry.field(resolver=resolvers.plan, graphql_type=Plan | None, description="The plan of that message.")
    coupon = strawberry.field(
        resolver=resolvers.coupon,
        graphql_type=Coupon | None,
        description="The coupon that was claimed or used, or that was chosen for a message's reader.",
    )
    considered = strawberry.field(
        resolver=resolvers.considered,
        graphql_type=list[ConsideredCoupon],
        description="The coupons that a message's own was chosen from, the best first.",
    )
    product = strawberry.field(
        resolver=resolvers.product, graphql_type=Product | None, description="The product that an event is about."
    )
    order: str | None = strawberry.field(description="External id of the order.")
    amount: Money | None = strawberry.field(
        resolver=_amount, description="What was ordered for, or what a claim took off."
    )
    seconds: int | None = strawberry.field(description="How long was watched.")

"""Answers about what happened between a shop and one customer."""

from typing import Annotated

import strawberry

from models import timeline
from models.caller import Action
from models.coupon import Coupon
from models.coupon.smart import Considered
from models.page import page_of
from models.plan import Plan
from models.product import Product
from models.timeline import TimelineEntry, TimelineKind
from resolvers import global_id
from resolvers.connection import After, Before, Connection, First, Last, connect
from resolvers.context import Info


async def of_customer(
    info: Info,
    *,
    customer_id: Annotated[strawberry.ID, strawberry.argument(description="Global id of a customer of the shop.")],
    kinds: Annotated[
        list[TimelineKind] | None,
        strawberry.argument(description="Only entries of these kinds; all when left out or empty."),
    ] = None,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Connection[TimelineEntry]:
    """What happened between the shop and a customer; nothing when they are unknown to it."""
    shop = await info.context.shop(Action.READ_SHOP)
    page = page_of(timeline.NEWEST_FIRST, first=first, after=after, last=last, before=before)
    wanted, only = global_id.uuid(customer_id, "Customer"), kinds or ()
    known = await info.context.loaders.customer.load((shop.id, wanted)) if wanted else None

    async def count() -> int:
        return await timeline.count(shop.id, known.id, kinds=only) if known else 0

    entries = await timeline.timeline(shop.id, known.id, page, kinds=only) if known else []
    return connect(page, entries, lambda entry: (entry.at, entry.kind.value, entry.key), count)


def message_id(root: strawberry.Parent[TimelineEntry]) -> strawberry.ID | None:
    """The message that an entry is about, or came of."""
    if root.plan_id is None or root.reference is None:
        return None
    return global_id.encode("Message", root.plan_id, root.customer_id, root.reference)


async def plan(info: Info, root: strawberry.Parent[TimelineEntry]) -> Plan | None:
    """The plan of that message."""
    return await info.context.loaders.plan.load(root.plan_id) if root.plan_id else None


async def coupon(info: Info, root: strawberry.Parent[TimelineEntry]) -> Coupon | None:
    """The coupon that was claimed or used."""
    return await info.context.loaders.coupon.load(root.coupon_id) if root.coupon_id else None


def considered(root: strawberry.Parent[TimelineEntry]) -> list[Considered]:
    """The coupons that a message's own was chosen from."""
    return root.considered


async def product(info: Info, root: strawberry.Parent[TimelineEntry]) -> Product | None:
    """The product that an event is about."""
    return await info.context.loaders.product.load((root.shop_id, root.product_id)) if root.product_id else None

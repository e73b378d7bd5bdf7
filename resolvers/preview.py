"""Answers about how a plan's messages look."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from models import estimate as estimates
from models import preview as previews
from models.caller import Action
from models.coupon.smart import Considered
from models.delivery import MessageChannel
from models.errors import Problem, Refused
from models.preview import Advice, Preview
from resolvers import global_id
from resolvers.context import Info
from resolvers.plan import PlanId, own_or_refuse


@dataclass(frozen=True, slots=True)
class PreviewPayload:
    """A preview with its advice, or what to mend before there can be one."""

    preview: Preview | None
    advice: list[Advice]
    user_errors: list[Problem]


async def preview(
    info: Info,
    *,
    plan_id: PlanId,
    channel: Annotated[
        MessageChannel | None, strawberry.argument(description="The plan's first when left out.")
    ] = None,
    language: Annotated[
        str | None, strawberry.argument(description="BCP 47 tag; the customer's, or the shop's, when left out.")
    ] = None,
    customer_id: Annotated[
        strawberry.ID | None,
        strawberry.argument(description="Global id of one of the shop's customers; a sample one when left out."),
    ] = None,
    variant: Annotated[
        str | None,
        strawberry.argument(description="Of an experiment, which variant: A to D; the customer's when left out."),
    ] = None,
) -> PreviewPayload:
    """A plan's message exactly as one customer would get it."""
    shop = await info.context.shop(Action.READ_SHOP)
    try:
        plan = await own_or_refuse(info, shop, plan_id, "planId")
        reader = global_id.uuid(customer_id, "Customer") if customer_id is not None else None
        if customer_id is not None and reader is None:
            raise global_id.missing("customerId", "customer")
        shown = await previews.preview(shop, plan, channel=channel, tag=language, customer_id=reader, variant=variant)
        estimated = await estimates.estimate(shop, plan)
        return PreviewPayload(shown, await previews.advice(shop, plan, estimated, shown), [])
    except Refused as refused:
        return PreviewPayload(None, [], refused.problems)


def considered_coupon(root: strawberry.Parent[Considered]) -> strawberry.ID:
    """The global id of a coupon that was considered."""
    return global_id.encode("Coupon", root.coupon_id)

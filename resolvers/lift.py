"""Answers about what outreach brought beyond what would have been bought anyway."""

from datetime import date
from typing import Annotated, TypeAlias

import strawberry

from models.caller import Action
from models.experiment import lift as lifts
from models.experiment.lift import Lift, ShopLift
from models.plan import Plan
from resolvers.context import Info

Days: TypeAlias = Annotated[
    int, strawberry.argument(description="How many days of orders count, from the decision to write or hold out, 1–90.")
]


async def of_plan(info: Info, root: strawberry.Parent[Plan], days: Days = lifts.DAYS) -> Lift | None:
    """A plan's lift."""
    lifts.check_days(days)
    return await info.context.loaders.lift.load((root.id, days))


async def overview(
    info: Info,
    from_: Annotated[
        date, strawberry.argument(name="from", description="The first day, in the shop's time zone, from 2000 on.")
    ],
    to: Annotated[date, strawberry.argument(description="The last day, at most 366 days from the first on.")],
    days: Days = lifts.DAYS,
) -> ShopLift:
    """The lift of the plans that began within a period, and of the control groups of that time."""
    shop = await info.context.shop(Action.READ_SHOP)
    lifts.check_days(days)
    return await lifts.of_shop(shop, from_, to, days=days)

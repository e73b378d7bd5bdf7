"""Answers about a shop's outreach over a period."""

from datetime import date
from typing import Annotated

import strawberry

from models.caller import Action
from models.metric.overview import Overview
from models.metric.part import Part
from models.plan import Plan
from resolvers.context import Info


async def overview(
    info: Info,
    from_: Annotated[
        date, strawberry.argument(name="from", description="The first day, in the shop's time zone, from 2000 on.")
    ],
    to: Annotated[date, strawberry.argument(description="The last day, at most 366 days from the first on.")],
) -> Overview:
    """The outreach of the caller's shop. Who asks for the same period at the same time shares a reading."""
    shop = await info.context.shop(Action.READ_SHOP)
    return await info.context.readings.overview.load((shop, from_, to))


async def plan_of(info: Info, root: strawberry.Parent[Part[int]]) -> Plan | None:
    """The plan whose slice this is."""
    return await info.context.loaders.plan.load(root.key)

"""Answers about what plans brought."""

import strawberry

from models.metric import PlanFigures
from models.metric.funnel import Funnel
from models.metric.part import PlanParts
from models.plan import Plan
from resolvers.context import Info


async def of_plan(info: Info, root: strawberry.Parent[Plan]) -> PlanFigures | None:
    """What a plan brought."""
    return await info.context.loaders.figures.load(root.id)


async def funnel(info: Info, root: strawberry.Parent[PlanFigures]) -> Funnel:
    """How far those who met a plan's message came."""
    return await info.context.loaders.funnel.load(root.plan_id)


async def parts(info: Info, root: strawberry.Parent[PlanFigures]) -> PlanParts:
    """The plan by channel, language and product."""
    return await info.context.loaders.plan_parts.load(root.plan_id)

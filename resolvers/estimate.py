"""Answers about whom a plan would reach if it started now."""

from dataclasses import dataclass

from models import estimate as estimates
from models.caller import Action
from models.errors import Problem, Refused
from models.estimate import Estimate
from resolvers.context import Info
from resolvers.plan import PlanId, own_or_refuse


@dataclass(frozen=True, slots=True)
class EstimatePayload:
    """An estimate, or why there is none."""

    estimate: Estimate | None
    user_errors: list[Problem]


async def estimate(info: Info, plan_id: PlanId) -> EstimatePayload:
    """Whom a plan would reach if it started now."""
    shop = await info.context.shop(Action.READ_SHOP)
    try:
        return EstimatePayload(await estimates.estimate(shop, await own_or_refuse(info, shop, plan_id, "planId")), [])
    except Refused as refused:
        return EstimatePayload(None, refused.problems)

"""Answers about what an automated plan would have sent over days that are past."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from models.caller import Action
from models.errors import Problem, Refused
from models.trigger import dry_run as dry_runs
from models.trigger.dry_run import DryRun
from resolvers.context import Info
from resolvers.plan import PlanId, own_or_refuse


@dataclass(frozen=True, slots=True)
class DryRunPayload:
    """A dry run, or why there is none."""

    dry_run: DryRun | None
    user_errors: list[Problem]


async def dry_run(
    info: Info,
    plan_id: PlanId,
    days: Annotated[int, strawberry.argument(description="So many days back, 1–90.")] = 28,
) -> DryRunPayload:
    """What an automated plan would have sent over the last days."""
    shop = await info.context.shop(Action.READ_SHOP)
    try:
        plan = await own_or_refuse(info, shop, plan_id, "planId")
        return DryRunPayload(
            await dry_runs.dry_run(shop, plan, days=days, life=info.context.settings.plan_deadline), []
        )
    except Refused as refused:
        return DryRunPayload(None, refused.problems)

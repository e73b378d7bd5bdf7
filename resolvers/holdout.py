"""Answers about what a shop holds out, and its changing it."""

from typing import Any

import strawberry
from strawberry import UNSET

from models.caller import Action
from models.experiment import holdout as holdouts
from models.experiment.holdout import Holdout
from models.shop import Shop
from resolvers.change import or_kept, refuse_nulls
from resolvers.context import Info
from resolvers.mutation import IDEMPOTENCY_KEY, Kept, Payload, answer


@strawberry.input(description="What a shop holds out from now on. What is left out stays as it is.")
class HoldoutUpdateInput:
    """What `holdoutUpdate` takes."""

    plan_percent: int | None = strawberry.field(
        default=UNSET, description="Percent of a new plan's audience, 0–50, unless the plan says otherwise."
    )
    control_percent: int | None = strawberry.field(
        default=UNSET,
        description="Percent of the shop's customers, 0–50, whom no plan writes to. A change draws them anew.",
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def of_shop(root: strawberry.Parent[Shop]) -> Holdout:
    """What a shop holds out."""
    return await holdouts.of_shop(root.id)


async def _load(shop_id: Any) -> Holdout:
    return await holdouts.of_shop(shop_id)


async def update(info: Info, input: HoldoutUpdateInput) -> Payload:
    """Change what the caller's shop holds out."""
    shop = await info.context.shop(Action.CHANGE_SHOP)
    actor = info.context.actor
    kept: Kept[Holdout] = Kept("holdout", lambda _: shop.id, _load)

    async def change() -> Holdout:
        refuse_nulls(input, "plan_percent", "control_percent")
        return await holdouts.change(
            shop,
            plan_percent=or_kept(input.plan_percent, None),
            control_percent=or_kept(input.control_percent, None),
            actor=actor,
        )

    return await answer(info, input, kept, change)

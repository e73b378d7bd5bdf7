"""Answers about triggers of automated plans."""

from dataclasses import dataclass
from typing import Any

import strawberry

from models.caller import Action
from models.plan import Plan
from models.trigger import TRIGGERS, Parameter, Trigger
from models.trigger.parameter import told
from resolvers.context import Info


@dataclass(frozen=True, slots=True)
class Told:
    """A plan's parameters as they were given; what its trigger does not have is None."""

    steps: list[float]
    watched_days: int | None
    minimum_drop_percent: int | None
    watched_by: list[str] | None
    followers_only: bool | None
    use_product_cycle: bool | None


async def triggers(info: Info) -> list[Trigger]:
    """Every trigger, with the form of its parameters."""
    info.context.known(Action.READ_SHOP)
    return list(TRIGGERS.values())


def default(root: strawberry.Parent[Parameter]) -> list[str]:
    """A parameter's default, as text."""
    values = root.default if isinstance(root.default, tuple) else (root.default,)
    return [str(value).lower() if isinstance(value, bool) else str(value) for value in values]


def parameters(root: strawberry.Parent[Plan]) -> Told | None:
    """A plan's parameters."""
    if root.parameters is None:
        return None
    known: dict[str, Any] = told(root.parameters)
    return Told(
        known["steps"], known.get("watchedDays"), known.get("minimumDropPercent"), known.get("watchedBy"),
        known.get("followersOnly"), known.get("useProductCycle"),
    )  # fmt: skip

"""Answers about triggers of automated plans, and how sellers set the parameters of one."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import strawberry
from pydantic.alias_generators import to_camel
from strawberry import UNSET

from models.caller import Action
from models.plan import Plan
from models.trigger import TRIGGERS, Parameter, Trigger
from models.trigger.parameter import told
from resolvers import scenario
from resolvers.context import Info


class Watch(StrEnum):
    """How somebody watches a product."""

    VIEWED = "VIEWED"
    FAVOURITED = "FAVOURITED"
    CARTED = "CARTED"


@strawberry.input(description="Parameters of a trigger; the query triggers tells which it has. Left out: its default.")
class PlanParametersInput:
    """What a trigger's form asks for."""

    steps: list[int] | None = strawberry.field(
        default=UNSET, description="Minutes after what happened, or before the LIVE: a message each."
    )
    watched_days: int | None = strawberry.field(
        default=UNSET, description="So many days before the change is a product watched."
    )
    minimum_drop_percent: int | None = strawberry.field(default=UNSET, description="The smallest drop, in percent.")
    watched_by: list[Watch] | None = strawberry.field(default=UNSET, description="What counts as watching.")
    followers_only: bool | None = strawberry.field(default=UNSET, description="Whether only followers are reminded.")
    use_product_cycle: bool | None = strawberry.field(
        default=UNSET, description="Whether an order goes by the repurchaseDays of its products."
    )


@dataclass(frozen=True, slots=True)
class PlanParameters:
    """A plan's parameters as they were given; what its trigger does not have is None."""

    steps: list[float]
    watched_days: int | None
    minimum_drop_percent: int | None
    watched_by: list[Watch] | None
    followers_only: bool | None
    use_product_cycle: bool | None


async def triggers(info: Info) -> list[Trigger]:
    """Every trigger, with the form of its parameters."""
    info.context.known(Action.READ_SHOP)
    return list(TRIGGERS.values())


def title(info: Info, root: strawberry.Parent[Trigger]) -> str:
    """What a trigger is called: as its scenario is, in the first of the seller's languages that there is."""
    return scenario.name(info, root.scenario)


def default(root: strawberry.Parent[Parameter]) -> list[str]:
    """A parameter's default, as text."""
    values = root.default if isinstance(root.default, tuple) else (root.default,)
    return [str(value).lower() if isinstance(value, bool) else str(value) for value in values]


def parameters(root: strawberry.Parent[Plan]) -> PlanParameters | None:
    """A plan's parameters."""
    if root.parameters is None:
        return None
    known: dict[str, Any] = told(root.parameters)
    return PlanParameters(
        known["steps"], known.get("watchedDays"), known.get("minimumDropPercent"), _watch(known.get("watchedBy")),
        known.get("followersOnly"), known.get("useProductCycle"),
    )  # fmt: skip


def _watch(kinds: Sequence[str] | None) -> list[Watch] | None:
    return None if kinds is None else [Watch(each) for each in kinds]


def named(parameters: PlanParametersInput | None) -> dict[str, Any]:
    """The parameters that an input names, by their names in `Trigger.parameters`; what is left out or null is not among them."""
    if parameters is None:
        return {}
    given = {to_camel(field.name): getattr(parameters, field.name) for field in fields(parameters)}
    return {
        name: [str(each) if isinstance(each, Watch) else each for each in value] if isinstance(value, list) else value
        for name, value in given.items()
        if value is not UNSET and value is not None
    }

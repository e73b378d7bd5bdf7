"""Answers about scenarios: what plans are for, with ready texts, named in the seller's language (R8, R9, R14)."""

from typing import Annotated

import strawberry

from models import template
from models.caller import Action
from models.content.variable import VARIABLES, Variable
from models.plan.status import PlanKind
from models.scenario import SCENARIOS, Scenario
from models.template import Template
from resolvers.context import Info


async def scenarios(
    info: Info,
    kind: Annotated[PlanKind | None, strawberry.argument(description="Only those of plans of this kind.")] = None,
) -> list[Scenario]:
    """Every scenario, in the order in which sellers are shown them."""
    await info.context.shop(Action.READ_SHOP)
    return [each for each in SCENARIOS.values() if kind in (None, kind_of(each))]


def kind_of(root: strawberry.Parent[Scenario]) -> PlanKind:
    """The kind of plan that a scenario is for."""
    return PlanKind.AUTOMATED if root.automated else PlanKind.ONE_TIME


def name(info: Info, root: strawberry.Parent[Scenario]) -> str:
    """What a scenario is called, in the first of the seller's languages that there is."""
    return template.template(root.code, info.context.language).title


def variables(root: strawberry.Parent[Scenario]) -> list[Variable]:
    """What a scenario's texts may use."""
    return [VARIABLES[each] for each in VARIABLES if each in root.variables]


def templates(root: strawberry.Parent[Scenario]) -> list[Template]:
    """A scenario's texts, one per language."""
    return [template.template(root.code, each.tag) for each in template.languages()]

"""Triggers of automated plans, as a front end needs them to draw its forms."""

import strawberry

from models.scenario import Destination
from models.trigger import ParameterKind, TriggerCode
from models.trigger import Trigger as Model
from resolvers import trigger as resolvers
from resolvers.trigger import Watch
from schema.enums import describe

describe(
    TriggerCode,
    "What an automated plan answers.",
    {
        "WELCOME_FOLLOWER": "Somebody follows the shop.",
        "LIVE_REMINDER": "A LIVE is about to start.",
        "PRICE_DROP": "A product they watched got cheaper.",
        "ABANDONED_CART": "They left products in the cart.",
        "INCOMPLETE_CHECKOUT": "They began to check out and did not order.",
        "THANK_YOU": "They placed an order.",
        "ORDER_CONFIRMATION": "They placed an order; no marketing.",
        "REPURCHASE_REMINDER": "They have not ordered again for a while.",
    },
)
describe(
    ParameterKind,
    "How a form asks for a parameter.",
    {
        "MINUTES": "One or several numbers of minutes.",
        "NUMBER": "A whole number.",
        "BOOLEAN": "Yes or no.",
        "CHOICES": "Some of the options.",
    },
)
describe(
    Watch,
    "How somebody watches a product.",
    {"VIEWED": "They looked at it.", "FAVOURITED": "It is a favourite.", "CARTED": "They put it into the cart."},
)


@strawberry.type(description="One parameter of a trigger.")
class TriggerParameter:
    """What a form asks for."""

    name: str = strawberry.field(description="Its name in the parameters of automatedPlanCreate.")
    kind: ParameterKind = strawberry.field(description="How it is asked for.")
    description: str = strawberry.field(description="What it means, in English.")
    default = strawberry.field(
        resolver=resolvers.default, graphql_type=list[str], description="What holds when it is left out, as text."
    )
    least: int | None = strawberry.field(description="The smallest number allowed; null for other kinds.")
    greatest: int | None = strawberry.field(description="The greatest number allowed; null for other kinds.")
    most: int = strawberry.field(description="At most so many values.")
    options: list[str] = strawberry.field(description="What can be chosen from.")


def _variables(root: strawberry.Parent[Model]) -> list[str]:
    return sorted(root.scenario.variables)


def _button(root: strawberry.Parent[Model]) -> Destination:
    return root.scenario.destination


@strawberry.type(description="What an automated plan can answer, and what it has to be told for that.")
class Trigger:
    """One trigger."""

    code: TriggerCode = strawberry.field(description="Its code.")
    title: str = strawberry.field(
        resolver=resolvers.title, description="What it is called, in the seller's language (Accept-Language)."
    )
    description: str = strawberry.field(description="When it sends, and to whom, in English.")
    parameters: list[TriggerParameter] = strawberry.field(description="What its form asks for.")
    variables: list[str] = strawberry.field(resolver=_variables, description="What its texts may speak of.")
    button: Destination = strawberry.field(
        resolver=_button, description="Where its button leads unless told otherwise."
    )
    has_products: bool = strawberry.field(
        description="Whether its messages show products of the occasion, so that none can be chosen."
    )
    is_marketing: bool = strawberry.field(description="Whether its messages count towards the contact limit.")


@strawberry.type(description="An automated plan's parameters; null what its trigger does not have.")
class PlanParameters:
    """As they were given, or their defaults."""

    steps: list[float] = strawberry.field(description="Minutes after what happened, or before the LIVE.")
    watched_days: int | None = strawberry.field(description="So many days before the change is a product watched.")
    minimum_drop_percent: int | None = strawberry.field(description="The smallest drop, in percent.")
    watched_by: list[Watch] | None = strawberry.field(description="What counts as watching.")
    followers_only: bool | None = strawberry.field(description="Whether only followers are reminded.")
    use_product_cycle: bool | None = strawberry.field(description="Whether products' own repurchaseDays count.")

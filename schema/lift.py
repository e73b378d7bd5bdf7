"""What outreach brought beyond what would have been bought anyway, as its sellers see it."""

from datetime import date, datetime
from typing import TypeAlias

import strawberry

from models.experiment.comparison import Difference
from resolvers.long import Long

DifferenceRoot: TypeAlias = strawberry.Parent[Difference]


@strawberry.type(description="Customers who were written to, or held out, and all their standing orders since.")
class LiftGroup:
    """One side of a comparison."""

    heads: Long = strawberry.field(name="customers", description="How many, whatever became of their messages.")
    buyers: Long = strawberry.field(description="Of them, those with an order.")
    orders: Long = strawberry.field(description="Their orders, credited to a message or not.")
    gmv: Long = strawberry.field(description="What these amount to, in minor units.")


def _low(root: DifferenceRoot) -> float:
    return root.interval.low


def _high(root: DifferenceRoot) -> float:
    return root.interval.high


def _is_sure(root: DifferenceRoot) -> bool:
    return root.interval.excludes_zero


def _extra(root: DifferenceRoot) -> float:
    return root.difference * root.heads


def _extra_low(root: DifferenceRoot) -> float:
    return root.interval.low * root.heads


def _extra_high(root: DifferenceRoot) -> float:
    return root.interval.high * root.heads


@strawberry.type(
    description="What a customer who was written to did more than one held out. Such intervals hold the truth in 95 of"
    " 100 experiments."
)
class LiftDifference:
    """One measure, per head."""

    treated: float = strawberry.field(description="Per customer written to.")
    held_out: float = strawberry.field(description="Per customer held out.")
    difference: float = strawberry.field(description="How much more the first is.")
    low: float = strawberry.field(resolver=_low, description="The difference is at least this, at 95 % confidence,")
    high: float = strawberry.field(resolver=_high, description="and at most this.")
    is_sure: bool = strawberry.field(
        resolver=_is_sure, description="Whether the interval excludes 0: chance alone would hardly do it."
    )
    extra: float = strawberry.field(resolver=_extra, description="The difference over all customers written to.")
    extra_low: float = strawberry.field(resolver=_extra_low, description="That is at least this, and")
    extra_high: float = strawberry.field(resolver=_extra_high, description="at most this.")


@strawberry.type(description="Customers written to, held against customers held out.")
class LiftComparison:
    """Two groups."""

    treated: LiftGroup = strawberry.field(description="Those written to.")
    held_out: LiftGroup = strawberry.field(description="Those held out.")
    buyers: LiftDifference | None = strawberry.field(
        description="Buyers per head; null with too little data, of which `shortage` has the numbers."
    )
    gmv: LiftDifference | None = strawberry.field(
        description="Minor units per head; null with too little data, of which `shortage` has the numbers."
    )
    shortage: str | None = strawberry.field(
        description="What there is too little of, and how much is needed; null when there is enough."
    )


@strawberry.type(description="What a plan brought beyond what would have been bought anyway.")
class PlanLift:
    """A plan against its own holdout."""

    currency: str = strawberry.field(description="ISO 4217 code of the amounts.")
    days: int = strawberry.field(description="So many days of orders count, from the decision on.")
    since: datetime | None = strawberry.field(description="When it was first decided whom to hold out; null before.")
    until: datetime | None = strawberry.field(description="When it was decided last; null before the first time.")
    is_complete: bool = strawberry.field(
        description="Whether these days are over for everybody. Until then the figures still move."
    )
    comparison: LiftComparison = strawberry.field(description="Both groups.")


@strawberry.type(description="A shop's control group, held against its other customers.")
class ControlGroupLift:
    """One period, at most a quarter."""

    begins_at: datetime = strawberry.field(description="When the group was drawn.")
    ends_at: datetime = strawberry.field(description="When the next one takes its place.")
    currency: str = strawberry.field(description="ISO 4217 code of the amounts.")
    is_complete: bool = strawberry.field(description="Whether the period is over.")
    comparison: LiftComparison = strawberry.field(
        description="Both groups, with all orders from the first plan that concerned them to the period's end."
    )


@strawberry.type(description="What a shop's plans brought beyond what would have been bought anyway.")
class ShopLift:
    """The plans with a holdout that began within a period, together."""

    first: date = strawberry.field(description="The first day, in the shop's time zone.")
    last: date = strawberry.field(description="The last day.")
    currency: str = strawberry.field(description="ISO 4217 code of the amounts.")
    days: int = strawberry.field(description="So many days of orders count, from each decision on.")
    plans: int = strawberry.field(description="How many plans are compared.")
    is_complete: bool = strawberry.field(description="Whether these days are over for all of them.")
    comparison: LiftComparison = strawberry.field(
        description="All their groups: each plan within itself, weighted by how many it wrote to."
    )
    control_groups: list[ControlGroupLift] = strawberry.field(
        description="The control groups of the quarters that the period touches, as far as the present share goes back."
    )

"""Experiments: a plan's variants, how each was answered, and which was the best, as sellers see it."""

from datetime import datetime
from typing import TypeAlias

import strawberry

from models.experiment import NAMES, ExperimentMetric
from models.experiment import winner as winners
from resolvers import experiment as resolvers
from resolvers.long import Long
from schema.coupon import Coupon
from schema.enums import describe
from schema.plan_text import PlanText, texts_of

describe(
    ExperimentMetric,
    "What makes a variant the better one: the share of its delivered messages that were answered so.",
    {
        "READ": "Read, or clicked.",
        "CLICK": "Clicked.",
        "ORDER": "Followed by a standing order within 5 days, credited to the message or not.",
    },
)

Root: TypeAlias = strawberry.Parent[resolvers.PlanExperiment]
VariantRoot: TypeAlias = strawberry.Parent[resolvers.PlanVariant]
VerdictRoot: TypeAlias = strawberry.Parent[winners.ExperimentVerdict]


@strawberry.type(description="A variant's messages in the test, and how they were answered so far.")
class VariantResult:
    """Only the customers it was tried on; the rest, who got the winner later, are not in it."""

    delivered: Long = strawberry.field(description="Messages delivered.")
    read: Long = strawberry.field(description="Of them, those read or clicked.")
    clicked: Long = strawberry.field(description="Of them, those clicked.")
    buyers: Long = strawberry.field(description="Of them, those whose customer placed a standing order within 5 days.")
    gmv: Long = strawberry.field(
        description="What these orders amount to, in minor units; credited to the message or not."
    )


def _name(root: VariantRoot) -> str:
    return NAMES[root.number]


def _texts(root: VariantRoot) -> list[PlanText]:
    return texts_of(root.content)


@strawberry.type(description="One variant of a plan: what it says, and its coupon.")
class PlanVariant:
    """A is the plan itself."""

    name: str = strawberry.field(resolver=_name, description="A, B, C or D.")
    texts: list[PlanText] = strawberry.field(resolver=_texts, description="What it says, per language.")
    coupon = strawberry.field(
        resolver=resolvers.coupon,
        graphql_type=Coupon | None,
        description="The coupon that comes with it; null when none does.",
    )
    result = strawberry.field(
        resolver=resolvers.result, graphql_type=VariantResult, description="How it was answered so far."
    )


def _best(root: VerdictRoot) -> str:
    return NAMES[root.best]


@strawberry.type(description="Which variant is the best so far, and how surely.")
class ExperimentVerdict:
    """What the figures say at this moment, whether the winner is declared or not."""

    best: str = strawberry.field(resolver=_best, description="The variant; the first one while there is no difference.")
    p_value: float | None = strawberry.field(
        description="How often chance alone would put it so far before the next best; null while nothing can be compared."
    )
    is_significant: bool = strawberry.field(description="Whether that is less than 5 %.")


def _percent(root: Root) -> int:
    return root.experiment.percent


def _metric(root: Root) -> ExperimentMetric:
    return root.experiment.metric


def _hours(root: Root) -> int:
    return root.experiment.hours


def _decides_at(root: Root) -> datetime | None:
    at: datetime | None = root.plan.decides_at
    return at


def _decided_at(root: Root) -> datetime | None:
    at: datetime | None = root.plan.decided_at
    return at


def _winner(root: Root) -> str | None:
    number: int | None = root.plan.winner
    return None if number is None else NAMES[number]


@strawberry.type(description="Variants of a plan, tried on a part of its audience; the rest gets the winner.")
class PlanExperiment:
    """Who gets which variant is drawn by lot."""

    variants: list[PlanVariant] = strawberry.field(description="2–4 variants, the plan itself first.")
    percent: int = strawberry.field(resolver=_percent, description="Percent of the audience that it is tried on.")
    metric: ExperimentMetric = strawberry.field(resolver=_metric, description="What makes a variant the better one.")
    hours: int = strawberry.field(resolver=_hours, description="So long after the start the winner is declared.")
    decides_at: datetime | None = strawberry.field(
        resolver=_decides_at, description="When that is; null before the start. A pause puts it off."
    )
    decided_at: datetime | None = strawberry.field(
        resolver=_decided_at, description="When the winner was declared; null until then."
    )
    winner: str | None = strawberry.field(
        resolver=_winner, description="The variant that the rest gets; null until it is declared."
    )
    verdict = strawberry.field(
        resolver=resolvers.verdict, graphql_type=ExperimentVerdict, description="What the figures say by now."
    )

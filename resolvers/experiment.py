"""Answers about a plan's experiment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import strawberry

from models import experiment as experiments
from models.coupon import Coupon
from models.experiment import Experiment, winner
from models.experiment.winner import ExperimentVerdict, Result
from models.plan import Plan
from resolvers.context import Info


@dataclass(frozen=True, slots=True)
class PlanVariant:
    """One variant of a plan, as it goes out."""

    plan_id: int
    number: int
    content: Mapping[str, Any]
    coupon_id: int | None


@dataclass(frozen=True, slots=True)
class PlanExperiment:
    """A plan and what is tried with it."""

    plan: Plan
    experiment: Experiment

    @property
    def variants(self) -> list[PlanVariant]:
        """All of its variants, by number."""
        said = experiments.contents(self.plan.content, self.experiment)
        coupons = experiments.coupon_ids(self.plan.coupon_id, self.experiment)
        return [PlanVariant(self.plan.id, number, *each) for number, each in enumerate(zip(said, coupons, strict=True))]


async def of_plan(root: strawberry.Parent[Plan]) -> PlanExperiment | None:
    """What is tried with a plan."""
    tried = experiments.read(root.experiment)
    return PlanExperiment(root, tried) if tried else None


async def coupon(info: Info, root: strawberry.Parent[PlanVariant]) -> Coupon | None:
    """The coupon of a variant."""
    return await info.context.loaders.coupon.load(root.coupon_id) if root.coupon_id else None


async def result(info: Info, root: strawberry.Parent[PlanVariant]) -> Result:
    """How a variant was answered."""
    return (await info.context.loaders.variant_results.load(root.plan_id))[root.number]


async def verdict(info: Info, root: strawberry.Parent[PlanExperiment]) -> ExperimentVerdict:
    """Which variant is the best by now."""
    found = await info.context.loaders.variant_results.load(root.plan.id)
    return winner.verdict(found, root.experiment.metric)

"""Experiments: two to four variants of a plan are tried on a share of its audience, and the best goes to the rest (B7).

Variant A is the plan itself; B, C and D say what differs. Who gets which is decided by the customer's bucket
when the audience is resolved. The rest of the audience waits, without a variant, in slices that are not due
until the winner is declared: so cancelling, pausing and expiring treat it like whatever else waits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from models.content import normalised
from models.errors import ErrorCode, Problem
from models.experiment.bucket import bucket, is_within

NAMES = "ABCD"
"""Names of variants, by their numbers."""

MOST_VARIANTS = len(NAMES)
LEAST_PERCENT, MOST_PERCENT = 1, 100
MOST_HOURS = 48
"""Bounds of an experiment: its variants, the plan itself among them, percent of the audience, and hours."""


class ExperimentMetric(StrEnum):
    """What makes a variant the better one: the share of its delivered messages that were answered so."""

    READ = "READ"
    CLICK = "CLICK"
    ORDER = "ORDER"


@dataclass(frozen=True, slots=True)
class Variant:
    """How a variant differs from the plan: in its `content`, in its coupon (None: it has none), or in both."""

    content: Mapping[str, Any] | None = None
    coupon_id: int | None = None
    has_own_coupon: bool = False

    def stored(self) -> dict[str, Any]:
        """As it is kept with the plan."""
        own: dict[str, Any] = normalised(self.content) if self.content else {}
        return {**own, "couponId": self.coupon_id} if self.has_own_coupon else own


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is tried: variants B, C and D beside the plan itself, on `percent` of the audience, for so many `hours`."""

    variants: tuple[Variant, ...]
    percent: int
    metric: ExperimentMetric
    hours: int

    def stored(self) -> dict[str, Any]:
        """As it is kept with the plan."""
        return {
            "variants": [variant.stored() for variant in self.variants],
            "percent": self.percent,
            "metric": self.metric.value,
            "hours": self.hours,
        }


def read(stored: Mapping[str, Any] | None) -> Experiment | None:
    """The experiment that is kept with a plan; None when it has none."""
    if stored is None:
        return None
    variants = tuple(
        Variant({"texts": kept["texts"]} if "texts" in kept else None, kept.get("couponId"), "couponId" in kept)
        for kept in stored["variants"]
    )
    return Experiment(variants, stored["percent"], ExperimentMetric(stored["metric"]), stored["hours"])


def contents(own: Mapping[str, Any], experiment: Experiment | None) -> list[Mapping[str, Any]]:
    """What each variant of a plan says, by number; `own` is the plan's own content."""
    others = experiment.variants if experiment else ()
    return [own, *(own if variant.content is None else variant.content for variant in others)]


def coupon_ids(own: int | None, experiment: Experiment | None) -> list[int | None]:
    """The coupon of each variant of a plan, by number; `own` is the plan's own."""
    others = experiment.variants if experiment else ()
    return [own, *(variant.coupon_id if variant.has_own_coupon else own for variant in others)]


def names(experiment: Experiment | None) -> Sequence[str]:
    """The names of a plan's variants, by number; one that is not an experiment has only the first."""
    return NAMES[: 1 + len(experiment.variants)] if experiment else NAMES[:1]


def number_of(name: str, experiment: Experiment | None) -> int | None:
    """The number of the variant with this name; None when the plan has none of this name."""
    number = NAMES.find(name) if len(name) == 1 else -1
    return number if 0 <= number < len(names(experiment)) else None


def variant_of(plan_id: int, experiment: Experiment | None, customer_id: UUID) -> int | None:
    """The variant that a customer is in the test of; None when they wait for the winner.

    models/audience/insertion.py says the same in SQL.
    """
    if experiment is None:
        return 0
    place = bucket(f"variant:{plan_id}", customer_id)
    return place % len(names(experiment)) if is_within(experiment.percent, place) else None


def check(experiment: Experiment | None) -> list[Problem]:
    """B7: what no experiment can be."""
    if experiment is None:
        return []
    problems = []
    count, percent, hours = 1 + len(experiment.variants), experiment.percent, experiment.hours
    if not 2 <= count <= MOST_VARIANTS:
        message = f"An experiment has 2–{MOST_VARIANTS} variants, the plan itself counted, not {count}."
        code = ErrorCode.TOO_MANY if count > MOST_VARIANTS else ErrorCode.INVALID
        problems.append(Problem(("experiment", "variants"), message, code, "B7"))
    if not LEAST_PERCENT <= percent <= MOST_PERCENT:
        message = f"It is tried on {LEAST_PERCENT}–{MOST_PERCENT} percent of the audience, not {percent}."
        problems.append(Problem(("experiment", "percent"), message, rule="B7"))
    if not 1 <= hours <= MOST_HOURS:
        message = f"The winner is declared after 1–{MOST_HOURS} hours, not {hours}."
        problems.append(Problem(("experiment", "hours"), message, rule="B7"))
    return problems + [
        Problem(("experiment", "variants", str(place)), "A variant has texts or a coupon of its own.", rule="B7")
        for place, variant in enumerate(experiment.variants)
        if variant.content is None and not variant.has_own_coupon
    ]


def check_languages(own: Mapping[str, Any], experiment: Experiment | None) -> list[Problem]:
    """B7: every variant speaks the languages of the plan, or else languages would be compared, not variants."""
    wanted = set(normalised(own)["texts"])
    problems = []
    for place, variant in enumerate(experiment.variants if experiment else ()):
        said = set(normalised(variant.content)["texts"]) if variant.content else wanted
        if said != wanted:
            message = f"Every variant has texts in the plan's languages ({', '.join(sorted(wanted))}) and in no others."
            problems.append(
                Problem(("experiment", "variants", str(place), "texts"), message, ErrorCode.MISSING_CONTENT, "B7")
            )
    return problems


def check_time(experiment: Experiment | None, deadline_after: timedelta) -> list[Problem]:
    """B7: the winner is declared before what still waits expires."""
    if experiment is None or timedelta(hours=experiment.hours) < deadline_after:
        return []
    most = deadline_after // timedelta(hours=1)
    message = f"What waits expires {most} hours after the start; the winner must be declared before."
    return [Problem(("experiment", "hours"), message, rule="B7")]

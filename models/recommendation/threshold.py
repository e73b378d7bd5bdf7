"""Thresholds of recommendations: data in thresholds.toml, which an operator may edit (R25)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("thresholds.toml")


class RecommendationKind(StrEnum):
    """What is recommended; one rule each."""

    UNSUBSCRIBE_RATE_HIGH = "UNSUBSCRIBE_RATE_HIGH"
    EMAILS_BOUNCING = "EMAILS_BOUNCING"
    LANGUAGE_MISSING = "LANGUAGE_MISSING"
    COUPON_CONVERTS_BETTER = "COUPON_CONVERTS_BETTER"
    SEGMENT_CONVERTS_BETTER = "SEGMENT_CONVERTS_BETTER"
    BEST_HOUR = "BEST_HOUR"
    SEGMENT_TOO_BROAD = "SEGMENT_TOO_BROAD"
    QUOTA_UNUSED = "QUOTA_UNUSED"
    HOLDOUT_OFF = "HOLDOUT_OFF"


NEEDS: Mapping[RecommendationKind, frozenset[str]] = {
    RecommendationKind.UNSUBSCRIBE_RATE_HIGH: frozenset({"percent", "least_sent"}),
    RecommendationKind.EMAILS_BOUNCING: frozenset({"percent", "least_sent"}),
    RecommendationKind.LANGUAGE_MISSING: frozenset({"percent", "least_sent"}),
    RecommendationKind.COUPON_CONVERTS_BETTER: frozenset({"least_sent"}),
    RecommendationKind.SEGMENT_CONVERTS_BETTER: frozenset({"least_sent"}),
    RecommendationKind.BEST_HOUR: frozenset({"percent", "sent_percent", "least_read"}),
    RecommendationKind.SEGMENT_TOO_BROAD: frozenset({"percent", "least_customers"}),
    RecommendationKind.QUOTA_UNUSED: frozenset({"percent"}),
    RecommendationKind.HOLDOUT_OFF: frozenset({"least_plans", "least_sent"}),
}
"""Which limits each rule has, beside its priority."""

GENERAL = ("window_days", "back_after_days", "back_when_worse", "confidence")
"""What holds for all rules."""

MOST_DAYS = 36_500
"""No time of days is longer: before it there is no calendar."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The whole of thresholds.toml; `limits` of each rule by name."""

    window: timedelta
    back_after: timedelta
    back_when_worse: float
    confidence: float
    priorities: Mapping[RecommendationKind, int]
    limits: Mapping[RecommendationKind, Mapping[str, float]]

    def limit(self, kind: RecommendationKind, name: str) -> float:
        """A rule's limit."""
        return self.limits[kind][name]


@cache
def thresholds() -> Thresholds:
    """What thresholds.toml says. Raises ValueError when it does not hold together."""
    return read(FILE.read_text(encoding="utf-8"))


def read(text: str) -> Thresholds:
    """The thresholds in a TOML document of the shape of thresholds.toml; ValueError says what does not hold."""
    data = tomllib.loads(text)
    rules = {kind: _rule(kind, data.pop(kind.value, {})) for kind in RecommendationKind}
    days, back, worse, confidence = (data.pop(name, None) for name in GENERAL)
    if data:
        raise ValueError(f"unknown: {', '.join(sorted(data))}")
    if not all(map(_is_number, (days, back, worse, confidence))):
        raise ValueError(f"{', '.join(GENERAL)}: each is needed, a number of 0 or more")
    if not 1 <= days <= MOST_DAYS or back > MOST_DAYS or worse < 1 or not 0 < confidence < 1:
        raise ValueError(
            f"window_days is 1–{MOST_DAYS}, back_after_days 0–{MOST_DAYS}, back_when_worse 1 or more, confidence"
            " between 0 and 1"
        )
    priorities = {kind: int(rule.pop("priority")) for kind, rule in rules.items()}
    return Thresholds(timedelta(days=days), timedelta(days=back), float(worse), float(confidence), priorities, rules)


def _rule(kind: RecommendationKind, rule: Any) -> dict[str, float]:
    """What a document says of one rule, its priority too."""
    if not isinstance(rule, dict) or set(rule) != NEEDS[kind] | {"priority"}:
        raise ValueError(f"{kind}: needs exactly priority, {', '.join(sorted(NEEDS[kind]))}")
    if not all(map(_is_number, rule.values())):
        raise ValueError(f"{kind}: each value is a number of 0 or more")
    if not isinstance(rule["priority"], int):
        raise ValueError(f"{kind}: a priority is a whole number")  # noqa: TRY004 - whoever reads it catches one kind
    return rule


def _is_number(value: Any) -> bool:
    """Whether a value is a number of 0 or more that can be reckoned with, which neither `nan` nor `true` can."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < inf

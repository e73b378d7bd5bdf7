"""Thresholds of recommendations: data in thresholds.toml, which an operator may edit (R25)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("thresholds.toml")


class Kind(StrEnum):
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


NEEDS: Mapping[Kind, frozenset[str]] = {
    Kind.UNSUBSCRIBE_RATE_HIGH: frozenset({"percent", "least_sent"}),
    Kind.EMAILS_BOUNCING: frozenset({"percent", "least_sent"}),
    Kind.LANGUAGE_MISSING: frozenset({"percent", "least_sent"}),
    Kind.COUPON_CONVERTS_BETTER: frozenset({"least_sent"}),
    Kind.SEGMENT_CONVERTS_BETTER: frozenset({"least_sent"}),
    Kind.BEST_HOUR: frozenset({"percent", "sent_percent", "least_read"}),
    Kind.SEGMENT_TOO_BROAD: frozenset({"percent", "least_customers"}),
    Kind.QUOTA_UNUSED: frozenset({"percent"}),
    Kind.HOLDOUT_OFF: frozenset({"least_plans", "least_sent"}),
}
"""Which limits each rule has, beside its priority."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The whole of thresholds.toml; `limits` of each rule by name."""

    window: timedelta
    back_after: timedelta
    back_when_worse: float
    confidence: float
    priorities: Mapping[Kind, int]
    limits: Mapping[Kind, Mapping[str, float]]

    def limit(self, kind: Kind, name: str) -> float:
        """A rule's limit."""
        return self.limits[kind][name]


@cache
def thresholds() -> Thresholds:
    """What thresholds.toml says. Raises ValueError when it does not hold together."""
    return read(FILE.read_text(encoding="utf-8"))


def read(text: str) -> Thresholds:
    """The thresholds in a TOML document of the shape of thresholds.toml; ValueError says what does not hold."""
    data = tomllib.loads(text)
    rules = {kind: dict(data.pop(kind.value, {})) for kind in Kind}
    for kind, rule in rules.items():
        if set(rule) != NEEDS[kind] | {"priority"}:
            raise ValueError(f"{kind}: needs exactly priority, {', '.join(sorted(NEEDS[kind]))}")
        if any(not isinstance(value, int | float) or value < 0 for value in rule.values()):
            raise ValueError(f"{kind}: each value is a number of 0 or more")
    priorities = {kind: int(rule.pop("priority")) for kind, rule in rules.items()}
    window, back = timedelta(days=data.pop("window_days")), timedelta(days=data.pop("back_after_days"))
    worse, confidence = float(data.pop("back_when_worse")), float(data.pop("confidence"))
    if data:
        raise ValueError(f"unknown: {', '.join(sorted(data))}")
    if window < timedelta(days=1) or worse < 1 or not 0 < confidence < 1:
        raise ValueError("window_days is 1 or more, back_when_worse 1 or more, confidence between 0 and 1")
    return Thresholds(window, back, worse, confidence, priorities, rules)

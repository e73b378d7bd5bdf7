"""What makes a plan automated: its trigger with parameters, its timeframe, its quiet hours, its coupon (R9)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

from models.clock import readable
from models.content.variable import ALWAYS, OF_PRODUCTS
from models.errors import ErrorCode, Problem
from models.trigger import TRIGGERS, Trigger, TriggerCode


@dataclass(frozen=True, slots=True)
class Automation:
    """What a seller decides about an automated plan, beside what every plan has.

    `parameters` as models/trigger/parameter.py keeps them. `ends_at`: the end of the timeframe, None for none.
    `quiet`: from when to when (on the customer's clock) nothing goes out.
    """

    code: TriggerCode
    parameters: Mapping[str, Any]
    ends_at: datetime | None = None
    has_smart_coupon: bool = False
    quiet: tuple[time, time] | None = None

    @property
    def trigger(self) -> Trigger:
        """Its trigger."""
        return TRIGGERS[self.code]

    def variables(self, product_ids: Sequence[UUID]) -> frozenset[str]:
        """What the plan's texts may use."""
        return ALWAYS | self.trigger.scenario.concerns | (OF_PRODUCTS if product_ids else frozenset())

    def columns(self) -> dict[str, Any]:
        """As the plan's row keeps it."""
        return {
            "trigger": self.code.value,
            "parameters": dict(self.parameters),
            "ends_at": self.ends_at,
            "smart_coupon": self.has_smart_coupon,
            "quiet_from": self.quiet[0] if self.quiet else None,
            "quiet_until": self.quiet[1] if self.quiet else None,
        }


NOT_AUTOMATED: Mapping[str, Any] = {
    "trigger": None, "parameters": None, "ends_at": None, "smart_coupon": False, "quiet_from": None,
    "quiet_until": None,
}  # fmt: skip
"""The same columns of a one-time plan."""


def check(
    automation: Automation,
    *,
    channel: str,
    segment_id: int | None,
    product_ids: Sequence[UUID],
    coupon_id: int | None,
    starts_at: datetime | None,
    has_experiment: bool = False,
    has_local_time: bool = False,
) -> list[Problem]:
    """What an automated plan cannot be."""
    found = []
    if channel != "CHAT":
        found.append(Problem(("channel",), f"An automated plan goes by CHAT only, not by {channel}.", rule="R9"))
    if has_experiment:
        found.append(Problem(("experiment",), "Variants are tried by one-time plans only.", rule="B7"))
    if has_local_time:
        message = "An automated message goes when it is due, at no hour of the day; quiet hours keep it from the night."
        found.append(Problem(("localTime",), message, rule="R9"))
    if segment_id is None and automation.parameters.get("followersOnly") is False:
        message = "A reminder that is not for followers only needs a segment."
        found.append(Problem(("segmentId",), message, ErrorCode.MISSING_CONTENT, "R9"))
    if product_ids and automation.trigger.has_products:
        message = f"{automation.code} shows the products of its occasion, so none can be chosen."
        found.append(Problem(("productIds",), message, rule="R9"))
    if coupon_id is not None and automation.has_smart_coupon:
        found.append(Problem(("couponId",), "Choose a coupon or let it be smart, not both.", rule="R16"))
    return found + check_timeframe(automation.ends_at, starts_at) + _check_quiet(automation.quiet)


def check_timeframe(ends_at: datetime | None, starts_at: datetime | None) -> list[Problem]:
    """R9: a timeframe ends after it starts."""
    if ends_at is None or starts_at is None or ends_at > starts_at:
        return []
    message = f"The plan would start at {readable(starts_at)}, so it has to end later than that."
    return [Problem(("endAt",), message, rule="R9")]


def _check_quiet(quiet: tuple[time, time] | None) -> list[Problem]:
    if quiet is None or quiet[0] != quiet[1]:
        return []
    return [Problem(("quietUntil",), "Quiet hours end at another time than they begin.", rule="R9")]

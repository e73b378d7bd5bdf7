"""Answers: what a client gets, whether its operation was run or refused."""

from dataclasses import dataclass, field
from typing import Any

from schema.cost import limits
from schema.cost.throttle import Bucket
from schema.execution.errors import plain


@dataclass(frozen=True, slots=True)
class Answer:
    """A GraphQL response. One that `was_run` has data, even if null; any other has only errors.

    `retry_after` is set on what was refused for its caller's haste: seconds until there is room.
    """

    data: dict[str, Any] | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)
    extensions: dict[str, Any] = field(default_factory=dict)
    was_run: bool = False
    retry_after: float | None = None

    @property
    def codes(self) -> list[str]:
        """The codes of its errors."""
        return [error["extensions"]["code"] for error in self.errors]

    def payload(self) -> dict[str, Any]:
        """The response as a JSON object."""
        payload: dict[str, Any] = {"errors": self.errors} if self.errors else {}
        if self.was_run:
            payload["data"] = self.data
        if self.extensions:
            payload["extensions"] = self.extensions
        return payload


def requested(cost: int) -> dict[str, Any]:
    """What an operation asks for in points, as `extensions.cost` tells it."""
    return {"requestedQueryCost": cost, "maximumQueryCost": limits.MAX_COST}


def throttled(points: int, bucket: Bucket) -> Answer:
    """The refusal of what costs more points than its caller's bucket holds just now."""
    wait = bucket.wait_for(points)
    error = plain("THROTTLED", f"Too much in a short time; there is room again in {wait} seconds.")
    error["extensions"]["retryAfter"] = wait
    cost = requested(points) | {"actualQueryCost": 0, "throttleStatus": bucket.status()}
    return Answer(errors=[error], extensions={"cost": cost}, retry_after=wait)

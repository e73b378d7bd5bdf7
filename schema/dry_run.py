"""What an automated plan would have sent, before it is submitted."""

from typing import TypeAlias

import strawberry

from models.trigger.dry_run import DryRun, DryRunOmission
from resolvers.long import Long
from schema.enums import describe
from schema.segment import Segment
from schema.user_error import UserError

describe(
    DryRunOmission,
    "What a dry run does not take into account.",
    {
        "CONTACT_LIMIT": "Two marketing messages a day at most: what is over would wait for the next day, or expire.",
        "QUIET_HOURS": "Of the plan and of the shop: what falls into them would wait for their end.",
    },
)

Root: TypeAlias = strawberry.Parent[DryRun]


@strawberry.type(description="How many customers of a dry run are in a segment now.")
class DryRunSegment:
    """One line of a dry run."""

    segment: Segment = strawberry.field(description="The segment.")
    customers: Long = strawberry.field(description="How many.")


def _segments(root: Root) -> list[DryRunSegment]:
    return [DryRunSegment(segment=segment, customers=Long(count)) for segment, count in root.segments]  # type: ignore[arg-type]


@strawberry.type(
    description="What an automated plan would have sent, and to whom not; leavesOut says what is not looked at."
)
class PlanDryRun:
    """From what is stored, over the days that are past."""

    days: int = strawberry.field(description="How many days were looked at.")
    messages: Long = strawberry.field(
        description="Messages that came due, those that would not have gone (heldOut, blocked) included.",
    )
    held_out: Long = strawberry.field(
        description="Of the messages, those to customers whom the plan or the shop holds out now.",
    )
    blocked: Long = strawberry.field(
        description="Of the other messages, those to customers who have blocked the shop's chat by now.",
    )
    leaves_out: list[DryRunOmission] = strawberry.field(description="What is not taken into account.")
    customers: Long = strawberry.field(description="Customers whom they were due for.")
    hours: list[int] = strawberry.field(description="Messages by hour of the shop's day: 24 numbers.")
    segments = strawberry.field(
        resolver=_segments,
        graphql_type=list[DryRunSegment],
        description="The customers by the preset segments that they are in now.",
    )
    is_complete: bool = strawberry.field(
        description="Whether all occasions were looked at; else the figures are of a part of the customers."
    )


@strawberry.type(description="What became of automatedPlanDryRun.")
class AutomatedPlanDryRunPayload:
    """The dry run, or why there is none."""

    dry_run: PlanDryRun | None = strawberry.field(description="What it would have sent; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when there is an answer.")

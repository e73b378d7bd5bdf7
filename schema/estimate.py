"""Whom a plan would reach, before it is submitted."""

from typing import TypeAlias

import strawberry

from models import estimate as models
from models.delivery import MessageChannel
from resolvers.long import Long
from schema.user_error import UserError

Root: TypeAlias = strawberry.Parent[models.Estimate]


@strawberry.type(description="Members who would be reached by the same channel in the same language.")
class ReachCount:
    """One line of an estimate."""

    channel: MessageChannel = strawberry.field(description="The way that their messages would take.")
    language: str = strawberry.field(description="BCP 47 tag of the text they would get.")
    count: Long = strawberry.field(description="How many.")


@strawberry.type(description="Members who cannot be reached for the same reason.")
class RefusalCount:
    """One line of an estimate."""

    reason: str = strawberry.field(description="Why: a code, as in a plan's breakdown.")
    count: Long = strawberry.field(description="How many.")


def _reach(root: Root) -> list[ReachCount]:
    return [
        ReachCount(channel=MessageChannel(channel), language=tag, count=Long(count))
        for (channel, tag), count in root.reach().items()
    ]


def _refusals(root: Root) -> list[RefusalCount]:
    return [RefusalCount(reason=reason, count=Long(count)) for reason, count in root.refusals().items()]


@strawberry.type(description="Whom a plan would reach if it started now. Nothing is reserved.")
class PlanEstimate:
    """One snapshot."""

    audience: Long = strawberry.field(description="Members of its segment.")
    reachable: Long = strawberry.field(
        description="Members whom it would write to, today or, over the contact limit, tomorrow."
    )
    held_out: Long = strawberry.field(description="Members whom it could write to and would not, for comparison.")
    capped_today: Long = strawberry.field(description="Reachable members who have had two marketing messages today.")
    without_consent: Long = strawberry.field(description="Members who blocked the chat, or did not subscribe to email.")
    reach = strawberry.field(
        resolver=_reach, graphql_type=list[ReachCount], description="Reachable members by channel and language."
    )
    refusals = strawberry.field(
        resolver=_refusals, graphql_type=list[RefusalCount], description="The other members, by why not."
    )


@strawberry.type(description="What became of planEstimate.")
class PlanEstimatePayload:
    """The estimate, or why there is none."""

    estimate: PlanEstimate | None = strawberry.field(description="The estimate; null when there is no such plan.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when there is an estimate.")

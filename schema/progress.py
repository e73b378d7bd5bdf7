"""How far a plan has come, as its sellers see it."""

from typing import TypeAlias

import strawberry

from models.delivery import DeliveryState, MessageChannel
from models.plan.status import PlanStatus
from models.progress import Progress
from resolvers import global_id
from resolvers.long import Long
from schema.enums import describe

describe(
    DeliveryState,
    "What became of a recipient's message. Each recipient is in exactly one state.",
    {
        "PENDING": "Still to go.",
        "COMMITTING": "On its way just now.",
        "SENT": "Taken by the inbox, or by the mail relay.",
        "FAILED": "Refused for good; the reason is the relay's code.",
        "UNKNOWN": "It may have arrived: the connection or the worker was lost. It is not sent again on its own.",
        "SUPPRESSED": "Not sent: no consent, blocked, or no address.",
        "EXPIRED": "Not sent before the plan's deadline.",
        "CANCELLED": "Not sent: the plan was cancelled.",
        "HELD_OUT": "Not sent on purpose, for comparison.",
        "REASON_GONE": "Not sent: what it was about was over.",
    },
)

describe(MessageChannel, "The way that one message takes.", {"CHAT": "The shop's chat.", "EMAIL": "Mail."})

Root: TypeAlias = strawberry.Parent[Progress]


@strawberry.type(description="Recipients that share what became of them.")
class DeliveryCount:
    """One line of a plan's breakdown."""

    state: DeliveryState = strawberry.field(description="What became of their messages.")
    reason: str | None = strawberry.field(description="Why, where there is a reason: a code.")
    channel: MessageChannel | None = strawberry.field(
        description="The way that they take; null when none may reach them."
    )
    language: str | None = strawberry.field(description="BCP 47 tag of the text they get; null when none was chosen.")
    count: Long = strawberry.field(description="How many recipients.")


def _plan_id(root: Root) -> strawberry.ID:
    return global_id.encode("Plan", root.plan_id)


def _pending(root: Root) -> Long:
    return Long(root.total(DeliveryState.PENDING))


def _in_flight(root: Root) -> Long:
    return Long(root.total(DeliveryState.COMMITTING))


def _sent(root: Root) -> Long:
    return Long(root.total(DeliveryState.SENT))


def _failed(root: Root) -> Long:
    return Long(root.total(DeliveryState.FAILED))


def _unknown(root: Root) -> Long:
    return Long(root.total(DeliveryState.UNKNOWN))


@strawberry.type(description="A plan's figures at one moment. They add up to its recipients.")
class PlanProgress:
    """One snapshot."""

    plan_id: strawberry.ID = strawberry.field(resolver=_plan_id, description="Global id of the plan.")
    version: Long = strawberry.field(description="Rises with every change: of two snapshots the higher is the newer.")
    status: PlanStatus = strawberry.field(description="Where the plan stands.")
    status_reason: str | None = strawberry.field(description="Why it is paused, where there is a reason.")
    is_stopped: bool = strawberry.field(
        description="Whether the operator has stopped all sending: until it goes on nothing leaves, whatever the status."
    )
    is_resolved: bool = strawberry.field(description="Whether the whole audience is in the figures yet.")
    recipients: Long = strawberry.field(description="Everyone it concerns so far.")
    pending: Long = strawberry.field(resolver=_pending, description="Still to go.")
    in_flight: Long = strawberry.field(resolver=_in_flight, description="On their way just now.")
    sent: Long = strawberry.field(resolver=_sent, description="Taken by the inbox, or by the mail relay.")
    failed: Long = strawberry.field(resolver=_failed, description="Refused for good.")
    unknown: Long = strawberry.field(resolver=_unknown, description="May have arrived; not sent again on their own.")
    may_repeat: Long = strawberry.field(
        description="Tried again on request although they may have arrived: some may have come twice.",
    )
    counts: list[DeliveryCount] = strawberry.field(
        name="breakdown",
        description="All recipients by state, reason, channel and language, the largest group first.",
    )

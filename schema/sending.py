"""The global stop, as the platform sees it."""

from datetime import datetime

import strawberry

from models.sending import Sending as Root
from resolvers.long import Long
from schema.user_error import UserError


def _is_stopped(root: strawberry.Parent[Root]) -> bool:
    return root.stop is not None


def _reason(root: strawberry.Parent[Root]) -> str | None:
    return root.stop.reason if root.stop else None


def _stopped_at(root: strawberry.Parent[Root]) -> datetime | None:
    return root.stop.stopped_at if root.stop else None


def _stopped_by(root: strawberry.Parent[Root]) -> str | None:
    return root.stop.stopped_by if root.stop else None


@strawberry.type(description="Whether anything leaves, of any shop, by any channel.")
class Sending:
    """The stop that holds, if any."""

    is_stopped: bool = strawberry.field(resolver=_is_stopped, description="Whether all sending is stopped.")
    reason: str | None = strawberry.field(resolver=_reason, description="Why it is stopped; null while it is not.")
    stopped_at: datetime | None = strawberry.field(
        resolver=_stopped_at, description="Since when it is stopped; null while it is not."
    )
    stopped_by: str | None = strawberry.field(
        resolver=_stopped_by, description="By whom it was stopped: ROLE:shop:user, or COMMAND; null while it is not."
    )
    in_flight: Long = strawberry.field(
        description="Messages that were on the wire already and whose answer is awaited; once stopped, it only falls."
    )


@strawberry.type(description="What became of sendingStop.")
class SendingStopPayload:
    """The stop, or why there is none."""

    sending: Sending | None = strawberry.field(description="How sending stands; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it is stopped.")


@strawberry.type(description="What became of sendingResume.")
class SendingResumePayload:
    """How sending stands after it."""

    sending: Sending | None = strawberry.field(description="How sending stands; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it goes on.")

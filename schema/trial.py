"""Trials of a plan's email, as their sellers see them."""

from datetime import datetime

import strawberry

from models import trial as models
from models.delivery import DeliveryState
from models.experiment import NAMES
from schema.user_error import UserError


def _variant(root: strawberry.Parent[models.Trial]) -> str:
    return NAMES[root.variant]


@strawberry.type(description="A plan's email, sent to one address to be looked at. It counts for nothing.")
class Trial:
    """One trial."""

    address: str = strawberry.field(description="Where it goes.")
    language: str = strawberry.field(description="BCP 47 tag of the text it has.")
    variant: str = strawberry.field(resolver=_variant, description="The variant that it is: A, when there is only one.")
    state: DeliveryState = strawberry.field(
        description="What became of it: PENDING, COMMITTING, SENT, FAILED or UNKNOWN, as of a recipient's message."
    )
    reason: str | None = strawberry.field(description="Why it failed or waits, where there is a reason.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    settled_at: datetime | None = strawberry.field(description="When it was sent or given up; null until then.")


@strawberry.type(description="What became of planTestSend.")
class PlanTestSendPayload:
    """The trials that are on their way, or why there are none."""

    trials: list[Trial] | None = strawberry.field(description="One for each address; null when they were refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when they are on their way.")

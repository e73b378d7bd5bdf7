"""Access, as sellers see it: what their score lets their shop do, and what it was."""

from datetime import datetime
from decimal import Decimal

import strawberry

from models.access import AccessReason, AccessState
from models.access.decision import Change as ChangeRow
from resolvers import access as resolvers
from resolvers.long import Long
from schema.connection import Connection
from schema.enums import describe

describe(
    AccessState,
    "What a shop may do with plans.",
    {
        "ELIGIBLE": "Create, change, submit, duplicate, resume and retry them.",
        "FROZEN": "None of these; what is submitted goes on, and may be cancelled.",
        "REVOKED": "None of these; unfinished one-time plans are paused, automated ones deleted.",
    },
)
describe(
    AccessReason,
    "Why a shop is in its state.",
    {
        "SCORE_AT_LEAST_3_5": "Its score is 3.5 or more.",
        "SCORE_BELOW_3_5": "Its score is 3 or more, but below 3.5.",
        "SCORE_BELOW_3": "Its score is below 3.",
        "NO_SCORE": "The platform has written no score yet.",
    },
)


def _score(root: strawberry.Parent[ChangeRow]) -> float | None:
    score: Decimal | None = root.score
    return None if score is None else float(score)


@strawberry.type(description="A change of a shop's access.")
class AccessChange:
    """One entry of the history."""

    state_from: AccessState | None = strawberry.field(description="The state before; null at the first decision.")
    state_to: AccessState = strawberry.field(description="The state from then on.")
    may_email: bool = strawberry.field(description="Whether it might send email from then on.")
    reason: AccessReason = strawberry.field(description="Why it is in this state.")
    score: float | None = strawberry.field(
        resolver=_score, description="The score that led to it; null when there was none."
    )
    gmv: Long | None = strawberry.field(description="The GMV of that moment, in minor units; null when there was none.")
    changed_at: datetime = strawberry.field(description="When it was decided.")


@strawberry.type(description="What a shop may do.")
class ShopAccess:
    """Decided by its score at this moment."""

    state: AccessState = strawberry.field(description="What it may do with plans.")
    reason: AccessReason = strawberry.field(description="Why it is in this state.")
    may_email: bool = strawberry.field(description="Whether it may send email: a score of 3.5, and a GMV above zero.")
    since: datetime | None = strawberry.field(
        resolver=resolvers.since, description="Since when it has been in this state; null when not yet decided."
    )
    history = strawberry.field(
        resolver=resolvers.history,
        graphql_type=Connection[AccessChange],
        description="Its changes, the newest first.",
    )

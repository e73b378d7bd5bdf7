"""That a customer was erased, as the platform gets to know it."""

from datetime import datetime

import strawberry

from schema.user_error import UserError


@strawberry.type(description="That a customer was erased. Nothing in it tells whom.")
class Erasure:
    """One erasure."""

    asked_at: datetime = strawberry.field(description="When it was asked for; since then nothing is sent to them.")
    done_at: datetime | None = strawberry.field(
        description="When it was done; null for the seconds in which a message to them is still in flight."
    )


@strawberry.type(description="What became of customerErase.")
class CustomerErasePayload:
    """The erasure, or why there is none."""

    erasure: Erasure | None = strawberry.field(
        description="The erasure; of a customer erased before, the first one; null when it was refused."
    )
    user_errors: list[UserError] = strawberry.field(description="What is wrong with the call.")

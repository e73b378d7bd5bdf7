"""Shops' send rates, as the platform sees them."""

import strawberry

from schema.user_error import UserError


@strawberry.type(description="What became of sendRateUpdate.")
class SendRateUpdatePayload:
    """The rate that holds now, or why it did not change."""

    messages_per_minute: int | None = strawberry.field(description="The rate from now on; null: as fast as it can.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was changed.")

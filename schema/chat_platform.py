"""Chat platforms, as shops' administrators see them."""

from datetime import datetime

import strawberry

from resolvers import chat_platform as resolvers
from schema.user_error import UserError


@strawberry.type(description="A shop's own chat platform: its chat is posted there, signed, each message at most once.")
class ChatPlatform:
    """Where chat goes."""

    url: str = strawberry.field(
        resolver=resolvers.url,
        description="What messages are posted to; to others than administrators scheme and host alone.",
    )
    secret: str | None = strawberry.field(
        description="What signatures are checked with (Standard Webhooks, `whsec_…`): shown where it is new, and again "
        "to the same idempotencyKey while it is in use; null everywhere else."
    )
    rotated_at: datetime | None = strawberry.field(
        description="When its secret was last replaced; null while it is the first."
    )
    created_at: datetime = strawberry.field(description="When it was connected.")
    updated_at: datetime = strawberry.field(description="When URL or secret last changed.")


@strawberry.type(description="What became of chatPlatformConnect.")
class ChatPlatformConnectPayload:
    """The platform, or why there is none."""

    chat_platform: ChatPlatform | None = strawberry.field(description="The platform; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was connected.")


@strawberry.type(description="What became of chatPlatformRotateSecret.")
class ChatPlatformRotateSecretPayload:
    """The platform with its new secret, or why there is none."""

    chat_platform: ChatPlatform | None = strawberry.field(description="The platform; null when there is none.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when the secret is new.")

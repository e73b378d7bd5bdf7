"""Webhooks and what was posted to them, as shops' administrators see them."""

from datetime import datetime
from typing import Any

import strawberry

from models import webhook as models
from models.webhook.fact import WebhookFact
from models.webhook.posting import PostingState
from resolvers import webhook as resolvers
from schema.connection import Connection
from schema.enums import describe
from schema.node import Node
from schema.user_error import UserError

describe(
    WebhookFact,
    "What a webhook is told of.",
    {
        "PLAN_STATUS_CHANGED": "A plan's status changed. `plan.status_changed`",
        "MESSAGES_SENT": "Messages were sent, up to a hundred in one request. `messages.sent`",
        "MESSAGES_FAILED": "Messages failed for good, up to a hundred in one request. `messages.failed`",
        "MESSAGE_READ": "A customer read a message, the first time. `message.read`",
        "MESSAGE_CLICKED": "A customer clicked a message, the first time. `message.clicked`",
        "CUSTOMER_UNSUBSCRIBED": "A customer blocked the shop's chat, or unsubscribed from email. `customer.unsubscribed`",
        "COUPON_CLAIMED": "A customer claimed a coupon. `coupon.claimed`",
        "COUPON_REDEEMED": "A claim was used with an order. `coupon.redeemed`",
        "TEST": "It was asked for with webhookTest; no webhook can ask to be told of it. `test`",
    },
)


describe(
    PostingState,
    "Where a request to a webhook stands.",
    {
        "PENDING": "Still to be taken: it is tried again and again.",
        "DELIVERED": "Taken.",
        "FAILED": "Given up, after three days of tries or because its webhook was switched off.",
    },
    name="WebhookPostingState",
)


@strawberry.type(description="One request to a webhook, sent until it is taken or has failed for three days.")
class WebhookPosting:
    """One row of the ledger of what is posted."""

    message_id: str = strawberry.field(description="Its `webhook-id`, the same at every try.")
    fact: WebhookFact = strawberry.field(description="What it tells.")
    state: PostingState = strawberry.field(description="Where it stands.")
    attempts: int = strawberry.field(description="How often it was tried.")
    answer: str | None = strawberry.field(
        description=(
            "What the last try met: an HTTP status, UNREACHABLE, NO_ANSWER, ADDRESS_REFUSED or DISABLED; null before the "
            "first."
        )
    )
    happened_at: datetime = strawberry.field(description="When the fact became true.")
    tried_at: datetime | None = strawberry.field(description="When it was last tried; null before the first time.")
    not_before: datetime | None = strawberry.field(description="When it is tried next; null when it is settled.")
    settled_at: datetime | None = strawberry.field(description="When it was taken, or given up; null until then.")


@strawberry.type(description="A URL that is told what becomes true of the shop's outreach, each fact at least once.")
class Webhook(Node):
    """One webhook."""

    id: strawberry.ID = strawberry.field(resolver=resolvers.identify, description="Opaque id, unique across all types.")
    url: str = strawberry.field(description="What facts are posted to.")
    description: str | None = strawberry.field(description="What it is for; null when nobody said.")
    facts = strawberry.field(
        resolver=resolvers.facts, graphql_type=list[WebhookFact], description="What it is told of."
    )
    secret: str | None = strawberry.field(
        description="What signatures are checked with (Standard Webhooks, `whsec_…`): shown where it is new, and again "
        "to the same idempotencyKey while it is in use; null everywhere else."
    )
    is_enabled = strawberry.field(
        resolver=resolvers.is_enabled, graphql_type=bool, description="Whether it is told anything."
    )
    disabled_at: datetime | None = strawberry.field(
        description="Since when it is told nothing; null while it is enabled."
    )
    disabled_reason: str | None = strawberry.field(
        description=(
            "Why it is told nothing: BY_SELLER, GONE (it answered 410), FAILING (it took nothing for five days) or "
            "BACKLOG; null while it is enabled."
        )
    )
    failing_since: datetime | None = strawberry.field(
        description="Since when it has taken nothing; null when it works."
    )
    rotated_at: datetime | None = strawberry.field(
        description="When its secret was last replaced; null while it is the first."
    )
    created_at: datetime = strawberry.field(description="When it was created.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    postings = strawberry.field(
        resolver=resolvers.postings,
        graphql_type=Connection[WebhookPosting],
        description="What was posted to it, the newest first; settled ones are kept for a week.",
    )

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Whether a row is of this type."""
        return isinstance(value, models.Webhook)


@strawberry.type(description="What became of webhookCreate.")
class WebhookCreatePayload:
    """The new webhook, or why there is none."""

    webhook: Webhook | None = strawberry.field(
        description="The new webhook, with its secret; null when it was refused."
    )
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was created.")


@strawberry.type(description="What became of webhookUpdate.")
class WebhookUpdatePayload:
    """The changed webhook, or why it is not."""

    webhook: Webhook | None = strawberry.field(description="The changed webhook; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was changed.")


@strawberry.type(description="What became of webhookRotateSecret.")
class WebhookRotateSecretPayload:
    """The webhook with its new secret, or why there is none."""

    webhook: Webhook | None = strawberry.field(description="The webhook, with its secret; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when the secret is new.")


@strawberry.type(description="What became of webhookDelete.")
class WebhookDeletePayload:
    """The id of the webhook that is no more, or why it still is."""

    webhook_id: strawberry.ID | None = strawberry.field(description="Its global id; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was deleted.")


@strawberry.type(description="What became of webhookTest.")
class WebhookTestPayload:
    """The test that is on its way, or why there is none."""

    posting: WebhookPosting | None = strawberry.field(description="The test; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it is on its way.")

"""Conversations, as both sides see them."""

from datetime import datetime
from typing import Any

import strawberry

from models import conversation as models
from models.conversation import Author
from resolvers import conversation as resolvers
from resolvers.long import Long
from schema.connection import Connection
from schema.customer import Customer
from schema.enums import describe
from schema.node import Node
from schema.plan import Plan
from schema.user_error import UserError

describe(
    Author,
    "Who said something.",
    {"SHOPPER": "The shopper, in reply to a message.", "SELLER": "Somebody of the shop."},
)


@strawberry.type(description="Something said in a conversation.")
class Remark:
    """One remark."""

    number: int = strawberry.field(description="Its place in the conversation, from 1 on.")
    author: Author = strawberry.field(description="Who said it.")
    text: str = strawberry.field(description="What was said.")
    plan = strawberry.field(
        resolver=resolvers.plan_of,
        graphql_type=Plan | None,
        description="Sellers: the plan whose message it replies to; null for answers, and to shoppers.",
    )
    written_at: datetime = strawberry.field(description="When.")


@strawberry.type(description="A shop and a shopper who replied to it; there is none before.")
class Conversation(Node):
    """One conversation."""

    id: strawberry.ID = strawberry.field(resolver=resolvers.identify, description="Opaque id, unique across all types.")
    customer = strawberry.field(
        resolver=resolvers.customer,
        graphql_type=Customer | None,
        description="Sellers: whom it is with; null when nothing is known of them, and to shoppers.",
    )
    opened_at: datetime = strawberry.field(description="When the shopper first replied.")
    last_at: datetime = strawberry.field(description="When something was last said.")
    last_author: Author = strawberry.field(description="Who had the last word; SHOPPER: an answer is awaited.")
    size: Long = strawberry.field(description="How many remarks there are.")
    remarks = strawberry.field(
        resolver=resolvers.remarks, graphql_type=Connection[Remark], description="What was said, the newest first."
    )

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Whether a row is of this type."""
        return isinstance(value, models.Conversation)


@strawberry.type(description="What became of messageReply.")
class MessageReplyPayload:
    """The conversation that the reply is in, or why it is not."""

    conversation: Conversation | None = strawberry.field(description="The conversation; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was said.")


@strawberry.type(description="What became of conversationAnswer.")
class ConversationAnswerPayload:
    """The conversation that was answered in, or why it was not."""

    conversation: Conversation | None = strawberry.field(description="The conversation; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was said.")

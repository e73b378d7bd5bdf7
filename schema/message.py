"""The inbox, as shoppers see it."""

from datetime import datetime
from typing import Any

import strawberry

from models import message as models
from resolvers import consent, enclosure
from resolvers import conversation as conversations
from resolvers import message as resolvers
from resolvers.long import Long
from schema.conversation import Conversation
from schema.enclosure import MessageButton, MessageProduct
from schema.node import Node
from schema.offer import Offer
from schema.user_error import UserError


@strawberry.type(description="A shop, as the shoppers it writes to see it.")
class Sender:
    """Whom a message is from."""

    id: strawberry.ID = strawberry.field(
        resolver=resolvers.identify_sender,
        description="Global id of the shop, for shopBlock, shopUnblock and emailUnsubscribe.",
    )
    name: str = strawberry.field(description="The shop's name.")
    is_blocked: bool = strawberry.field(
        resolver=consent.is_blocked, description="Whether the shopper has blocked its chat."
    )


@strawberry.type(description="A message in the shopper's inbox.")
class Message(Node):
    """One message, in the language it was sent in."""

    id: strawberry.ID = strawberry.field(resolver=resolvers.identify, description="Opaque id, unique across all types.")
    sender = strawberry.field(resolver=resolvers.sender, graphql_type=Sender, description="The shop it is from.")
    text: str = strawberry.field(description="What it says.")
    language: str = strawberry.field(description="BCP 47 tag of the language it is in.")
    image_url = strawberry.field(
        resolver=enclosure.image_url,
        graphql_type=str | None,
        description="Where the image above its text is, if it has one; decoration, which the text does not need.",
    )
    button = strawberry.field(
        resolver=enclosure.button, graphql_type=MessageButton | None, description="Its button, if it has one."
    )
    products = strawberry.field(
        resolver=enclosure.products, graphql_type=list[MessageProduct], description="The products it shows, up to 4."
    )
    coupon = strawberry.field(
        resolver=enclosure.coupon,
        graphql_type=Offer | None,
        description="The coupon that comes with it, as of now; null when none does.",
    )
    sent_at: datetime = strawberry.field(description="When it arrived.")
    read_at: datetime | None = strawberry.field(description="When it was first read; null while unread.")
    clicked_at: datetime | None = strawberry.field(description="When it was first clicked; null until then.")
    conversation = strawberry.field(
        resolver=conversations.of_message,
        graphql_type=Conversation | None,
        description="The shopper's conversation with its shop; null before the first reply to any of its messages.",
    )

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Whether a row is of this type."""
        return isinstance(value, models.Message)


@strawberry.type(description="What changed in the shopper's inbox.")
class InboxEvent:
    """The newest messages at first, then those that arrive."""

    version: Long = strawberry.field(description="Rises from event to event.")
    unread_count: int = strawberry.field(description="How many messages are unread now.")
    messages: list[Message] = strawberry.field(
        description="Newest first: up to 20 in the first event, then those that arrived since the event before."
    )


@strawberry.type(description="What became of messageMarkRead.")
class MessageMarkReadPayload:
    """The read message, or why there is none."""

    message: Message | None = strawberry.field(description="The message; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it is noted.")


@strawberry.type(description="What became of messageClick.")
class MessageClickPayload:
    """The clicked message, or why there is none."""

    message: Message | None = strawberry.field(description="The message; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it is noted.")

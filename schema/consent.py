"""Shoppers' consent: what became of their blocking a shop's chat, or unsubscribing from its email."""

import strawberry

from schema.message import Sender
from schema.user_error import UserError


@strawberry.type(description="What became of shopBlock.")
class ShopBlockPayload:
    """The blocked shop, or why it is not."""

    sender: Sender | None = strawberry.field(description="The shop; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it is blocked.")


@strawberry.type(description="What became of shopUnblock.")
class ShopUnblockPayload:
    """The unblocked shop, or why it is not."""

    sender: Sender | None = strawberry.field(description="The shop; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it is unblocked.")


@strawberry.type(description="That a shopper gets no more email from a shop.")
class EmailUnsubscription:
    """The end of a shop's email."""

    sender: Sender = strawberry.field(description="The shop.")
    may_still_arrive: bool = strawberry.field(
        description="Whether an email that was just on its way may still arrive; never one that was not."
    )


@strawberry.type(description="What became of emailUnsubscribe.")
class EmailUnsubscribePayload:
    """The unsubscription, or why there is none."""

    unsubscription: EmailUnsubscription | None = strawberry.field(
        description="What the shopper is unsubscribed from; null when it was refused."
    )
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it is unsubscribed from.")

"""Shoppers' consent: which shops they have blocked, and their blocking of a chat and unsubscribing from an email."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import strawberry

from models import consent
from models.shop import Shop
from resolvers import global_id
from resolvers.context import Info
from resolvers.message import Sender
from resolvers.mutation import IDEMPOTENCY_KEY, Kept, Payload, answer

BY_CUSTOMER = "customer"
"""The source of a consent that the customer changed by themselves, signed in, and not through a mail."""


@dataclass(frozen=True, slots=True)
class EmailUnsubscription:
    """The shop whose mail is wanted no more, and whether one that was on its way may still arrive."""

    sender: Sender
    may_still_arrive: bool


@strawberry.input(description="A shop whose chat the shopper wants no more.")
class ShopBlockInput:
    """What `shopBlock` takes."""

    shop_id: strawberry.ID = strawberry.field(description="Global id of a shop, as its messages' sender has it.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A shop whose chat the shopper wants again.")
class ShopUnblockInput:
    """What `shopUnblock` takes."""

    shop_id: strawberry.ID = strawberry.field(description="Global id of a shop, as its messages' sender has it.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A shop whose email the shopper wants no more.")
class EmailUnsubscribeInput:
    """What `emailUnsubscribe` takes."""

    shop_id: strawberry.ID = strawberry.field(description="Global id of a shop, as its messages' sender has it.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def is_blocked(info: Info, root: strawberry.Parent[Sender]) -> bool:
    """Whether the shopper has blocked a shop."""
    return root.shop_id in await info.context.loaders.blocked_shops.load(root.customer_id)


async def block(info: Info, input: ShopBlockInput) -> Payload:
    """Let nothing more of a shop's chat reach the shopper."""
    return await _change_consent(info, input, consent.block)


async def unblock(info: Info, input: ShopUnblockInput) -> Payload:
    """Let a shop's chat reach the shopper again."""
    return await _change_consent(info, input, consent.unblock)


async def unsubscribe(info: Info, input: EmailUnsubscribeInput) -> Payload:
    """Let nothing more of a shop's email reach the shopper; answered once none is in flight, or after some seconds."""
    payload = await _change_consent(info, input, partial(consent.unsubscribe, source=BY_CUSTOMER))
    sender: Sender | None = payload.entity
    if sender is None:
        return Payload("unsubscription", None, payload.user_errors)
    none_left = await consent.until_no_mail_in_flight(sender.shop_id, sender.customer_id, within=consent.MAIL_WAIT)
    return Payload("unsubscription", EmailUnsubscription(sender, not none_left))


async def _change_consent(
    info: Info,
    input: ShopBlockInput | ShopUnblockInput | EmailUnsubscribeInput,
    verb: Callable[[int, UUID], Awaitable[object]],
) -> Payload:
    customer_id = info.context.customer()
    shop_id = global_id.integer(input.shop_id, "Shop")
    shop = await Shop.get_or_none(id=shop_id) if shop_id else None

    async def change() -> Sender:
        if shop is None:
            raise global_id.missing("shopId", "shop")
        await verb(shop.id, customer_id)
        return Sender(shop.id, shop.name, customer_id)

    async def load(_: Any) -> Sender | None:
        return Sender(shop.id, shop.name, customer_id) if shop else None

    return await answer(info, input, Kept("sender", lambda _: True, load), change)

"""Answers about a shop's chat platform, and what its administrators do with it."""

from typing import Any
from urllib.parse import urlsplit

import strawberry

from models import chat_platform
from models.caller import PERMISSIONS, Action
from models.chat_platform import ChatPlatform
from models.shop import Shop
from resolvers.context import Info
from resolvers.mutation import IDEMPOTENCY_KEY, Kept, Payload, answer


@strawberry.input(description="Where a shop's chat is to go.")
class ChatPlatformConnectInput:
    """What `chatPlatformConnect` takes."""

    url: str = strawberry.field(description="The https URL that messages are posted to, up to 2,000 characters.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A new secret for the chat platform.")
class ChatPlatformRotateSecretInput:
    """What `chatPlatformRotateSecret` takes."""

    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="That a shop's chat stays in the inbox again.")
class ChatPlatformDisconnectInput:
    """What `chatPlatformDisconnect` takes."""

    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def of_shop(root: strawberry.Parent[Shop]) -> ChatPlatform | None:
    """A shop's chat platform."""
    return await chat_platform.of_shop(root.id)


def url(info: Info, root: strawberry.Parent[ChatPlatform]) -> str:
    """Where a platform is called. Such URLs often hold a secret, so whoever may not manage it sees whose it is only."""
    caller = info.context.caller
    if caller is not None and Action.MANAGE_CONNECTIONS in PERMISSIONS[caller.role]:
        return root.url
    parts = urlsplit(root.url)
    return f"{parts.scheme}://{parts.netloc}/…"


def _with_secret(key: bytes) -> Kept[ChatPlatform]:
    """An answer that told a secret tells it again as long as it is in use: it is derived from the salt that is kept."""

    async def load(kept: Any) -> ChatPlatform:
        shop_id, salt = kept
        return (await ChatPlatform.get(shop_id=shop_id)).reveal(key, salt)

    return Kept("chat_platform", lambda own: [own.shop_id, own.salt if own.secret else None], load)


async def _load_shop(shop_id: Any) -> Shop:
    return await Shop.get(id=shop_id)


SHOP: Kept[Shop] = Kept("shop", lambda shop: shop.id, _load_shop)


async def connect(info: Info, input: ChatPlatformConnectInput) -> Payload:
    """Let the shop's chat go to a URL."""
    shop = await info.context.shop(Action.MANAGE_CONNECTIONS)
    key, targets = info.context.secret, info.context.settings.webhook_targets

    async def work() -> ChatPlatform:
        return await chat_platform.connect(shop, input.url, targets=targets, key=key)

    return await answer(info, input, _with_secret(key), work)


async def rotate(info: Info, input: ChatPlatformRotateSecretInput) -> Payload:
    """Take a new secret."""
    shop = await info.context.shop(Action.MANAGE_CONNECTIONS)
    key = info.context.secret

    async def work() -> ChatPlatform:
        return await chat_platform.rotate(shop, key=key)

    return await answer(info, input, _with_secret(key), work)


async def disconnect(info: Info, input: ChatPlatformDisconnectInput) -> Payload:
    """Let the shop's chat stay in the inbox."""
    shop = await info.context.shop(Action.MANAGE_CONNECTIONS)

    async def work() -> Shop:
        await chat_platform.disconnect(shop)
        return shop

    return await answer(info, input, SHOP, work)

"""A shop's external chat platform: where its chat goes instead of staying in the inbox alone (R20)."""

from tortoise import fields

from models import database
from models.clock import now
from models.errors import ErrorCode, refuse
from models.shop import Shop
from models.webhook import signature
from models.webhook.endpoint import Targets, check_url
from models.webhook.signer import Signer


class ChatPlatform(Signer):
    """The platform of one shop: its URL, and what it signs with."""

    shop_id = fields.IntField(primary_key=True, generated=False)
    url = fields.TextField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "chat_platform"


async def connect(shop: Shop, url: str, *, targets: Targets, key: bytes) -> ChatPlatform:
    """Let the shop's chat go to `url` from the next recipients on; the secret comes with the first URL only."""
    url = check_url(url, targets=targets)
    at = now()
    salt = signature.draw_salt()
    async with database.transaction():
        await database.execute(
            "INSERT INTO chat_platform AS known (shop_id, url, salt, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)"
            " ON CONFLICT (shop_id) DO UPDATE SET url = excluded.url, updated_at = excluded.updated_at",
            shop.id,
            url,
            salt,
            at,
        )
        connected = await ChatPlatform.get(shop_id=shop.id)
    return connected.reveal(key, salt)


async def rotate(shop: Shop, *, key: bytes) -> ChatPlatform:
    """Take a new secret; for a day requests carry both signatures, so that none is refused meanwhile."""
    async with database.transaction():
        own = await ChatPlatform.filter(shop_id=shop.id).select_for_update(no_key=True).first()
        if own is None:
            raise refuse("", "The shop has no chat platform.", ErrorCode.NOT_FOUND)
        return await own.rotate(key)


async def disconnect(shop: Shop) -> None:
    """Let the shop's chat stay in the inbox (again), what waits included."""
    await database.execute("DELETE FROM chat_platform WHERE shop_id = $1", shop.id)


async def of_shop(shop_id: int) -> ChatPlatform | None:
    """The shop's platform, if it has one."""
    return await ChatPlatform.get_or_none(shop_id=shop_id)

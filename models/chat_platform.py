"""A shop's external chat platform: where its chat goes instead of staying in the inbox alone (R20)."""

from tortoise import fields
from tortoise.models import Model

from models import database
from models.clock import now
from models.errors import ErrorCode, refuse
from models.shop import Shop
from models.webhook import signature
from models.webhook.endpoint import Targets, check_url
from models.webhook.signature import Salts


class ChatPlatform(Model):
    """The platform of one shop: its URL, and the salts of its secrets (models/webhook/signature.py)."""

    shop_id = fields.IntField(primary_key=True, generated=False)
    url = fields.TextField()
    salt = fields.TextField()
    previous_salt = fields.TextField(null=True)
    rotated_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()
    secret: str | None = None
    """What its requests are signed with: only there when it is new, and never stored."""

    class Meta:
        table = "chat_platform"

    @property
    def salts(self) -> Salts:
        """What its requests are signed with."""
        return Salts(self.salt, self.previous_salt, self.rotated_at)


async def connect(shop: Shop, url: str, *, targets: Targets, key: bytes) -> ChatPlatform:
    """Let the shop's chat go to `url` from the next recipients on; the secret comes with the first URL only."""
    url = check_url(url, targets=targets)
    at = now()
    salt = signature.draw_salt()
    is_new = await database.fetch_value(
        "INSERT INTO chat_platform AS known (shop_id, url, salt, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)"
        " ON CONFLICT (shop_id) DO UPDATE SET url = excluded.url, updated_at = excluded.updated_at"
        " RETURNING salt = $3",
        shop.id,
        url,
        salt,
        at,
    )
    return await _with_secret(shop, signature.secret(key, salt) if is_new else None)


async def rotate(shop: Shop, *, key: bytes) -> ChatPlatform:
    """Take a new secret; for a day requests carry both signatures, so that none is refused meanwhile."""
    salt = signature.draw_salt()
    rotated = await database.execute(
        "UPDATE chat_platform SET salt = $2, previous_salt = salt, rotated_at = $3, updated_at = $3 WHERE shop_id = $1",
        shop.id,
        salt,
        now(),
    )
    if not rotated:
        raise refuse("", "The shop has no chat platform.", ErrorCode.NOT_FOUND)
    return await _with_secret(shop, signature.secret(key, salt))


async def disconnect(shop: Shop) -> None:
    """Let the shop's chat stay in the inbox (again), what waits included."""
    await database.execute("DELETE FROM chat_platform WHERE shop_id = $1", shop.id)


async def of_shop(shop_id: int) -> ChatPlatform | None:
    """The shop's platform, if it has one."""
    return await ChatPlatform.get_or_none(shop_id=shop_id)


async def _with_secret(shop: Shop, secret: str | None) -> ChatPlatform:
    platform = await ChatPlatform.get(shop_id=shop.id)
    platform.secret = secret
    return platform

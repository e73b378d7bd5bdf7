"""What signs its requests, a webhook or a chat platform: its salts, a new one in place of the old, and its secret."""

from typing import Self

from tortoise import fields
from tortoise.models import Model

from models.clock import now
from models.webhook import signature
from models.webhook.signature import Salts


class Signer(Model):
    """The columns of a row whose requests are signed (models/webhook/signature.py)."""

    salt = fields.TextField()
    previous_salt = fields.TextField(null=True)
    rotated_at = fields.DatetimeField(null=True)
    updated_at = fields.DatetimeField()
    secret: str | None = None
    """What its requests are signed with: only there when it is new, and never stored."""

    class Meta:
        abstract = True

    @property
    def salts(self) -> Salts:
        """What its requests are signed with."""
        return Salts(self.salt, self.previous_salt, self.rotated_at)

    async def rotate(self, key: bytes) -> Self:
        """Take a new secret and tell it; for a day requests carry both signatures. The row is locked."""
        self.previous_salt, self.salt = self.salt, signature.draw_salt()
        self.rotated_at = self.updated_at = now()
        await self.save(update_fields=["previous_salt", "salt", "rotated_at", "updated_at"])
        return self.reveal(key, self.salt)

    def reveal(self, key: bytes, salt: str | None) -> Self:
        """Tell the secret of this salt, as long as it is the one in use; of None, none."""
        self.secret = signature.secret(key, salt) if salt is not None and salt == self.salt else None
        return self

"""Chat: the shopper's inbox. A message in it is a row of the ledger, so writing the row was the sending (R20)."""

from collections.abc import Sequence

from redis.asyncio import Redis

from models import live
from models.identifier import LAST_CUSTOMER, NO_CUSTOMER
from models.slice import Slice, Waiting


class InboxChannel:
    """Announces messages that loading a slice has already put into inboxes."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def deliver(self, held: Slice, messages: Sequence[Waiting]) -> None:  # noqa: ARG002 - nothing is left to send
        """Nudge the shoppers who are online; nothing else is left to do."""
        await live.inbox_changed(self._redis, NO_CUSTOMER, LAST_CUSTOMER)

    def drain(self) -> None:
        """Nothing is ever on its way."""

    async def close(self) -> None:
        """There is nothing to let go of."""

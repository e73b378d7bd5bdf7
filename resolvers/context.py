"""What every answer starts from: who is calling, their shop, and this operation's loaders."""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

import strawberry
from arq.connections import ArqRedis

from models import live, words
from models.availability import REDIS_UNUSABLE
from models.caller import Action, Caller
from models.errors import Forbidden, Unauthenticated, Unavailable
from models.live import Listener
from models.shop import Shop
from resolvers import global_id
from resolvers.live import Readings
from resolvers.loaders import Loaders
from settings import Settings

log = logging.getLogger(__name__)

NEWS_DELAY = 1.0
"""Seconds that what a platform tells waits for more of it before automated plans look."""

NEWS_WITHIN = 1.0
"""Seconds that a call waits for Redis to take the news."""


@dataclass(slots=True)
class Context:
    """One operation's context. `queue`, `listener` and `readings` are the process's; the rest is its own.

    No resolver reads or writes anything before it has asked for `shop`, `customer` or `platform`: that
    is where role and scope are decided, for the whole schema.
    """

    caller: Caller | None
    settings: Settings
    queue: ArqRedis | None = None
    listener: Listener | None = None
    accept_language: str | None = None
    readings: Readings = field(default_factory=Readings)
    loaders: Loaders = field(default_factory=Loaders)

    def known(self, action: Action) -> Caller:
        """The caller, when their role may take `action`; else Unauthenticated or Forbidden."""
        if self.caller is None:
            raise Unauthenticated("This needs a bearer token.")
        self.caller.require(action)
        return self.caller

    @property
    def actor(self) -> str:
        """Who is calling, for the record of who did what."""
        return self.caller.actor if self.caller else ""

    @property
    def secret(self) -> bytes:
        """SECRET_KEY as it signs and digests. Unavailable where none is set."""
        if self.settings.secret_key is None:
            raise Unavailable("SECRET_KEY is not set, so nothing can be signed.")
        return self.settings.secret

    @property
    def language(self) -> str:
        """The language that a seller is answered in: the first of theirs in which there are texts (R14)."""
        return words.language_of_caller(self.accept_language)

    async def shop(self, action: Action) -> Shop:
        """The seller's own shop, the only one they can reach."""
        caller = self.known(action)
        shop = await self.loaders.shop.load(caller.shop or "")
        if shop is None:
            raise Forbidden("The token is for a shop that is not here.")
        return shop

    def customer(self, action: Action = Action.USE_INBOX) -> UUID:
        """The shopper who is calling."""
        return self.known(action).customer_id

    def platform(self, action: Action = Action.WRITE_DATA) -> Caller:
        """The platform's trusted back end."""
        return self.known(action)

    async def named_shop(self, external_id: str) -> Shop:
        """The shop that an input of the platform's names in its field `shop`; refused when there is none.

        Ask for `platform` first.
        """
        shop = await Shop.get_or_none(external_id=external_id)
        if shop is None:
            raise global_id.missing("shop", "shop")
        return shop

    def news(self) -> Listener:
        """The process's listener for live news."""
        if self.listener is None:
            raise Unavailable("Live news is not available just now.")
        return self.listener

    async def plan_changed(self, plan_id: int) -> None:
        """Nudge whoever watches this plan, after the commit."""
        if self.queue is not None:
            await live.plan_changed(self.queue, plan_id)

    async def inbox_changed(self, customer_id: UUID) -> None:
        """Nudge the shopper's other devices, after the commit."""
        if self.queue is not None:
            await live.inbox_changed(self.queue, UUID(int=customer_id.int - 1), customer_id)

    async def tell_triggers(self, shop_id: int) -> None:
        """Let a shop's automated plans look in a second, once for all calls until then; their timer looks anyway."""
        if self.queue is None:
            return
        try:
            async with asyncio.timeout(NEWS_WITHIN):
                await self.queue.enqueue_job(
                    "fire_triggers", shop_id, _job_id=f"fire_triggers:{shop_id}", _defer_by=NEWS_DELAY
                )
        except REDIS_UNUSABLE as error:
            log.warning("triggers wait for their timer: %s", error)

    async def enqueue(self, job: str, *arguments: Any) -> None:
        """Wake a worker, after the commit. The tables say what is due, so a lost nudge only costs delay."""
        if self.queue is None:
            return
        try:
            await self.queue.enqueue_job(job, *arguments)
        except REDIS_UNUSABLE as error:
            log.warning("could not enqueue %s: %s", job, error)


Info: TypeAlias = strawberry.Info[Context, None]

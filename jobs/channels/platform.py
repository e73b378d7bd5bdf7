"""Chat platforms: a shop's own, called over HTTP with its chat messages (R20)."""

import asyncio
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from jobs.back_off import FIRST_WAIT, BackOff
from jobs.channels import PlanRefused, RelayUnavailable
from jobs.channels.bookkeeping.group_commit import GroupCommit
from jobs.channels.bookkeeping.tally import Tally
from jobs.channels.http.network import AddressRefusedError, NotReachedError
from jobs.channels.http.platform_session import PlatformSession
from jobs.channels.http.poster import Poster
from models import platform_message
from models import slice as slices
from models.clock import now
from models.delivery import DeliveryState
from models.intent import Settlement
from models.platform_message import Writer
from models.slice import Slice, Waiting
from settings import Settings

IN_A_ROW = 20
"""So many messages in a row that a platform did not take are about the platform, not its customers."""

ASKS_TO_WAIT = frozenset({"429", "503"})
"""Answers that are about everything that would follow, not about one message."""

TURN = 60.0
"""Seconds after which a slice begins nothing more and waits for its next turn: however slow a platform is, other
shops' slices come between."""

AT_ONCE_OF_SHOP = 4
"""Slices of one shop that a process works on at once, half of what it can: the rest is left to others."""


@dataclass(slots=True, eq=False)
class Errand:
    """The messages of one slice on their way to one platform. `ended`: why nothing more of it is begun."""

    waiting: deque[Waiting]
    writer: Writer
    ended: Exception | None = None

    def take(self) -> Waiting | None:
        """The next message, if one may still be begun."""
        return self.waiting.popleft() if self.waiting and self.ended is None else None

    def end(self, why: Exception | None) -> None:
        """Begin nothing more; without a reason because nothing of the slice can be granted."""
        self.ended = self.ended or why
        if why is None:
            self.waiting.clear()


@dataclass(slots=True)
class _Room:
    """What this process gives one shop's platform: so many requests at once, and none for a while when it cannot be reached.

    Back-off and, by plan, messages `in_a_row` are counted from slice to slice, for one may hold a single message.
    """

    places: asyncio.Semaphore
    errands: int = 0
    back_off: BackOff = field(default_factory=lambda: BackOff(lambda: now().timestamp()))
    """By the shop's clock, as slices are due by it."""
    in_a_row: Counter[int] = field(default_factory=Counter)

    @property
    def is_empty(self) -> bool:
        """Whether nothing goes to the platform and nothing of it need be remembered."""
        return not (self.errands or self.back_off or self.in_a_row)


class PlatformChannel:
    """Posts the messages of a slice, several at once; each waits with its last byte for its intent."""

    def __init__(self, settings: Settings, tally: Tally, poster: Poster) -> None:
        self._key = settings.secret
        self._at_once = settings.webhook_connections
        self._tally = tally
        self._commits = GroupCommit()
        self._poster = poster
        self._rooms: dict[int, _Room] = {}
        self._sessions: set[asyncio.Task[None]] = set()
        self._errands: set[Errand] = set()
        self._is_draining = False

    async def deliver(self, held: Slice, messages: Sequence[Waiting]) -> None:
        """Post a slice's messages; returns when each is settled. Raises RelayUnavailable or PlanRefused.

        Of a shop that has no platform any more they go to the inbox instead.
        """
        writer = await platform_message.writer(held.plan_id, messages, key=self._key)
        if writer is None:
            await slices.redirect(held, "CHAT")
            raise RelayUnavailable("the shop has no chat platform any more", 0)
        errand = Errand(deque(messages), writer)
        room = self._rooms.setdefault(writer.platform.shop_id, _Room(asyncio.Semaphore(self._at_once)))
        if room.errands >= AT_ONCE_OF_SHOP:
            raise RelayUnavailable("enough of this shop's is under way", FIRST_WAIT)
        room.errands += 1
        self._errands.add(errand)
        turn = asyncio.get_running_loop().call_later(TURN, errand.end, _next_turn())
        try:
            if self._is_draining:
                errand.end(_stopping())
            await self._run(errand, room, min(self._at_once, len(messages)))
        finally:
            turn.cancel()
            room.errands -= 1
            if room.is_empty:
                del self._rooms[writer.platform.shop_id]
            self._errands.discard(errand)
        if errand.ended is not None:
            raise errand.ended

    def drain(self) -> None:
        """Begin no more messages; those on the wire are finished."""
        self._is_draining = True
        for errand in self._errands:
            errand.end(_stopping())

    async def close(self) -> None:
        """End what is on the wire, and commit what is known."""
        self.drain()
        for session in self._sessions:
            session.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)
        await self._commits.flush()

    async def _run(self, errand: Errand, room: _Room, sessions: int) -> None:
        """Sessions side by side until nothing is left. Cancelled, they settle what they know before they end."""
        tasks = [asyncio.create_task(self._session(errand, room)) for _ in range(sessions)]
        self._sessions.update(tasks)
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._sessions.difference_update(tasks)

    async def _session(self, errand: Errand, room: _Room) -> None:
        async with room.places:
            session = PlatformSession(self._poster, self._commits, errand.writer)
            try:
                while (message := errand.take()) is not None:
                    settled = await session.send(message)
                    if settled is None:
                        await self._denied(errand, message)
                    else:
                        self._note(errand, room, settled)
            except AddressRefusedError as error:
                errand.end(PlanRefused("ADDRESS_REFUSED"))
                self._tally.add(_host(errand), "", type(error).__name__)
            except NotReachedError as error:
                errand.end(RelayUnavailable(f"the chat platform cannot be reached: {error}", room.back_off.begin()))
            finally:
                await asyncio.shield(session.settle())

    async def _denied(self, errand: Errand, message: Waiting) -> None:
        """Do not begin what cannot be granted."""
        if not await self._commits.may_go_on(message):
            errand.end(None)

    def _note(self, errand: Errand, room: _Room, settled: Settlement) -> None:
        """Count, and see whether the platform takes nothing of this plan."""
        plan_id = settled.message.plan_id
        self._tally.add(_host(errand), "", settled.state.value)
        room.back_off.end()
        if settled.state in (DeliveryState.FAILED, DeliveryState.UNKNOWN):
            room.in_a_row[plan_id] += 1
        elif settled.state is DeliveryState.SENT:
            del room.in_a_row[plan_id]
        elif settled.reason in ASKS_TO_WAIT and settled.not_before is not None:
            wait = (settled.not_before - now()).total_seconds()
            errand.end(RelayUnavailable(f"the chat platform answers {settled.reason}", max(FIRST_WAIT, wait)))
        if room.in_a_row[plan_id] >= IN_A_ROW:
            del room.in_a_row[plan_id]
            errand.end(PlanRefused(settled.reason or ""))


def _host(errand: Errand) -> str:
    return urlsplit(errand.writer.platform.url).hostname or ""


def _next_turn() -> RelayUnavailable:
    return RelayUnavailable("the chat platform is slow, and others have their turn", 0)


def _stopping() -> RelayUnavailable:
    return RelayUnavailable("the worker is stopping", 0)

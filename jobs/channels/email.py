"""E-mail: a process's connections to the operator's relays (R21)."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from structlog.contextvars import bind_contextvars, clear_contextvars

from jobs.channels import PlanRefused, RelayUnavailable
from jobs.channels.bookkeeping.group_commit import GroupCommit
from jobs.channels.bookkeeping.tally import Tally
from jobs.channels.smtp.outbox import Limits, Outbox
from jobs.channels.smtp.outgoing import Outgoing, Source, is_answer
from jobs.channels.smtp.refusals import Refusals
from jobs.channels.smtp.relay import UNREACHABLE, Address, Relay
from jobs.channels.smtp.session import SmtpSession
from models.clock import now
from models.intent import Settlement
from models.mail import letter
from models.mail.letter import Writer
from models.slice import Slice, Waiting
from settings import Settings

log = logging.getLogger(__name__)

IDLE_WAIT = 20.0
"""Seconds a connection without letters is kept open."""


@dataclass(slots=True, eq=False)
class _UnderWay:
    """A slice whose letters are being sent, and what its plan was refused with meanwhile."""

    plan_id: int
    refused: PlanRefused | None = None


class EmailChannel:
    """Connections opened as letters come, up to the setting for each relay; all take from one outbox."""

    def __init__(self, settings: Settings, tally: Tally) -> None:
        self._settings = settings
        self._tally = tally
        self._commits = GroupCommit()
        self._outbox = Outbox(Limits(settings.smtp_domain_connections, settings.smtp_domain_rate), self._wake)
        self._relays = [
            Relay(
                Address.parse(url),
                limit=settings.smtp_connections,
                encrypted=settings.smtp_tls == "required",
                local_hostname=settings.mail_domain,
            )
            for url in (settings.smtp_url or "").split()
        ]
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._connections: set[asyncio.Task[None]] = set()
        self._refusals = Refusals()
        self._under_way: set[_UnderWay] = set()
        self._is_draining = False

    async def deliver(self, held: Slice, messages: Sequence[Waiting]) -> None:
        """Send a slice's letters; returns when each is settled. Raises RelayUnavailable or PlanRefused."""
        texts = {(message.language, message.variant) for message in messages}
        writer = await letter.writer(held.plan_id, texts, settings=self._settings)
        under_way = _UnderWay(held.plan_id)
        self._under_way.add(under_way)
        try:
            stayed = await self._send(messages, writer)
        finally:
            self._under_way.discard(under_way)
        if under_way.refused is not None:
            raise under_way.refused
        if stayed:
            raise stayed[0]

    async def _send(self, messages: Sequence[Waiting], writer: Writer) -> list[BaseException]:
        """Put letters into the outbox and wait for all of them; why some stayed."""
        loop = asyncio.get_running_loop()
        outgoing = [Outgoing(each, writer, _domain(each), loop.create_future()) for each in messages]
        for each in outgoing:
            self._outbox.put(each)
        self._spread()
        results = await asyncio.gather(*(each.done for each in outgoing), return_exceptions=True)
        return [result for result in results if isinstance(result, BaseException)]

    def drain(self) -> None:
        """Begin no more letters; those on the wire are finished."""
        self._is_draining = True
        self._keep_all("the worker is stopping", 0)

    async def close(self) -> None:
        """Hang up, and commit what the connections have learnt."""
        self.drain()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._commits.flush()

    def _keep_all(self, why: str, retry_after: float) -> None:
        for outgoing in self._outbox.clear():
            outgoing.stay(RelayUnavailable(why, retry_after))

    def _spread(self) -> None:
        """Set idle connections to work, and open as many more as there are letters for."""
        if self._is_draining:
            self._keep_all("the worker is stopping", 0)
            return
        wanted = len(self._outbox) if self._outbox.has_ready else 0
        while wanted and self._wake_one():
            wanted -= 1
        for relay in sorted(self._relays, key=lambda each: each.open):
            while wanted > 0 and relay.has_room:
                self._open(relay)
                wanted -= 1
        if wanted and not self._connections:
            wait = min((relay.wait for relay in self._relays), default=0.0)
            self._keep_all("no relay can be reached", max(1.0, wait))

    def _open(self, relay: Relay) -> None:
        relay.open += 1
        connection = asyncio.create_task(self._run(relay))
        self._connections.add(connection)
        connection.add_done_callback(_report)

    def _wake(self) -> None:
        if not self._wake_one():
            self._spread()

    def _wake_one(self) -> bool:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return True
        return False

    def _take(self) -> Outgoing | None:
        """The next letter whose day is not over; the others' slice is loaded anew, for contacts of the next."""
        while (outgoing := self._outbox.take()) is not None:
            if now() < outgoing.message.goes_until:
                return outgoing
            self._outbox.ended(outgoing)
            outgoing.finish()
        return None

    async def _wait(self) -> Outgoing | None:
        """The next letter, unless none comes for a while."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await asyncio.wait([waiter], timeout=IDLE_WAIT)
        finally:
            waiter.cancel()
        return self._take()

    async def _run(self, relay: Relay) -> None:
        """One connection's life: as long as there are letters, made anew when it is lost."""
        task = asyncio.current_task()
        assert task is not None
        clear_contextvars()  # it was begun for one slice and serves many
        bind_contextvars(relay=relay.address.name)
        try:
            while (outgoing := self._take() or await self._wait()) is not None:
                if not await self._session(relay, outgoing):
                    return
        finally:
            relay.open -= 1
            self._connections.discard(task)
            self._spread()

    async def _session(self, relay: Relay, outgoing: Outgoing) -> bool:
        """Connect and send; whether another connection may be tried at once. Without one the letter goes back."""
        try:
            wire, extensions = await relay.connect()
        except UNREACHABLE as error:
            log.warning("mail relay %s: %s: %s", relay.address.name, type(error).__name__, error)
            self._tally.tried(relay.address.name, reached=relay.established > 0)
            relay.failed()
            self._put_back(outgoing)
            return False
        except BaseException:
            self._put_back(outgoing)
            raise
        relay.established += 1
        self._tally.tried(relay.address.name, reached=not relay.is_doubted)
        try:
            source = Source(self._take, self._wait, self._put_back, self._denied, partial(self._ended, relay))
            if not await SmtpSession(wire, self._commits, source, extensions).run(outgoing):
                self._lost(relay)
        finally:
            relay.established -= 1
        return not relay.wait

    def _lost(self, relay: Relay) -> None:
        """A connection was lost with a letter on it."""
        relay.lost()
        if relay.is_doubted:
            log.warning("mail relay %s: takes connections and loses them all", relay.address.name)
            self._tally.tried(relay.address.name, reached=False)

    def _put_back(self, outgoing: Outgoing) -> None:
        self._outbox.ended(outgoing)
        if self._is_draining:
            outgoing.stay(RelayUnavailable("the worker is stopping", 0))
        elif not outgoing.done.done():
            self._outbox.put(outgoing)

    async def _denied(self, outgoing: Outgoing) -> None:
        """Do not begin what cannot be granted: each would cost a connection."""
        token = outgoing.message.token
        if not await self._commits.may_go_on(outgoing.message):
            self._withdraw(lambda each: each.message.token == token, Outgoing.finish)

    def _withdraw(self, chosen: Callable[[Outgoing], bool], act: Callable[[Outgoing], None]) -> None:
        """Take what is chosen out of the outbox."""
        for outgoing in list(self._outbox.clear()):
            if chosen(outgoing):
                act(outgoing)
            else:
                self._outbox.put(outgoing)

    def _ended(self, relay: Relay, outgoing: Outgoing, settlement: Settlement | None) -> None:
        """A letter is off the wire: make room, count, and see whether the relay refuses the whole plan."""
        was_on_wire = outgoing.on_wire
        self._outbox.ended(outgoing)
        if settlement is None or not was_on_wire:
            return
        self._tally.add(relay.address.name, outgoing.domain, settlement.state.value)
        if is_answer(settlement) and relay.answered():
            self._tally.tried(relay.address.name, reached=True)
            self._spread()
        if self._refusals.are_about_plan(settlement):
            self._refuse(outgoing.message.plan_id, PlanRefused(settlement.reason or ""))

    def _refuse(self, plan_id: int, why: PlanRefused) -> None:
        """Let the rest of a plan's letters stay where they are; its slices learn of it even when none is left."""
        for each in self._under_way:
            if each.plan_id == plan_id:
                each.refused = why
        self._withdraw(lambda each: each.message.plan_id == plan_id, lambda each: each.stay(why))


def _domain(message: Waiting) -> str:
    return (message.email or "").rpartition("@")[2].lower()


def _report(connection: asyncio.Task[None]) -> None:
    """Say what ended a connection's task, when it was not expected."""
    if not connection.cancelled() and (error := connection.exception()) is not None:
        log.error("a mail connection failed", exc_info=error)

"""Group commit: what gathers while one commit is under way goes into the next; no timer (docs/reliability.md)."""

import asyncio
import logging
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from structlog.contextvars import clear_contextvars

from models import availability, database, intent
from models.complaints import Complaints
from models.delivery import DeliveryState
from models.intent import Settlement
from models.slice import Waiting

log = logging.getLogger(__name__)

RETRY_DELAY = 0.5
"""Seconds between tries to store settlements while PostgreSQL is away."""

COMMIT_WAIT = 60.0
"""Seconds after which a commit counts as failed: its connection may be a dead one."""

LARGEST = 1_000
"""Settlements, and intents, in one commit."""


class Grant(NamedTuple):
    """An intent that was granted: the try's number, and until when on the loop's clock it may be acted upon.

    The worker's lease holds for so long after the commit was asked for. Whoever comes later (a process that
    was stopped, a machine that stood still) must not go on: its message may have been given up, its plan be over.
    """

    attempt: int
    until: float


class Asked:
    """An intent that was asked for. Awaited, it gives the grant, or None: then the message must not be finished.

    The answer comes in any case: who was cancelled while waiting for it can await it once more, and must, since a
    grant has to be settled. (A shielded future does the same, in one more turn of the loop.)
    """

    __slots__ = ("_grant", "_is_answered", "_waiter")

    def __init__(self) -> None:
        self._grant: Grant | None = None
        self._is_answered = False
        self._waiter: asyncio.Future[None] | None = None

    def answer(self, grant: Grant | None) -> None:
        """Say what became of it, once."""
        self._grant, self._is_answered = grant, True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def __await__(self) -> Generator[Any, None, Grant | None]:
        if not self._is_answered:
            self._waiter = asyncio.get_running_loop().create_future()
            yield from self._waiter
        return self._grant


@dataclass(slots=True)
class _Gathering:
    settlements: list[tuple[Settlement, "asyncio.Future[None] | None"]] = field(default_factory=list)
    intents: list[tuple[Waiting, Asked]] = field(default_factory=list)
    refused: list[Asked] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.settlements or self.intents)

    def split(self, most: int) -> "_Gathering":
        """Take what one commit holds out of it, `most` intents; refusals wait for the last settlement before them."""
        taken = _Gathering(self.settlements[:LARGEST], self.intents[:most])
        self.settlements, self.intents = self.settlements[LARGEST:], self.intents[most:]
        if not self.settlements:
            taken.refused, self.refused = self.refused, []
        return taken


class GroupCommit:
    """Settles and intends for all connections of a process, one commit at a time.

    A settlement is kept until PostgreSQL has it. When a commit fails nobody knows whether it happened, so its
    intents are taken back first, by number, and only then answered "not granted": their dots never left.

    A commit takes half of those who ask and were just granted. Were it to take all who ask, connections would fall
    into step: nearly all of them in one commit, then one straggler alone, the wires silent during the one and
    PostgreSQL idle during the other (an eighth slower over 32 connections).
    """

    def __init__(self) -> None:
        self._gathering = _Gathering()
        self._just_granted = 0
        self._committing: asyncio.Task[None] | None = None
        self._complaints = Complaints()

    async def settle(self, settlement: Settlement) -> None:
        """Store what became of a message; returns when it is committed."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._gathering.settlements.append((settlement, done))
        self._start()
        await done

    def exchange(self, settlement: Settlement | None, message: Waiting) -> Asked:
        """Store a connection's last settlement together with its next intent."""
        asked = Asked()
        if settlement is not None:
            self._gathering.settlements.append((settlement, None))
        self._gathering.intents.append((message, asked))
        self._start()
        return asked

    async def may_go_on(self, message: Waiting) -> bool:
        """Whether intents of the message's slice can be granted at all; their next one tells while PostgreSQL is away."""
        try:
            return await intent.may_go_on(message)
        except availability.UNUSABLE as error:
            if self._complaints.is_due(error):
                log.warning("could not ask whether a slice may go on, its next intent tells: %r", error)
            return True

    async def flush(self) -> None:
        """Wait until everything gathered so far is committed."""
        while self._committing is not None:
            await asyncio.wait([self._committing])

    def _start(self) -> None:
        if self._committing is None:
            self._committing = asyncio.create_task(self._run())

    async def _run(self) -> None:
        clear_contextvars()  # it was begun for one letter and serves all
        try:
            while self._gathering:
                await self._commit_over_one_connection()
        finally:
            self._committing = None

    async def _commit_over_one_connection(self) -> None:
        """Commit until nothing is gathered, or until a commit fails: perhaps it was for the connection."""
        try:
            async with database.kept_connection():
                while self._gathering:
                    if not await self._commit(self._gathering.split(self._share())):
                        break
        except Exception as error:  # noqa: BLE001 - nothing but giving it back can fail here
            log.warning("the ledger's connection could not be given back: %r", error)

    def _share(self) -> int:
        """How many intents the next commit takes."""
        return min(LARGEST, -(-(len(self._gathering.intents) + self._just_granted) // 2))

    async def _commit(self, group: _Gathering) -> bool:
        """Commit a group and answer those who ask; whether it was possible."""
        until = asyncio.get_running_loop().time() + intent.MARGIN.total_seconds()
        try:
            async with asyncio.timeout(COMMIT_WAIT):
                granted = await intent.commit([s for s, _ in group.settlements], [m for m, _ in group.intents])
        except Exception as error:  # noqa: BLE001 - whatever it is, no settlement may be lost
            if self._complaints.is_due(error):
                log.warning("ledger commit failed, settlements are kept and tried again: %r", error)
            self._keep(group)
            await asyncio.sleep(RETRY_DELAY)
            return False
        self._complaints.end()
        for _, done in group.settlements:
            if done is not None and not done.done():
                done.set_result(None)
        for refused in group.refused:
            refused.answer(None)
        self._just_granted = len(granted) - granted.count(None)
        for (_, asked), attempt in zip(group.intents, granted, strict=True):
            asked.answer(None if attempt is None else Grant(attempt, until))
        return True

    def _keep(self, group: _Gathering) -> None:
        """Put the settlements back, and those that take the intents back; the intents are refused with them."""
        taken_back: list[tuple[Settlement, asyncio.Future[None] | None]] = [
            (Settlement(message, message.attempt + 1, DeliveryState.PENDING), None) for message, _ in group.intents
        ]
        gathering = self._gathering
        gathering.settlements[:0] = group.settlements + taken_back
        gathering.refused[:0] = group.refused + [asked for _, asked in group.intents]

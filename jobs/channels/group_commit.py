"""Group commit: what gathers while one commit is under way goes into the next; no timer (architecture.md §3.5)."""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TypeVar

from structlog.contextvars import clear_contextvars

from models import intent
from models.delivery import DeliveryState
from models.intent import Settlement
from models.slice import Waiting

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_DELAY = 0.5
"""Seconds between tries to store settlements while PostgreSQL is away."""

COMMIT_WAIT = 60.0
"""Seconds after which a commit counts as failed: its connection may be a dead one."""

LARGEST = 1_000
"""Settlements, and intents, in one commit."""


@dataclass(frozen=True, slots=True)
class Grant:
    """An intent that was granted: the try's number, and until when on the loop's clock it may be acted upon.

    The worker's lease holds for so long after the commit was asked for. Whoever comes later (a process that
    was stopped, a machine that stood still) must not go on: its message may have been given up, its plan be over.
    """

    attempt: int
    until: float


@dataclass(slots=True)
class _Gathering:
    settlements: list[tuple[Settlement, "asyncio.Future[None] | None"]] = field(default_factory=list)
    intents: list[tuple[Waiting, "asyncio.Future[Grant | None]"]] = field(default_factory=list)
    refused: list["asyncio.Future[Grant | None]"] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.settlements or self.intents)

    def split(self) -> "_Gathering":
        """Take what one commit holds out of it; refusals wait for the last of the settlements before them."""
        taken = _Gathering(self.settlements[:LARGEST], self.intents[:LARGEST])
        self.settlements, self.intents = self.settlements[LARGEST:], self.intents[LARGEST:]
        if not self.settlements:
            taken.refused, self.refused = self.refused, []
        return taken


class GroupCommit:
    """Settles and intends for all connections of a process, one commit at a time.

    A settlement is kept until PostgreSQL has it. When a commit fails nobody knows whether it happened, so its
    intents are taken back first, by number, and only then answered "not granted": their dots never left.
    """

    def __init__(self) -> None:
        self._gathering = _Gathering()
        self._committing: asyncio.Task[None] | None = None

    async def settle(self, settlement: Settlement) -> None:
        """Store what became of a message; returns when it is committed."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._gathering.settlements.append((settlement, done))
        self._start()
        await done

    def exchange(self, settlement: Settlement | None, message: Waiting) -> "asyncio.Future[Grant | None]":
        """Store a connection's last settlement together with its next intent.

        The future's result is the grant, or None: then the message must not be finished. It comes in any case, also
        to one who was cancelled while waiting for it, so shield it.
        """
        granted: asyncio.Future[Grant | None] = asyncio.get_running_loop().create_future()
        if settlement is not None:
            self._gathering.settlements.append((settlement, None))
        self._gathering.intents.append((message, granted))
        self._start()
        return granted

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
                await self._commit(self._gathering.split())
        finally:
            self._committing = None

    async def _commit(self, group: _Gathering) -> None:
        until = asyncio.get_running_loop().time() + intent.MARGIN.total_seconds()
        try:
            async with asyncio.timeout(COMMIT_WAIT):
                granted = await intent.commit([s for s, _ in group.settlements], [m for m, _ in group.intents])
        except Exception as error:  # noqa: BLE001 - whatever it is, no settlement may be lost
            log.warning("ledger commit failed, settlements are kept: %r", error)
            self._keep(group)
            await asyncio.sleep(RETRY_DELAY)
            return
        for _, done in group.settlements:
            _answer(done, None)
        for refused in group.refused:
            _answer(refused, None)
        for message, future in group.intents:
            attempt = granted.get(intent.key(message))
            _answer(future, None if attempt is None else Grant(attempt, until))

    def _keep(self, group: _Gathering) -> None:
        """Put the settlements back, and those that take the intents back; the intents are refused with them."""
        taken_back: list[tuple[Settlement, asyncio.Future[None] | None]] = [
            (Settlement(message, message.attempt + 1, DeliveryState.PENDING), None) for message, _ in group.intents
        ]
        gathering = self._gathering
        gathering.settlements[:0] = group.settlements + taken_back
        gathering.refused[:0] = group.refused + [future for _, future in group.intents]


def _answer(future: "asyncio.Future[T] | None", value: T) -> None:
    if future is not None and not future.done():
        future.set_result(value)

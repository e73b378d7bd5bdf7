"""One lane of requests to a chat platform: the last byte of each only after the ledger allows it (R22).

Headers and body go out first, all but the body's last byte. Then the *intent* is committed; only then the
byte. A receiver that has fewer bytes than Content-Length says holds an incomplete message (RFC 9112 §8) whose
signature cannot hold, so a crash before the intent repeats nothing, and one after it leaves at most one
message per lane in doubt.
"""

import asyncio
import logging

from jobs.channels.bookkeeping.group_commit import Grant, GroupCommit
from jobs.channels.http import platform_answer
from jobs.channels.http.poster import HungUpError, LostError, Poster
from models.clock import now
from models.delivery import DeliveryState, Reason
from models.intent import Settlement
from models.platform_message import Writer
from models.slice import Waiting

log = logging.getLogger(__name__)


class DeniedError(Exception):
    """The intent was not granted, or too late: the message must not be finished."""


class PlatformSession:
    """Sends messages one after the other; what became of one rides with the intent of the next."""

    def __init__(self, poster: Poster, commits: GroupCommit, writer: Writer) -> None:
        self._poster = poster
        self._commits = commits
        self._writer = writer
        self._settled: Settlement | None = None

    async def send(self, message: Waiting) -> Settlement | None:
        """Post a message; what became of it, None when it may not go now. Raises NotReachedError: it still waits."""
        if now() >= message.goes_until:
            return None
        post = self._writer.write(message)
        if post is None:
            await self.settle()
            number, reason = message.attempt + 1, Reason.NO_ADDRESS
            self._settled = Settlement(message, number, DeliveryState.FAILED, reason, intended=False)
            return self._settled
        body = _LateBody(self, message, post.body)
        try:
            answer = await self._poster.post(self._writer.platform.url, post.headers, body, length=len(post.body))
        except DeniedError:
            return None
        except LostError as error:
            log.info("a request to a chat platform was lost: %s", error)
            return await self._lost(message, body, hung_up=isinstance(error, HungUpError))
        except asyncio.CancelledError:
            await asyncio.shield(self._lost(message, body))
            raise
        if body.attempt is None:
            await self.settle()
        self._settled = platform_answer.settlement(message, answer, body.attempt, now())
        return self._settled

    async def settle(self) -> None:
        """Commit what became of the last message now, with no intent to ride with."""
        settled, self._settled = self._settled, None
        if settled is not None:
            await self._commits.settle(settled)

    async def _lost(self, message: Waiting, body: "_LateBody", *, hung_up: bool = False) -> Settlement:
        """The connection broke, or this process ends: before the last byte nothing was taken, after it nobody knows.

        `hung_up`: the platform was gone before the last byte was written.
        """
        if body.attempt is None:
            await self.settle()
            self._settled = platform_answer.later(message, Reason.CONNECTION_LOST, None, now())
        elif hung_up:
            self._settled = platform_answer.later(message, Reason.CONNECTION_LOST, body.attempt, now())
        elif not body.has_left:
            self._settled = Settlement(message, body.attempt, DeliveryState.PENDING)
        else:
            self._settled = Settlement(message, body.attempt, DeliveryState.UNKNOWN, Reason.CONNECTION_LOST)
        return self._settled

    async def intend(self, message: Waiting) -> Grant | None:
        """Ask for the message's intent, together with the settlement that waits to be stored."""
        settled, self._settled = self._settled, None
        return await self._commits.exchange(settled, message)


class _LateBody:
    """A request's body, whose last byte waits for the intent. `attempt` is the try's number once it was granted."""

    def __init__(self, session: PlatformSession, message: Waiting, content: bytes) -> None:
        self._session = session
        self._message = message
        self._content = content
        self._step = 0
        self.attempt: int | None = None
        self.has_left = False

    def __aiter__(self) -> "_LateBody":
        return self

    async def __anext__(self) -> bytes:
        self._step += 1
        if self._step == 1:
            return self._content[:-1]
        if self._step == 2:
            await self._permit()
            return self._content[-1:]
        raise StopAsyncIteration

    async def _permit(self) -> None:
        """Wait for the grant, whatever happens meanwhile: one that was given must be settled."""
        asked = asyncio.ensure_future(self._session.intend(self._message))
        try:
            grant = await asyncio.shield(asked)
        except asyncio.CancelledError:
            grant = await asked
            self.attempt = grant.attempt if grant else None
            raise
        if grant is None:
            raise DeniedError
        self.attempt = grant.attempt
        if asyncio.get_running_loop().time() >= grant.until:
            raise TooLateError
        self.has_left = True


class TooLateError(LostError):
    """The grant came too late to be acted upon."""

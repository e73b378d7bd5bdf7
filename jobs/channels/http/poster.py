"""Posting to URLs that shops named: one way out for all of it (over network.py).

Redirects are not followed, no proxy of the environment is used, answers are read only as far as they say something.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpcore

from jobs.channels.http.network import EXCHANGE, Exchange, NotReachedError, PublicNetwork
from models.clock import now
from models.webhook.endpoint import Targets

CONNECT_WAIT = 10.0
WRITE_WAIT = 10.0
ANSWER_WAIT = 30.0
"""Seconds for each of the three."""

CONNECTIONS = 256
"""Open at once, to all endpoints together."""

KEPT_OPEN = 3.0
"""Seconds a connection is kept for the next request: less than servers keep theirs, so that it is not lost on use."""

REST_WAIT = 5.0
"""Seconds for the body of an answer: its status is known by then, and the rest only lets the connection be used again."""

MOST_READ = 16 * 1024
"""Bytes of an answer's body that are read, so that its connection can be used again."""

LONGEST_ERROR = 200
"""Characters of what is told of a request that was lost."""

LONGEST_PAUSE = timedelta(hours=6)
"""What an answer's Retry-After may ask for at most."""


class LostError(Exception):
    """The connection was lost, or no answer came in time. Whether the request was taken is not known here."""


class HungUpError(LostError):
    """The receiver had hung up before everything was written, so the request is incomplete."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: the status, and how long to wait when it says so."""

    status: int
    retry_after: timedelta | None = None


class Poster:
    """A process's connections to shops' endpoints."""

    def __init__(self, targets: Targets) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS // 4,
            keepalive_expiry=KEPT_OPEN,
            network_backend=PublicNetwork(targets),
        )

    async def post(self, url: str, headers: Mapping[str, str], body: AsyncIterator[bytes], *, length: int) -> Answer:
        """Post JSON of `length` bytes. Raises NotReachedError, LostError, or what `body` raises.

        A body that raises leaves the request incomplete and its connection closed.
        """
        exchange = Exchange()
        EXCHANGE.set(exchange)
        wait = {"connect": CONNECT_WAIT, "write": WRITE_WAIT, "read": ANSWER_WAIT, "pool": CONNECT_WAIT}
        fields = {
            "content-type": "application/json",
            "content-length": str(length),
            "user-agent": "Rekindle",
            **headers,
        }
        try:
            async with (
                asyncio.timeout(CONNECT_WAIT + WRITE_WAIT + ANSWER_WAIT) as limit,
                self._pool.stream(
                    "POST", url, headers=list(fields.items()), content=body, extensions={"timeout": wait}
                ) as response,
            ):
                limit.reschedule(None)
                await _read_a_little(response)
                return Answer(response.status, _retry_after(response))
        except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout) as error:
            raise NotReachedError(_said(error)) from error
        except (
            httpcore.NetworkError,
            httpcore.TimeoutException,
            httpcore.ProtocolError,
            TimeoutError,
            ssl.SSLError,
        ) as error:
            raise (HungUpError if exchange.is_in_vain else LostError)(_said(error)) from error

    async def close(self) -> None:
        """Hang up."""
        await self._pool.aclose()


def _said(error: Exception) -> str:
    """What an error says, which may quote what the receiver sent."""
    return str(error)[:LONGEST_ERROR] or type(error).__name__


class WholeBody:
    """A request body that is sent as it is."""

    def __init__(self, content: bytes) -> None:
        self._content: bytes | None = content

    def __aiter__(self) -> "WholeBody":
        return self

    async def __anext__(self) -> bytes:
        content, self._content = self._content, None
        if content is None:
            raise StopAsyncIteration
        return content


async def _read_a_little(response: httpcore.Response) -> None:
    """Read the body when it is short; a long or slow one is left, and its connection closed with it. The status is known."""
    read = 0
    lost = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, ssl.SSLError, TimeoutError)
    with contextlib.suppress(*lost):
        async with asyncio.timeout(REST_WAIT):
            async for part in response.aiter_stream():
                read += len(part)
                if read > MOST_READ:
                    return


def _retry_after(response: httpcore.Response) -> timedelta | None:
    """How long an answer asks to wait: seconds, or until a date (RFC 9110 §10.2.3)."""
    said = (
        next((value for name, value in response.headers if name.lower() == b"retry-after"), b"")
        .decode("latin-1")
        .strip()
    )
    if said.isascii() and said.isdecimal() and len(said) < 10:
        return min(timedelta(seconds=int(said)), LONGEST_PAUSE)
    try:
        until = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return None
    return _within(until if until.tzinfo else until.replace(tzinfo=UTC))


def _within(until: datetime) -> timedelta:
    return min(max(until - now(), timedelta()), LONGEST_PAUSE)

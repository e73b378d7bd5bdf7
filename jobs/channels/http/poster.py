"""Posting to URLs that shops named: one way out for all of it, which never leads back into the operator's network.

The name is resolved here, every address it has must be public, and the connection goes to the very address
that was looked at: a name that leads elsewhere a moment later changes nothing. Redirects are not followed,
no proxy of the environment is used, answers are read only as far as they say something.
"""

import asyncio
import contextlib
import select
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpcore

from models.clock import now
from models.public_address import is_public
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


class NotReachedError(Exception):
    """No connection could be made, so nothing of the request left."""


class AddressRefusedError(NotReachedError):
    """The URL leads to an address that is not public, so it was not called."""


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
            network_backend=_PublicNetwork(targets),
        )

    async def post(self, url: str, headers: Mapping[str, str], body: AsyncIterator[bytes], *, length: int) -> Answer:
        """Post JSON of `length` bytes. Raises NotReachedError, LostError, or what `body` raises.

        A body that raises leaves the request incomplete and its connection closed.
        """
        writing = _Writing()
        _WRITING.set(writing)
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
            raise (HungUpError if writing.is_in_vain else LostError)(_said(error)) from error

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


@dataclass(slots=True)
class _Writing:
    """How the writing of a request went."""

    is_in_vain: bool = False


_WRITING: ContextVar[_Writing] = ContextVar("writing")


class _Stream(httpcore.AsyncNetworkStream):
    """A connection that is not written to any more once the receiver has hung up; what it said before that is still read."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - the interface's own
        """What has come."""
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the interface's own
        """Write, unless nobody reads any more. After the last byte of a body comes a write of nothing, which says nothing."""
        if buffer and _has_hung_up(self._stream.get_extra_info("socket")):
            _WRITING.get().is_in_vain = True
            raise httpcore.WriteError("the receiver has hung up")
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Hang up."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface's own
    ) -> httpcore.AsyncNetworkStream:
        """The same, secured."""
        return _Stream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """What the connection knows of itself."""
        return self._stream.get_extra_info(info)


def _has_hung_up(connection: socket.socket) -> bool:
    """Whether the other side has closed or reset a connection. Data that waits on it says nothing: TLS has some of its own."""
    number = connection.fileno()
    if number < 0:  # a reset that was noticed here already
        return True
    poll = select.poll()
    poll.register(number, getattr(select, "POLLRDHUP", 0))
    return bool(poll.poll(0))


class _PublicNetwork(httpcore.AsyncNetworkBackend):
    """Connects to public addresses only, unless told otherwise."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface's own
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of `host`, when all it has are public."""
        try:
            async with asyncio.timeout(timeout):
                addresses = await _addresses(host, port)
        except (OSError, UnicodeError) as error:  # a name with an empty or overlong label cannot even be asked for
            raise httpcore.ConnectError(f"{host} has no address: {error}") from error
        if self._targets == "public" and not all(is_public(address) for address in addresses):
            raise AddressRefusedError(f"{host} does not lead to a public address")
        return _Stream(await self._network.connect_tcp(addresses[0], port, timeout, local_address, socket_options))

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


async def _addresses(host: str, port: int) -> list[str]:
    """The addresses of a name, those of IPv4 first: it works in more places."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for family, *_, address in sorted(found, key=lambda each: each[0] != socket.AF_INET)]


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

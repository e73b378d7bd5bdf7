"""The network that shops' endpoints are called over: it never leads back into the operator's own.

The name is resolved here, every address it has must be public, and the connection goes to the very address
that was looked at: a name that leads elsewhere a moment later changes nothing.
"""

import asyncio
import select
import socket
import ssl
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpcore

from models.public_address import is_public
from models.webhook.endpoint import Targets

MOST_HEARD = 64 * 1024
"""Bytes of an answer altogether, what surrounds its body and comes before its head included: provisional answers
(RFC 9110 §15.2) and chunks of a byte may come without end, and each takes its time to be read."""

PART = 4 * 1024
"""Bytes that are read in one go: others have their turns between."""


class NotReachedError(Exception):
    """No connection could be made, so nothing of the request left."""


class AddressRefusedError(NotReachedError):
    """The URL leads to an address that is not public, so it was not called."""


@dataclass(slots=True)
class Exchange:
    """How the writing of a request went, and how much was heard since."""

    is_in_vain: bool = False
    heard: int = 0


EXCHANGE: ContextVar[Exchange] = ContextVar("exchange")
"""That of the request which this task posts."""


class _Stream(httpcore.AsyncNetworkStream):
    """A connection that is not written to any more once the receiver has hung up; what it said before that is still read."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - the interface's own
        """What has come, unless that is too much."""
        exchange = EXCHANGE.get()
        if exchange.heard >= MOST_HEARD:
            raise httpcore.ReadError("the receiver says too much")
        part = await self._stream.read(min(max_bytes, PART), timeout)
        exchange.heard += len(part)
        return part

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the interface's own
        """Write, unless nobody reads any more. After the last byte of a body comes a write of nothing, which says nothing."""
        if buffer and _has_hung_up(self._stream.get_extra_info("socket")):
            EXCHANGE.get().is_in_vain = True
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


class PublicNetwork(httpcore.AsyncNetworkBackend):
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

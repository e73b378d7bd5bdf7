"""The client's side of a WebSocket, as tests hold it: what they say, and what comes back."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

PROTOCOL = "graphql-transport-ws"
TYPENAME = {"query": "{ __typename }"}
INBOX = {"query": "subscription { inboxMessage { version unreadCount messages { text } } }"}


class Peer:
    """The client's side of one socket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, message: Any) -> None:
        await self.connection.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await asyncio.wait_for(self.connection.recv(), 60))
        return message

    async def _receive_all(self) -> None:
        while True:
            await self.receive()

    async def closed(self) -> tuple[int, str]:
        """The code and reason of the close frame, after whatever was sent before it."""
        with pytest.raises(ConnectionClosed) as closed:
            await self._receive_all()
        frame = closed.value.rcvd
        assert frame is not None
        return frame.code, frame.reason

    async def initialise(self, token: str | None = None) -> "Peer":
        await self.send({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"} if token else {}})
        assert (await self.receive())["type"] == "connection_ack"
        return self

    async def subscribe(self, identifier: str, payload: dict[str, Any]) -> None:
        await self.send({"id": identifier, "type": "subscribe", "payload": payload})


@asynccontextmanager
async def peer(url: str, *, protocol: str | None = PROTOCOL, **options: Any) -> AsyncIterator[Peer]:
    subprotocols = [Subprotocol(protocol)] if protocol else None
    async with connect(url.replace("http", "ws"), subprotocols=subprotocols, **options) as connection:
        yield Peer(connection)


@asynccontextmanager
async def deaf_peer(url: str) -> AsyncIterator[Peer]:
    """A client that takes in next to nothing until it is asked to receive, and is gone without a word in the end."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", urlsplit(url).port))
    async with peer(url, sock=connection, max_queue=1, compression=None) as client:
        yield client
        client.connection.transport.abort()


async def flood(client: Peer, count: int) -> None:
    """Ask `count` times, with ids so long that their answers fill whatever is between a socket and its client."""
    for number in range(count):
        await client.subscribe(f"{number}:".ljust(60_000, "x"), TYPENAME)

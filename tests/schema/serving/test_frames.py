"""Frames without end, of which no message comes: nothing is kept of them."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette
from websockets.frames import Frame, Opcode

from schema.serving.frames import Frames
from tests.api import serving
from tests.schema.serving.peer import Peer, peer
from tests.waiting import until


@pytest.fixture
async def ends(app: Starlette) -> AsyncIterator[tuple[Peer, Any]]:
    """Both ends of a socket: the client's, and the server's protocol."""
    listener = socket.create_server(("127.0.0.1", 0))
    async with (
        serving(app, listener) as server,
        peer(f"http://127.0.0.1:{listener.getsockname()[1]}/graphql") as client,
    ):
        (connection,) = server.server_state.connections
        assert isinstance(connection, Frames)
        yield await client.initialise(), connection


async def send(client: Peer, frames: list[Frame]) -> None:
    """Send frames as they are, and wait until they have left."""
    transport = client.connection.transport
    transport.write(b"".join(frame.serialize(mask=True) for frame in frames))
    await until(lambda: transport.get_write_buffer_size() == 0)


async def answered(client: Peer) -> None:
    """Wait for the answer to a ping, before which all that was sent has been read."""
    await asyncio.wait_for(await client.connection.ping(), 60)


async def test_of_pings_whose_answers_nobody_takes_only_some_are_answered(ends: tuple[Peer, Any]):
    client, server = ends
    client.connection.transport.pause_reading()
    for _ in range(20):
        await send(client, [Frame(Opcode.PING, b"x" * 125)] * 10_000)
    kept = server.transport.get_write_buffer_size()
    client.connection.transport.resume_reading()
    await until(lambda: server.transport.get_write_buffer_size() == 0)
    await answered(client)

    assert kept < 2_000_000  # of 25 million bytes


async def test_parts_of_a_message_that_are_empty_are_not_kept(ends: tuple[Peer, Any]):
    client, server = ends
    await send(client, [Frame(Opcode.TEXT, b" ", fin=False), *[Frame(Opcode.CONT, b"", fin=False)] * 1_000])
    await answered(client)

    assert len(server.frames) == 1

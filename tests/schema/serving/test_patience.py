"""Clients that keep their connection and read nothing: what they hold comes free."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from models import database
from operations import listening
from resolvers import body
from schema.serving import event_stream, patience, places
from tests.api import serving, shopper
from tests.factories import make_customers, make_resolved, make_shop
from tests.schema.serving.peer import INBOX, deaf_peer, flood
from tests.waiting import until

_SAID = " ".join(f"m{number}: messages {{ ...said }}" for number in range(12))
LARGE = f"subscription {{ inboxMessage {{ {_SAID} }} }} fragment said on Message {{ text }}"
"""With one long message in the inbox, its first event is more than a server keeps for a client before it waits."""

BY_THE_KERNEL = pytest.mark.skipif(sys.platform != "linux", reason="TCP_USER_TIMEOUT is Linux's")

STREAM = {"accept": "text/event-stream"}


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[tuple[str, uvicorn.Server]]:
    """The endpoint where `server.py` would listen, but that little is sent before it is read."""
    with listening.listen("127.0.0.1", 0) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        async with serving(app, listener) as server:
            yield f"{listening.url_of(listener)}/graphql", server


@asynccontextmanager
async def deaf_stream(url: str, token: str) -> AsyncIterator[None]:
    """A client that asks for events and reads nothing, not even the head of the answer."""
    asked = json.dumps({"query": LARGE}).encode()
    head = (
        f"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(asked)}\r\n\r\n"
    )
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setblocking(False)
        await loop.sock_connect(connection, ("127.0.0.1", urlsplit(url).port))
        await loop.sock_sendall(connection, head.encode() + asked)
        yield


@pytest.fixture
async def reader() -> str:
    """The token of a shopper who has a message, a long one."""
    shop = await make_shop()
    await make_customers(shop, 1)
    await make_resolved(shop)
    await database.execute("UPDATE plan_content SET text = repeat('x', 15000)")
    return shopper("c0")


async def has_a_place(url: str, token: str) -> bool:
    """Whether the shopper may have one more stream."""
    headers = {**STREAM, "authorization": f"Bearer {token}"}
    async with httpx.AsyncClient() as client, client.stream("POST", url, json=INBOX, headers=headers) as response:
        events = response.aiter_lines()  # it must live on: whoever lets go of it closes the response
        while not (line := await anext(events)).startswith("data: "):
            pass
    return "errors" not in json.loads(line.removeprefix("data: "))


async def test_a_stream_that_nobody_reads_ends_and_leaves_its_place(
    app: Starlette, reader: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(places, "MAX_CONNECTIONS", 1)
    monkeypatch.setattr(event_stream, "HEARTBEAT", 0.1)
    monkeypatch.setattr(patience, "PATIENCE", 0.1)
    async with served(app) as (url, _), deaf_stream(url, reader):
        await until(lambda: len(app.state.listener._shoppers) == 1)
        await until(lambda: len(app.state.listener._shoppers) == 0)
        await until(lambda: has_a_place(url, reader))


async def test_a_connection_on_which_a_body_does_not_come_whole_is_ended(
    app: Starlette, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(body, "PATIENCE", 0.1)
    head = b"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n"
    async with served(app) as (url, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
        writer.write(head + b'{"query":')
        answer = await asyncio.wait_for(reader.read(), 60)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"BAD_REQUEST"' in answer


@BY_THE_KERNEL
async def test_a_connection_on_which_nothing_is_taken_is_ended(
    app: Starlette, reader: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(listening, "PATIENCE", 1)
    async with served(app) as (url, server), deaf_stream(url, reader):
        await until(lambda: len(server.server_state.connections) == 1)
        await until(lambda: len(server.server_state.connections) == 0)


@BY_THE_KERNEL
async def test_a_socket_that_nobody_reads_is_ended_and_leaves_its_place(
    app: Starlette, reader: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(places, "MAX_CONNECTIONS", 1)
    monkeypatch.setattr(listening, "PATIENCE", 1)
    async with served(app) as (url, server), deaf_peer(url) as deaf:
        await deaf.initialise(reader)
        flooding = asyncio.create_task(flood(deaf, 300))
        await until(lambda: len(server.server_state.connections) == 0)
        await until(lambda: has_a_place(url, reader))
    await asyncio.gather(flooding, return_exceptions=True)

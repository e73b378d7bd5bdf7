"""Heads without end, never to their end, and what comes after them that is none."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from schema.serving import heads
from tests.api import serving
from tests.waiting import until

HEAD = b"GET /said HTTP/1.1\r\nhost: 127.0.0.1\r\n"
CHUNKED = b"POST /said HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n"
MEGABYTE = b"x" * 1024 * 1024


async def said(request: Request) -> Response:
    """The body of a POST, and then a header: trailers have come by now."""
    body = await request.body() if request.method == "POST" else b""
    return PlainTextResponse(f"{body.decode()} {request.headers.get('x-trailer')}")


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """The port of a server, as `server.py` runs it, which says what it was told."""
    listener = socket.create_server(("127.0.0.1", 0))
    async with serving(Starlette(routes=[Route("/said", said, methods=["GET", "POST"])]), listener):
        yield listener.getsockname()[1]


async def answer(port: int, beginning: bytes, more: bytes = b"", times: int = 0) -> bytes:
    """What is answered to `beginning`, with `more` so many times behind it, until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with suppress(ConnectionError):
        writer.write(beginning)
        for _ in range(times):
            writer.write(more)
            await writer.drain()
    received = b""
    with suppress(ConnectionError):  # what was sent after the end is answered with a reset
        while part := await asyncio.wait_for(reader.read(65_536), 60):
            received += part
    writer.close()
    return received


@pytest.mark.parametrize(
    ("beginning", "more"),
    [
        pytest.param(b"GET /", MEGABYTE, id="in its path"),
        pytest.param(HEAD + b"x-long: ", MEGABYTE, id="in a header"),
        pytest.param(HEAD, b"x: y\r\n" * 100_000, id="in many headers"),
        pytest.param(b"", b"\r\n" * 500_000, id="before it begins"),
        pytest.param(CHUNKED + b"0\r\nx-long: ", MEGABYTE, id="in a trailer"),
        pytest.param(CHUNKED + b"0\r\n", b"x: y\r\n" * 100_000, id="in many trailers"),
        pytest.param(CHUNKED + b"1;", MEGABYTE, id="in what a chunk says of itself"),
    ],
)
async def test_a_head_without_end_ends_its_connection(port: int, beginning: bytes, more: bytes):
    assert b"200 OK" not in await answer(port, beginning, more, times=8)


async def test_who_is_refused_for_a_long_head_is_told(port: int):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + b"x-long: " + b"x" * 60_000)
    await writer.drain()
    writer.write(b"x" * 60_000)
    told = await asyncio.wait_for(reader.read(), 60)
    writer.close()

    assert told.startswith(b"HTTP/1.1 431 ")


async def test_a_head_as_long_as_an_operation_by_get_may_be_is_taken(port: int):
    close = b"connection: close\r\n\r\n"

    told = await answer(port, HEAD + b"x-long: " + b"x" * 60_000 + b"\r\n" + close)

    assert told.startswith(b"HTTP/1.1 200 ")


async def test_requests_one_after_another_have_a_head_each(port: int):
    request = HEAD + b"x-long: " + b"x" * 20_000 + b"\r\n\r\n"
    last = HEAD + b"connection: close\r\n\r\n"

    told = await answer(port, request * 9 + last)

    assert told.count(b"HTTP/1.1 200 ") == 10


async def test_trailers_are_nobodys_headers(port: int):
    closing = CHUNKED.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")

    told = await answer(port, closing + b"3\r\nabc\r\n0\r\nx-trailer: admin\r\n\r\n")

    assert told.endswith(b"abc None")


@pytest.mark.parametrize(
    "beginning",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(HEAD, id="a part of a head"),
        pytest.param(HEAD + b"\r\n" + b"\r\n", id="a whole request, and an empty line"),
        pytest.param(HEAD + b"content-length: 9\r\n\r\nx", id="a body whose answer was not to wait for it"),
    ],
)
async def test_a_connection_on_which_no_head_comes_whole_is_ended(
    port: int, beginning: bytes, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(heads, "PATIENCE", 0.2)

    await asyncio.wait_for(answer(port, beginning), 60)


async def test_an_answer_that_takes_longer_than_a_head_may_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(heads, "PATIENCE", 0.2)
    ready = asyncio.Event()

    async def slow(_request: Request) -> Response:
        await ready.wait()
        return PlainTextResponse("at last")

    listener = socket.create_server(("127.0.0.1", 0))
    async with serving(Starlette(routes=[Route("/said", slow)]), listener) as server:
        asking = asyncio.create_task(answer(listener.getsockname()[1], HEAD + b"connection: close\r\n\r\n"))
        await until(lambda: len(server.server_state.tasks) == 1)
        await asyncio.sleep(0.5)
        ready.set()

        assert (await asking).endswith(b"at last")

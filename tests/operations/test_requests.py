"""Every request has an id, in its answer and in every log line it causes."""

import asyncio
import logging

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from operations.requests import HEADER, RequestLog
from server import create_app
from settings import Settings


async def ask(settings: Settings, path: str, **headers: str) -> httpx.Response:
    """What the whole app answers, without its engines."""
    transport = httpx.ASGITransport(app=create_app(settings), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get(path, headers=headers)


def told(record: logging.LogRecord) -> tuple[object, ...]:
    """Method, path and status of a line."""
    return tuple(vars(record)[name] for name in ("method", "path", "status"))


async def test_each_answer_carries_an_id_of_its_own(settings: Settings):
    first, second = [(await ask(settings, "/health")).headers[HEADER] for _ in range(2)]

    assert len(first) == len(second) == 32
    assert first != second


async def test_an_id_that_was_given_is_kept(settings: Settings):
    assert (await ask(settings, "/health", **{HEADER: "edge-0123456789"})).headers[HEADER] == "edge-0123456789"


@pytest.mark.parametrize("given", ["short", "x" * 65, "ana@example.com", "a\tb-12345678", ""])
async def test_an_id_of_another_form_is_not_believed(settings: Settings, given: str):
    answered = (await ask(settings, "/health", **{HEADER: given})).headers[HEADER]

    assert answered != given
    assert len(answered) == 32


async def test_who_is_still_waiting_when_the_server_waits_no_longer_is_told_so():
    said: list[Message] = []
    begun = asyncio.Event()

    async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        said.append(message)

    scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": []}
    answering = asyncio.create_task(RequestLog(never)(scope, receive, send))
    await begun.wait()
    answering.cancel()  # as uvicorn does
    await answering

    assert said[0]["status"] == 503
    assert said[1]["body"] == b"The server is being stopped."


async def test_a_line_tells_how_a_request_ended_and_not_its_token(settings: Settings, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, "operations.requests"):
        await ask(settings, "/unsubscribe/a-token-that-nobody-must-see?email=ana")

    (record,) = caplog.records
    assert told(record) == ("GET", "/unsubscribe", 404)
    assert "token" not in str(vars(record)) and "ana" not in str(vars(record))


async def test_of_a_path_that_is_not_ours_nothing_is_told(settings: Settings, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, "operations.requests"):
        await ask(settings, "/ana@example.com")

    (record,) = caplog.records
    assert told(record)[1:] == ("elsewhere", 404)
    assert "ana" not in str(vars(record))


async def test_what_monitors_ask_is_logged_only_when_it_does_not_go_well(settings: Settings, caplog):
    with caplog.at_level(logging.INFO, "operations.requests"):
        await ask(settings, "/health")
        await ask(settings, "/metrics")

    assert [told(record)[1:] for record in caplog.records] == [("/metrics", 404)]

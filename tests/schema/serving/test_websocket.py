"""graphql-transport-ws, held to its protocol: what closes a socket, with which code, and what does not.

The scenarios are those of https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md.
"""

from typing import Any

import pytest
from websockets.asyncio.client import connect

from schema.serving import websocket
from tests.api import shopper
from tests.schema.serving.peer import INBOX, TYPENAME, Peer, peer


@pytest.mark.parametrize("message", [{}, {"payload": None}, {"payload": {}}])
async def test_an_init_with_or_without_a_payload_is_acknowledged(url: str, message: dict[str, Any]):
    async with peer(url) as client:
        await client.send({"type": "connection_init", **message})

        assert await client.receive() == {"type": "connection_ack"}


@pytest.mark.parametrize("protocol", [None, "graphql-ws"])
async def test_another_subprotocol_is_closed_as_unacceptable(url: str, protocol: str | None):
    if protocol is None:
        async with peer(url, protocol=None) as client:
            assert (await client.closed())[0] == 4406
    else:
        async with connect(url.replace("http", "ws"), additional_headers={"sec-websocket-protocol": protocol}) as raw:
            assert (await Peer(raw).closed())[0] == 4406


@pytest.mark.parametrize(
    "message",
    [
        "not JSON", "[]", "null", "5", '"x"', "{}", '{"type": 5}', '{"type": "unknown"}', "[" * 5000,
        {"type": "connection_init", "payload": []}, {"type": "connection_init", "payload": "x"}, b"\x00\x01",
    ],
    ids=lambda message: repr(message)[:30],
)  # fmt: skip
async def test_a_malformed_message_is_closed_as_a_bad_request(url: str, message: Any):
    async with peer(url) as client:
        await client.send(message)

        code, reason = await client.closed()
        assert code == 4400
        assert 0 < len(reason.encode()) <= 123


@pytest.mark.parametrize(
    "message",
    [
        {"type": "subscribe"}, {"type": "subscribe", "id": 1, "payload": TYPENAME},
        {"type": "subscribe", "id": ["a"], "payload": TYPENAME}, {"type": "subscribe", "id": "", "payload": TYPENAME},
        {"type": "subscribe", "id": "a"}, {"type": "subscribe", "id": "a", "payload": None},
        {"type": "subscribe", "id": "a", "payload": {"query": 5}},
        {"type": "subscribe", "id": "a", "payload": {**TYPENAME, "variables": []}},
        {"type": "complete"}, {"type": "complete", "id": {}},
    ],
    ids=lambda message: repr(message)[:60],
)  # fmt: skip
async def test_a_malformed_operation_is_closed_as_a_bad_request(url: str, message: dict[str, Any]):
    async with peer(url) as client:
        await client.initialise()
        await client.send(message)

        assert (await client.closed())[0] == 4400


async def test_a_second_init_is_one_too_many(url: str):
    async with peer(url) as client:
        await client.initialise()
        await client.send({"type": "connection_init"})

        assert await client.closed() == (4429, "Too many initialisation requests")


async def test_an_operation_before_the_init_is_unauthorized(url: str):
    async with peer(url) as client:
        await client.subscribe("a", TYPENAME)

        assert (await client.closed())[0] == 4401


async def test_a_client_that_does_not_introduce_itself_is_closed(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(websocket, "INIT_TIMEOUT", 0.2)
    async with peer(url) as client:
        await client.send({"type": "ping"})

        assert await client.closed() == (4408, "Connection initialisation timeout")


async def test_a_ping_is_answered_with_its_payload_at_any_time(url: str):
    async with peer(url) as client:
        await client.send({"type": "ping"})
        await client.send({"type": "pong"})
        assert await client.receive() == {"type": "pong"}
        await client.initialise()
        await client.send({"type": "ping", "payload": {"n": 1}})
        assert await client.receive() == {"type": "pong", "payload": {"n": 1}}


async def test_a_ping_whose_payload_has_more_levels_than_an_answer_may_have_is_closed_as_a_bad_request(url: str):
    async with peer(url) as client:
        await client.initialise()
        await client.send(f'{{"type": "ping", "payload": {{"n": {"[" * 900}{"]" * 900}}}}}')

        assert await client.closed() == (4400, "The payload of ping is nested too deeply")


async def test_queries_and_mutations_run_over_a_socket_too(url: str):
    async with peer(url) as client:
        await client.initialise()
        await client.subscribe("a", {"query": "query Q { __typename }", "operationName": "Q"})

        message = await client.receive()
        assert (message["id"], message["type"], message["payload"]["data"]) == ("a", "next", {"__typename": "Query"})
        assert message["payload"]["extensions"]["cost"]["requestedQueryCost"] == 1
        assert await client.receive() == {"id": "a", "type": "complete"}


@pytest.mark.parametrize(
    "query", ["{", "{ nothing }", "query A { a } query B { b }", "subscription { inboxMessage { x } }"]
)
async def test_one_bad_operation_does_not_close_the_socket(url: str, query: str):
    async with peer(url) as client:
        await client.initialise()
        await client.subscribe("bad", {"query": query})
        refused = await client.receive()
        await client.subscribe("bad", TYPENAME)
        answered = await client.receive()

    assert (refused["id"], refused["type"]) == ("bad", "error")
    assert refused["payload"][0]["extensions"]["code"] in ("GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED")
    assert answered["payload"]["data"] == {"__typename": "Query"}


async def test_an_id_in_use_is_a_conflict_and_one_that_was_used_is_not(url: str):
    async with peer(url) as client:
        await client.initialise(shopper("c0"))
        await client.subscribe("a", TYPENAME)
        await client.receive()
        await client.receive()
        await client.subscribe("a", INBOX)
        assert (await client.receive())["type"] == "next"
        await client.subscribe("a", INBOX)

        assert await client.closed() == (4409, "Subscriber for a already exists")

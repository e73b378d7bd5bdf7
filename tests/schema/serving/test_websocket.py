"""graphql-transport-ws, held to its protocol: what closes a socket, with which code, and what does not.

The scenarios are those of https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from models import live
from models.caller import Role
from models.clock import Clock
from resolvers import global_id
from schema.cost.limits import MAX_BODY
from schema.serving import places, websocket
from tests.api import seller, shopper, token_of
from tests.factories import make_customers, make_draft, make_resolved, make_shop
from tests.waiting import until

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


async def test_a_message_that_is_too_long_is_closed(url: str):
    async with peer(url) as client:
        await client.send(" " * (MAX_BODY + 1))

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


@pytest.mark.parametrize("token", ["x", "a.b.c", token_of(Role.CUSTOMER, "c0")[:-3]])
async def test_a_token_that_does_not_hold_is_forbidden(url: str, token: str):
    async with peer(url) as client:
        await client.send({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})

        assert (await client.closed())[0] == 4403


async def test_the_handshake_s_header_may_carry_the_token(url: str):
    async with peer(url, additional_headers={"authorization": f"Bearer {shopper('c0')}"}) as client:
        await client.initialise()
        await client.subscribe("a", {"query": "{ inbox { totalCount } }"})

        assert (await client.receive())["payload"]["data"] == {"inbox": {"totalCount": 0}}


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


async def test_a_subscription_without_a_token_is_an_error_of_its_own(url: str):
    async with peer(url) as client:
        await client.initialise()
        await client.subscribe("a", INBOX)
        message = await client.receive()

    assert message["payload"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


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


async def test_a_completed_subscription_frees_its_id_and_stops(url: str, app: Starlette):
    async with peer(url) as client:
        await client.initialise(shopper("c0"))
        await client.subscribe("a", INBOX)
        await client.receive()
        assert len(app.state.listener._shoppers) == 1
        await client.send({"type": "complete", "id": "a"})
        await client.subscribe("a", TYPENAME)
        assert (await client.receive())["payload"]["data"] == {"__typename": "Query"}

    assert len(app.state.listener._shoppers) == 0


async def test_a_client_that_leaves_leaves_nothing_behind(url: str, app: Starlette):
    async with peer(url) as client:
        await client.initialise(shopper("c0"))
        for identifier in "abc":
            await client.subscribe(identifier, INBOX)
            await client.receive()
        assert len(next(iter(app.state.listener._shoppers.values()))) == 3
    async with peer(url) as client:
        await client.initialise()

    assert len(app.state.listener._shoppers) == 0


async def test_more_operations_than_allowed_are_refused_one_by_one(url: str):
    async with peer(url) as client:
        await client.initialise(shopper("c0"))
        for number in range(websocket.MAX_OPERATIONS):
            await client.subscribe(str(number), INBOX)
            assert (await client.receive())["type"] == "next"
        await client.subscribe("more", INBOX)
        refused = await client.receive()

    assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "THROTTLED")


async def test_a_full_socket_takes_a_new_operation_in_place_of_one_that_is_completed(url: str):
    async with peer(url) as client:
        await client.initialise(shopper("c0"))
        for number in range(websocket.MAX_OPERATIONS):
            await client.subscribe(str(number), INBOX)
            assert (await client.receive())["type"] == "next"
        await client.send({"type": "complete", "id": "0"})
        await client.subscribe("more", INBOX)
        taken = await client.receive()

    assert (taken["id"], taken["type"]) == ("more", "next")


def tasks_of(name: str) -> int:
    """How many tasks of this process run a method of this name."""
    coroutines = [task.get_coro() for task in asyncio.all_tasks()]
    return sum(getattr(each, "__qualname__", "") == name for each in coroutines)


def operating() -> int:
    """How many tasks run operations of sockets, or send their last messages."""
    return tasks_of("Socket._operate")


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
        await client.subscribe(f"{number}:".ljust(200_000, "x"), TYPENAME)


async def test_a_client_that_reads_nothing_has_no_more_tasks_than_operations(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(websocket, "MAX_OPERATIONS", 3)
    async with deaf_peer(url) as deaf, peer(url) as other:
        await deaf.initialise()
        await other.initialise()
        flooding = asyncio.create_task(flood(deaf, 100))
        await until(lambda: operating() >= 3)
        most = 0
        for number in range(100):  # time enough to take what else it sends
            await other.subscribe(str(number), TYPENAME)
            most = max(most, operating())
            assert [(await other.receive())["type"] for _ in range(2)] == ["next", "complete"]
    await asyncio.gather(flooding, return_exceptions=True)
    await until(lambda: operating() == 0)

    assert 3 <= most <= 4  # the other's among them


async def test_a_client_that_reads_late_is_told_how_each_operation_ended(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(websocket, "MAX_OPERATIONS", 3)
    async with deaf_peer(url) as client:
        await client.initialise()
        flooding = asyncio.create_task(flood(client, 60))
        await until(lambda: operating() >= 3)
        ended: list[str] = []
        while len(ended) < 60:
            answer = await client.receive()
            if answer["type"] != "next":
                ended.append(answer["id"].partition(":")[0])
        await flooding

    assert sorted(ended, key=int) == [str(number) for number in range(60)]


async def test_a_client_that_reads_nothing_is_gone_with_its_token(
    url: str, monkeypatch: pytest.MonkeyPatch, clock: Clock
):
    monkeypatch.setattr(websocket, "CLOSE_TIMEOUT", 0.1)
    clock.reset()
    async with deaf_peer(url) as deaf:
        await deaf.initialise(token_of(Role.CUSTOMER, "c0", lifetime=timedelta(seconds=-1)))
        flooding = asyncio.create_task(flood(deaf, 100))
        await until(lambda: tasks_of("WebSocketsSansIOProtocol.run_asgi") == 0)
        assert operating() == 0
    await asyncio.gather(flooding, return_exceptions=True)


async def test_one_caller_has_a_bounded_number_of_sockets(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(places, "MAX_CONNECTIONS", 2)
    async with peer(url) as first, peer(url) as second, peer(url) as third, peer(url) as other:
        await first.initialise(shopper("c0"))
        await second.initialise(shopper("c0"))
        await other.initialise(shopper("c1"))
        await third.send({"type": "connection_init", "payload": {"authorization": f"Bearer {shopper('c0')}"}})
        assert (await third.closed())[0] == 4403
    async with peer(url) as again:
        await again.initialise(shopper("c0"))


async def test_callers_without_a_token_share_a_bounded_number_of_sockets(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(places, "MAX_CONNECTIONS", 2)
    async with peer(url) as first, peer(url) as second, peer(url) as third, peer(url) as known:
        await first.initialise()
        await second.initialise()
        await third.send({"type": "connection_init"})
        assert (await third.closed())[0] == 4403
        await known.initialise(shopper("c0"))
    async with peer(url) as again:
        await again.initialise()


async def test_a_token_that_ends_ends_its_socket(url: str, clock: Clock):
    clock.reset()
    async with peer(url) as client:
        await client.initialise(token_of(Role.CUSTOMER, "c0", lifetime=timedelta(seconds=-4)))

        assert await client.closed() == (4403, "The token has expired")


async def test_an_operation_after_the_token_s_end_ends_the_socket(url: str, clock: Clock):
    async with peer(url) as client:
        await client.initialise(token_of(Role.CUSTOMER, "c0", lifetime=timedelta(minutes=1)))
        clock.move(timedelta(minutes=2))
        await client.subscribe("a", TYPENAME)

        assert await client.closed() == (4403, "The token has expired")


async def test_an_inbox_tells_how_it_stands_and_then_each_arrival(url: str, app: Starlette):
    shop = await make_shop()
    (customer,) = await make_customers(shop, 1)
    await make_customers(shop, 1, prefix="other")
    await make_resolved(shop)
    async with peer(url) as client:
        await client.initialise(shopper("c0"))
        await client.subscribe("a", INBOX)
        snapshot = (await client.receive())["payload"]["data"]["inboxMessage"]
        await make_resolved(shop, content={"texts": {"en": {"text": "News for {name}"}}})
        await live.inbox_changed(app.state.queue, UUID(int=customer.int - 1), customer)
        event = (await client.receive())["payload"]["data"]["inboxMessage"]

    assert (snapshot["unreadCount"], len(snapshot["messages"])) == (1, 1)
    assert (event["unreadCount"], event["messages"]) == (2, [{"text": "News for c0"}])
    assert event["version"] > snapshot["version"]


async def test_a_plan_s_progress_rises_to_its_end_and_completes(url: str, app: Starlette):
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_draft(shop)
    query = "subscription ($id: ID!) { planProgress(planId: $id) { version status recipients sent } }"
    async with peer(url) as client:
        await client.initialise(seller(shop))
        await client.subscribe("a", {"query": query, "variables": {"id": global_id.encode("Plan", plan.id)}})
        snapshot = (await client.receive())["payload"]["data"]["planProgress"]
        await plan.submit(shop, send_at=None, deadline_after=timedelta(hours=1))
        await plan.cancel()
        await live.plan_changed(app.state.queue, plan.id)
        event = (await client.receive())["payload"]["data"]["planProgress"]
        last = await client.receive()

    assert (snapshot["status"], snapshot["recipients"]) == ("DRAFT", 0)
    assert (event["status"], event["version"] > snapshot["version"]) == ("CANCELLED", True)
    assert last == {"id": "a", "type": "complete"}

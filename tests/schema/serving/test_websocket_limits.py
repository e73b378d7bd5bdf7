"""How much one socket, and one caller's sockets, may ask for; and clients that read nothing of the answers."""

import asyncio
import json
import tracemalloc
from datetime import timedelta

import pytest

from models.caller import Role
from models.clock import Clock
from schema.cost.limits import MAX_MESSAGE
from schema.serving import places, websocket
from tests.api import shopper, token_of
from tests.schema.serving.peer import INBOX, TYPENAME, deaf_peer, flood, peer
from tests.waiting import until


async def test_a_message_that_is_too_long_is_closed(url: str):
    async with peer(url) as client:
        await client.send(" " * (MAX_MESSAGE + 1))

        assert (await client.closed())[0] == 1009


async def test_a_message_of_the_greatest_length_is_read_in_however_many_parts_it_comes(url: str):
    async with peer(url) as client:
        text = json.dumps({"type": "connection_init"}).ljust(MAX_MESSAGE)
        await client.connection.send(["", *(text[begin : begin + 64] for begin in range(0, MAX_MESSAGE, 64)), "", ""])

        assert (await client.receive())["type"] == "connection_ack"


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


async def test_a_subscription_keeps_no_variables_that_it_does_not_declare(url: str):
    junk: list[list[int]] = [[] for _ in range(15_000)]
    async with peer(url) as client:
        await client.initialise(shopper("c0"))
        await client.subscribe("first", {**INBOX, "variables": {"junk": junk}})
        await client.receive()
        tracemalloc.start()
        for number in range(10):
            await client.subscribe(str(number), {**INBOX, "variables": {"junk": junk}})
            assert (await client.receive())["type"] == "next"
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert kept < 2_000_000  # bytes; each of the ten has about half of that


async def test_a_client_that_reads_nothing_has_no_more_tasks_than_operations(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(websocket, "MAX_OPERATIONS", 3)
    async with deaf_peer(url) as deaf, peer(url) as other:
        await deaf.initialise()
        await other.initialise()
        flooding = asyncio.create_task(flood(deaf, 300))
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
        flooding = asyncio.create_task(flood(client, 180))
        await until(lambda: operating() >= 3)
        ended: list[str] = []
        while len(ended) < 180:
            answer = await client.receive()
            if answer["type"] != "next":
                ended.append(answer["id"].partition(":")[0])
        await flooding

    assert sorted(ended, key=int) == [str(number) for number in range(180)]


async def test_a_client_that_reads_nothing_is_gone_with_its_token(
    url: str, monkeypatch: pytest.MonkeyPatch, clock: Clock
):
    monkeypatch.setattr(websocket, "CLOSE_TIMEOUT", 0.1)
    clock.reset()
    async with deaf_peer(url) as deaf:
        await deaf.initialise(token_of(Role.CUSTOMER, "c0", lifetime=timedelta(seconds=-1)))
        flooding = asyncio.create_task(flood(deaf, 300))
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

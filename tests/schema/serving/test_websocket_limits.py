"""How much one socket, and one caller's sockets, may ask for; and clients that read nothing of the answers."""

import asyncio
import json
import tracemalloc
from datetime import timedelta
from typing import Any

import pytest

from models.caller import Role
from models.clock import Clock
from schema.cost import limits
from schema.cost.limits import MAX_MESSAGE, MAX_SOURCE_LENGTH
from schema.execution.subscribed import MAX_SUBSCRIBED
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


def inbox(name: str, length: int) -> dict[str, Any]:
    """A subscription of this name, with a document of this length."""
    return {"query": f"subscription {name} {{ inboxMessage {{ version }} }}".ljust(length)}


async def test_a_subscription_with_long_variables_is_refused(url: str):
    query = """subscription ($after: String) {
      inboxMessage { messages { conversation { remarks(after: $after) { nodes { text } } } } } }"""
    async with peer(url) as client:
        await client.initialise(shopper("c0"))
        await client.subscribe("long", {"query": query, "variables": {"after": "x" * limits.MAX_SUBSCRIBED_VARIABLES}})
        refused = await client.receive()
        await client.subscribe("short", {"query": query, "variables": {"after": None}})
        taken = await client.receive()

    assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "MAX_COST_EXCEEDED")
    assert taken["type"] == "next"


async def test_a_subscription_with_variables_within_each_other_without_end_is_refused(url: str):
    """JSON is read with more levels than it is written with, and an answer comes all the same."""
    deep = json.dumps({"query": "subscription ($id: ID!) { planProgress(planId: $id) { version } }"})
    nested = f'{deep[:-1]}, "variables": {{"id": {"[" * 900}{"]" * 900}}}}}'
    async with peer(url) as client:
        await client.initialise(shopper("c0"))
        await client.send(f'{{"id": "deep", "type": "subscribe", "payload": {nested}}}')
        await client.subscribe("flat", INBOX)
        answers = [await client.receive() for _ in range(2)]

    assert [(each["id"], each["type"]) for each in answers] == [("deep", "error"), ("flat", "next")]
    assert answers[0]["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_the_documents_of_one_caller_s_subscriptions_have_a_bound_over_all_sockets(url: str):
    async with peer(url) as client, peer(url) as second, peer(url) as other:
        for each, shopper_id in ((client, "c0"), (second, "c0"), (other, "c1")):
            await each.initialise(shopper(shopper_id))
        for number in range(4):
            await client.subscribe(str(number), inbox("A" if number % 2 else "B", MAX_SUBSCRIBED // 2))
            assert (await client.receive())["type"] == "next"
        await second.subscribe("more", inbox("C", 60))
        refused = await second.receive()
        await second.subscribe("known", inbox("A", MAX_SUBSCRIBED // 2))
        await other.subscribe("other", inbox("C", 60))
        assert [(await each.receive())["type"] for each in (second, other)] == ["next", "next"]
        for number in (0, 2):
            await client.send({"type": "complete", "id": str(number)})
        await client.subscribe("after", TYPENAME)
        assert [(await client.receive())["type"] for _ in range(2)] == ["next", "complete"]
        await second.subscribe("again", inbox("C", 60))
        again = await second.receive()

    assert (refused["id"], refused["type"]) == ("more", "error")
    assert refused["payload"][0]["extensions"]["code"] == "THROTTLED"
    assert (again["id"], again["type"]) == ("again", "next")


async def test_subscriptions_with_the_same_text_keep_one_document_between_them_and_no_text(
    url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("schema.execution.document.MAX_CACHED_SOURCE", 100)
    fields = " ".join(f"inboxMessage {{ {'version ' * 10} }}" for _ in range(20))
    asked = {"query": f"subscription {{ {fields} }}".ljust(MAX_SOURCE_LENGTH)}
    async with peer(url) as client:
        await client.initialise(shopper("c0"))
        await client.subscribe("first", asked)
        assert (await client.receive())["type"] == "next"
        tracemalloc.start()
        for number in range(10):
            await client.subscribe(str(number), asked)
            assert (await client.receive())["type"] == "next"
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert kept < 10 * MAX_SOURCE_LENGTH  # bytes; the texts alone would come to that


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

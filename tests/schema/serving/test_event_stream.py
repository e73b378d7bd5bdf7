"""Subscriptions as server-sent events (GraphQL over SSE, distinct connections)."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.applications import Starlette

from models import live
from models.caller import Role
from models.clock import Clock
from schema.serving import event_stream, places
from tests.api import shopper, token_of
from tests.factories import make_customers, make_resolved, make_shop
from tests.schema.serving.peer import peer
from tests.waiting import until

STREAM = {"accept": "text/event-stream"}
INBOX = {"query": "subscription { inboxMessage { unreadCount } }"}


async def events(response: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    async for line in response.aiter_lines():
        if line.startswith(":"):
            yield "comment", None
        elif line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data:"):
            data = line.removeprefix("data:").strip()
            yield name, json.loads(data) if data else None


async def test_a_subscription_streams_its_events(url: str, app: Starlette):
    shop = await make_shop()
    (customer,) = await make_customers(shop, 1)
    headers = {**STREAM, "authorization": f"Bearer {shopper('c0')}"}
    async with httpx.AsyncClient() as client, client.stream("POST", url, json=INBOX, headers=headers) as response:
        stream = events(response)
        first = await anext(stream)
        await make_resolved(shop)
        await live.inbox_changed(app.state.queue, UUID(int=customer.int - 1), customer)
        second = await anext(stream)

    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert first[0] == second[0] == "next"
    assert [event["data"]["inboxMessage"]["unreadCount"] for _, event in (first, second)] == [0, 1]


async def test_silence_is_broken_by_comments(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(event_stream, "HEARTBEAT", 0.1)
    headers = {**STREAM, "authorization": f"Bearer {shopper('c0')}"}
    async with httpx.AsyncClient() as client, client.stream("POST", url, json=INBOX, headers=headers) as response:
        stream = events(response)
        while (await anext(stream))[0] == "comment":
            pass  # the snapshot may take longer than a silence

        assert [(await anext(stream))[0] for _ in range(2)] == ["comment", "comment"]


async def test_a_client_that_leaves_leaves_nothing_behind(url: str, app: Starlette):
    headers = {**STREAM, "authorization": f"Bearer {shopper('c0')}"}
    async with httpx.AsyncClient() as client:
        async with client.stream("POST", url, json=INBOX, headers=headers) as response:
            await anext(events(response))
            assert len(app.state.listener._shoppers) == 1
        for _ in range(100):
            if not app.state.listener._shoppers:
                break
            await client.post(url, json={"query": "{ __typename }"})

    assert len(app.state.listener._shoppers) == 0


@asynccontextmanager
async def streaming(client: httpx.AsyncClient, url: str, token: str) -> AsyncIterator[tuple[str, Any]]:
    """The first event of a stream that stays open."""
    headers = {**STREAM, "authorization": f"Bearer {token}"}
    async with client.stream("POST", url, json=INBOX, headers=headers) as response:
        stream = events(response)  # it must live on: whoever lets go of it closes the response
        yield await anext(stream)


async def test_one_caller_has_a_bounded_number_of_streams(url: str, app: Starlette, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(places, "MAX_CONNECTIONS", 2)
    async with httpx.AsyncClient() as client, AsyncExitStack() as stack:
        one = await stack.enter_async_context(streaming(client, url, shopper("c0")))
        async with streaming(client, url, shopper("c0")) as two, streaming(client, url, shopper("c0")) as three:
            watched = sum(len(each) for each in app.state.listener._shoppers.values())
            async with streaming(client, url, shopper("c1")) as other:
                pass

        async def is_taken_again() -> bool:
            async with streaming(client, url, shopper("c0")) as again:
                return "data" in again[1]

        await until(is_taken_again)

    assert three[1]["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert ["data" in each[1] for each in (one, two, three, other)] == [True, True, False, True]
    assert watched == 2


async def test_a_caller_s_streams_and_sockets_count_together(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(places, "MAX_CONNECTIONS", 1)
    async with httpx.AsyncClient() as client, peer(url) as socket:
        await socket.initialise(shopper("c0"))
        async with streaming(client, url, shopper("c0")) as refused:
            assert refused[1]["errors"][0]["extensions"]["code"] == "THROTTLED"


async def test_a_token_that_ends_ends_its_stream(url: str, monkeypatch: pytest.MonkeyPatch, clock: Clock):
    monkeypatch.setattr(event_stream, "HEARTBEAT", 0.1)
    headers = {**STREAM, "authorization": f"Bearer {token_of(Role.CUSTOMER, 'c0', lifetime=timedelta(minutes=1))}"}
    async with httpx.AsyncClient() as client, client.stream("POST", url, json=INBOX, headers=headers) as response:
        stream = events(response)
        await anext(stream)
        clock.move(timedelta(minutes=2))
        rest = [event async for event in stream if event[0] != "comment"]

    assert rest[0][1]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert rest[1] == ("complete", None)


@pytest.mark.parametrize(
    "query", ["{ __typename }", "{", "{ nothing }", "subscription { inboxMessage { unreadCount } }"]
)
async def test_whatever_has_one_answer_is_a_stream_of_one(client: httpx.AsyncClient, query: str):
    """Also a subscription that cannot begin, here for want of a token."""
    response = await client.post("/graphql", json={"query": query}, headers=STREAM)

    assert response.status_code == 200
    assert [line.partition(":")[2].strip() for line in response.text.splitlines() if line.startswith("event")] == [
        "next",
        "complete",
    ]


async def test_a_stream_of_variables_within_each_other_without_end_is_a_refusal(client: httpx.AsyncClient):
    query = json.dumps("subscription ($id: ID!) { planProgress(planId: $id) { version } }")
    body = f'{{"query": {query}, "variables": {{"id": {"[" * 900}{"]" * 900}}}}}'
    response = await client.post("/graphql", content=body, headers={**STREAM, "content-type": "application/json"})

    assert response.status_code == 200
    assert "BAD_USER_INPUT" in response.text


async def test_a_subscription_that_cannot_be_streamed_is_refused(client: httpx.AsyncClient):
    response = await client.post("/graphql", json=INBOX, headers={"accept": "application/json"})

    assert response.status_code == 406

"""Subscribers of one process look together: a nudge takes as many statements for twenty as for two."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from starlette.applications import Starlette

from models import live
from models import message as messages
from models.caller import Role
from models.clock import Clock
from models.identifier import customer_id
from resolvers import global_id
from resolvers.live import Readings
from schema.execution.answer import Answer
from schema.execution.operation import Operation, Ready
from tests.api import token_of
from tests.factories import make_customers, make_draft, make_resolved, make_shop
from tests.test_statements import counted

INBOX = "subscription { inboxMessage { version unreadCount messages { text } } }"
PROGRESS = "subscription ($plan: ID!) { planProgress(planId: $plan) { version status } }"


async def subscribe(app: Starlette, query: str, token: str, **variables: Any) -> AsyncIterator[Answer]:
    graphql = app.routes[0].app.app  # type: ignore[attr-defined] # behind the CORS middleware
    caller = await graphql.verifier.caller(token)
    ready = graphql.engine.prepare(Operation(query, variables=variables), caller)
    assert isinstance(ready, Ready)
    stream: AsyncIterator[Answer] = graphql.engine.stream(ready, graphql.context({"app": app}, caller, None))
    return stream


async def nudged(app: Starlette, streams: list[AsyncIterator[Answer]], nudge: Any) -> list[Answer]:
    """The next answer of each after the nudge."""
    following = [asyncio.ensure_future(anext(stream)) for stream in streams]
    await asyncio.sleep(0.4)
    await nudge(app.state.queue)
    return await asyncio.wait_for(asyncio.gather(*following), 60)


async def test_a_nudge_reads_all_inboxes_in_one_statement(
    app: Starlette, monkeypatch: pytest.MonkeyPatch, clock: Clock
):
    shop = await make_shop()
    await make_customers(shop, 20)

    async def taken(size: int) -> int:
        streams = [await subscribe(app, INBOX, token_of(Role.CUSTOMER, f"c{n}")) for n in range(size)]

        async def nudge(redis: Any) -> None:
            await live.inbox_changed(redis, UUID(int=0), UUID(int=2**128 - 1))

        clock.freeze(clock.now() + timedelta(minutes=10))
        for stream in streams:
            assert not (await anext(stream)).errors
        await make_resolved(shop)
        with counted(monkeypatch) as statements:
            answers = await nudged(app, streams, nudge)
        assert [len(answer.data["inboxMessage"]["messages"]) for answer in answers if answer.data] == [1] * size
        for stream in streams:
            await stream.aclose()  # type: ignore[attr-defined] # an async generator
        return len(statements)

    assert await taken(2) == await taken(20)


async def test_a_nudge_computes_a_plan_s_progress_once(app: Starlette, monkeypatch: pytest.MonkeyPatch):
    shop = await make_shop()

    async def taken(size: int) -> int:
        plan = await make_draft(shop)
        token = token_of(Role.OWNER, shop=shop.external_id)
        identifier = global_id.encode("Plan", plan.id)
        streams = [await subscribe(app, PROGRESS, token, plan=identifier) for _ in range(size)]

        async def nudge(redis: Any) -> None:
            await type(plan).filter(id=plan.id).update(status="CANCELLED")
            await live.plan_changed(redis, plan.id)

        for stream in streams:
            await anext(stream)
        with counted(monkeypatch) as statements:
            answers = await nudged(app, streams, nudge)
        assert [
            answer.data for answer in answers if answer.data and answer.data["planProgress"]["status"] == "CANCELLED"
        ]
        for stream in streams:
            await stream.aclose()  # type: ignore[attr-defined] # an async generator
        return len(statements)

    assert await taken(2) == await taken(20)


async def test_who_begins_to_look_is_shown_all_and_whoever_was_looking_nothing_twice(app: Starlette, clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 1)
    await make_resolved(shop)
    clock.freeze(clock.now() + timedelta(hours=1))
    await make_resolved(shop)
    newest = (await Readings().inbox.load((customer_id("c0"), clock.now() - timedelta(days=9)))).newest
    readings = Readings()

    late, early = await asyncio.gather(
        readings.inbox.load((customer_id("c0"), clock.now())),
        readings.inbox.load((customer_id("c0"), clock.now() - timedelta(days=9))),
    )

    assert len(newest) == 2
    assert late == early
    assert late.newest == newest


async def test_an_inbox_is_read_from_an_instant_on(database: None, clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 2)
    await make_resolved(shop)
    at = clock.now()
    ids = [customer_id("c0"), customer_id("c1")]

    found = await messages.inboxes({ids[0]: at, ids[1]: at + timedelta(seconds=1)}, 20)

    assert [(found[each].unread, len(found[each].newest)) for each in ids] == [(1, 1), (1, 0)]

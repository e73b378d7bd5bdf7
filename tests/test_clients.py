"""Clients that people use, against the API behind a real server: each drives a plan from draft to SENT."""

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from gql import Client, gql
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport
from starlette.applications import Starlette

from models import audience, live
from models.plan import Plan, advance, wording
from models.shop import Shop
from tests.api import seller
from tests.factories import make_customers, make_shop

FOLDER = Path(__file__).parent / "clients"
NODE = shutil.which("node")

needs_node = pytest.mark.skipif(
    NODE is None or not (FOLDER / "node_modules" / ".package-lock.json").exists(),
    reason="needs Node.js and its packages: npm ci --prefix tests/clients",
)


async def node(script: str, *arguments: str) -> list[dict[str, Any]]:
    """What a script prints, as JSON lines; its errors fail the test."""
    assert NODE is not None
    process = await asyncio.create_subprocess_exec(
        NODE, FOLDER / script, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, errors.decode()
    return [json.loads(line) for line in output.splitlines()]


@pytest.fixture
async def shop(app: Starlette) -> AsyncIterator[Shop]:
    """A shop with five REPEAT customers, and someone who works off its plans as they are submitted."""
    shop = await make_shop()
    await make_customers(shop, 3)
    await make_customers(shop, 2, prefix="s", language="es")
    working = asyncio.create_task(work(app))
    yield shop
    working.cancel()


async def work(app: Starlette) -> None:
    while True:
        for plan in await Plan.filter(status="ONGOING"):
            await wording.pin(plan.id)
            await audience.resolve_range(plan.id)
            await live.plan_changed(app.state.queue, plan.id)
            await asyncio.sleep(0.6)
            await advance.finish(plan.id)
            await live.plan_changed(app.state.queue, plan.id)
        await asyncio.sleep(0.05)


def check(seen: list[dict[str, Any]]) -> None:
    """A snapshot of the draft, then rising versions to SENT, with everyone counted."""
    versions = [progress["version"] for progress in seen]
    assert versions == sorted(set(versions))
    assert (seen[0]["status"], seen[0]["recipients"]) == ("DRAFT", 0)
    assert {key: seen[-1][key] for key in ("status", "recipients", "sent")} == {
        "status": "SENT",
        "recipients": 5,
        "sent": 5,
    }
    assert await_order(progress["status"] for progress in seen)


def await_order(statuses: Any) -> bool:
    """Whether statuses only go forward."""
    order = ["DRAFT", "ONGOING", "SENT"]
    places = [order.index(status) for status in statuses]
    return places == sorted(places)


@needs_node
@pytest.mark.parametrize("client", ["fetch", "graphql-ws", "apollo", "urql"])
async def test_a_javascript_client_drives_a_plan_from_draft_to_sent(url: str, shop: Shop, client: str):
    (seen,) = await node(f"{client}.mjs", url, seller(shop))

    check(seen)  # type: ignore[arg-type] # one line holds the list


@needs_node
async def test_every_audit_of_graphql_over_http_passes_without_a_warning(url: str):
    audits = await node("audit.mjs", url)

    assert [audit for audit in audits if audit["status"] != "ok"] == []
    assert Counter(audit["status"] for audit in audits) == {"ok": 61}


async def test_gql_drives_a_plan_from_draft_to_sent(url: str, shop: Shop):
    """The Python client of the same name, over HTTP and WebSocket."""
    authorization = {"Authorization": f"Bearer {seller(shop)}"}
    http = Client(transport=HTTPXAsyncTransport(url=url, headers=authorization), fetch_schema_from_transport=True)
    sockets = Client(
        transport=WebsocketsTransport(url=url.replace("http", "ws"), init_payload=authorization),
        fetch_schema_from_transport=False,
    )
    seen: list[dict[str, Any]] = []
    async with http as asking, sockets as watching:
        segments = await asking.execute(gql("{ segments { nodes { id preset } } }"))
        (segment,) = (each for each in segments["segments"]["nodes"] if each["preset"] == "REPEAT")
        create = gql("mutation ($input: PlanCreateInput!) { planCreate(input: $input) { plan { id } } }")
        create.variable_values = {
            "input": {
                "name": "Spring",
                "channel": "CHAT",
                "segmentId": segment["id"],
                "texts": [{"language": "en", "text": "Hi"}, {"language": "es", "text": "Hola"}],
            }
        }
        plan_id = (await asking.execute(create))["planCreate"]["plan"]["id"]
        submit = gql("mutation ($input: PlanSubmitInput!) { planSubmit(input: $input) { plan { status } } }")
        submit.variable_values = {"input": {"id": plan_id}}
        progress = gql("subscription ($id: ID!) { planProgress(planId: $id) { version status recipients sent } }")
        progress.variable_values = {"id": plan_id}
        async for event in watching.subscribe(progress):
            seen.append(event["planProgress"])
            if len(seen) == 1:
                await asking.execute(submit)

    check(seen)

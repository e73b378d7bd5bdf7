"""/metrics: to whom it answers, and whether what it says is so."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from models import database as db
from models import worker
from models.plan import PlanChannel
from server import create_app
from settings import Settings
from tests.factories import make_customers, make_resolved, make_shop

TOKEN = "a token for monitors"


@pytest.fixture
def watched(settings: Settings) -> Settings:
    """Settings under which there is a page of metrics."""
    return settings.model_copy(update={"metrics_token": SecretStr(TOKEN)})


@pytest.fixture
async def client(watched: Settings, database: None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole app."""
    app = create_app(watched)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client,
    ):
        yield client


async def figures(client: httpx.AsyncClient) -> Mapping[str, float]:
    """Every sample, by its name and labels."""
    answer = await client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    return {
        sample.name + "".join(f",{key}={value}" for key, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_without_a_token_in_the_settings_there_is_no_such_page(settings: Settings):
    transport = httpx.ASGITransport(app=create_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/metrics", headers={"authorization": "Bearer "})).status_code == 404


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wrong", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ä"]
)
async def test_who_has_not_the_token_sees_nothing(client: httpx.AsyncClient, header: str):
    answer = await client.get("/metrics", headers=[(b"authorization", header.encode())])

    assert answer.status_code == 401
    assert answer.text == "Unauthorized"


async def test_what_the_tables_say_is_told(client: httpx.AsyncClient):
    shop = await make_shop()
    await make_customers(shop, 4)
    await make_resolved(shop, channel=PlanChannel.EMAIL)
    identifier = uuid4()
    await worker.register(identifier, "here:1", timedelta(minutes=1))
    await worker.beat(identifier, timedelta(minutes=1), [("mail:587", "example.com", "SENT", 9)])
    await worker.swept(identifier)

    found = await figures(client)

    assert found["rekindle_tables_read"] == 1
    assert found["rekindle_slices_due"] == found["rekindle_workers"] == 1
    assert found["rekindle_messages_waiting,reason=READY"] == 4
    assert found["rekindle_plans,status=ONGOING"] == 1
    assert found["rekindle_postings_waiting"] == found["rekindle_webhooks_failing"] == 0
    assert found["rekindle_messages_in_flight"] == found["rekindle_messages_unknown"] == 0
    assert 0 <= found["rekindle_sweep_age_seconds"] < 60
    assert found["rekindle_relay_messages_total,domain=example.com,outcome=SENT,relay=mail:587,worker=here:1"] == 9
    assert found["rekindle_part_up,part=database"] == found["rekindle_part_up,part=worker"] == 1


async def test_what_this_process_does_is_told(client: httpx.AsyncClient):
    await client.post("/graphql", json={"query": "{ __typename }"})
    await client.post("/graphql", json={"query": "{ nothing }"})
    await client.post("/graphql", json={"query": "{ __typename }"}, headers={"authorization": "Bearer wrong"})

    found = await figures(client)

    assert found["rekindle_operations_total,kind=query,outcome=ok"] == 1
    assert found["rekindle_operations_total,kind=none,outcome=refused"] == 2
    assert found["rekindle_database_connections,state=limit"] == 10
    assert found["rekindle_subscribers"] == 0
    assert found["process_resident_memory_bytes"] > 10_000_000


async def test_two_looks_in_a_row_ask_the_tables_once(client: httpx.AsyncClient):
    first = await figures(client)
    await worker.register(uuid4(), "here:1", timedelta(minutes=1))

    assert (await figures(client))["rekindle_workers"] == first["rekindle_workers"] == 0


async def test_without_the_database_it_says_so_and_tells_the_rest(watched: Settings):
    app = create_app(watched.model_copy(update={"database_url": "postgres://postgres@127.0.0.1:1/x"}))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client,
    ):
        found = await figures(client)

    assert found["rekindle_tables_read"] == found["rekindle_part_up,part=database"] == 0
    assert "rekindle_workers" not in found
    assert found["rekindle_part_up,part=redis"] == 1


async def test_a_table_that_is_not_there_yet_is_an_answer_too(client: httpx.AsyncClient):
    await db.execute("ALTER TABLE worker RENAME TO worker_elsewhere")
    try:
        assert (await figures(client))["rekindle_tables_read"] == 0
    finally:
        await db.execute("ALTER TABLE worker_elsewhere RENAME TO worker")

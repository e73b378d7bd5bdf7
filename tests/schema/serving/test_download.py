"""Exports over HTTP: by token or by link, of the caller's shop only, as files."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Message

from models.caller import Role
from models.clock import Clock
from models.export.link import LIFETIME
from models.plan import Plan
from models.shop import Shop
from resolvers import global_id
from resolvers.token import Verifier
from schema.serving import download, patience
from schema.serving.download import Downloads
from settings import Settings
from tests.api import Api, seller, shopper, token_of
from tests.databases import closed
from tests.factories import make_customers, make_resolved, make_shop

LINK = "query ($id: ID!) { plan(id: $id) { export(content: LEDGER, format: CSV) { url expiresAt } } }"


@pytest.fixture
async def client(settings: Settings, database: None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the downloads alone."""
    downloads = Downloads(settings, Verifier(settings))
    app = Starlette(
        routes=[
            Route("/exports/plans/{plan}/{name}", downloads.by_token),
            Route("/exports/{token}", downloads.by_link),
        ]
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://rekindle.test") as client:
        yield client


async def make_plan(name: str = "bloom") -> tuple[Shop, Plan, str]:
    """A shop, a plan of it to three customers, and the path of its export without its ending."""
    shop = await make_shop(name)
    await make_customers(shop, 3, prefix=f"{name}-")
    plan = await make_resolved(shop)
    return shop, plan, f"/exports/plans/{global_id.encode('Plan', plan.id)}"


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def test_a_seller_gets_a_file_by_token(client: httpx.AsyncClient):
    shop, plan, path = await make_plan()
    answer = await client.get(f"{path}/ledger.csv", headers=bearer(seller(shop)))

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="plan-{plan.id}-ledger.csv"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.count("\r\n") == 4
    lines = await client.get(f"{path}/figures.ndjson", headers=bearer(seller(shop)))
    assert lines.headers["content-type"] == "application/x-ndjson"


async def test_a_link_needs_no_token_and_ends(client: httpx.AsyncClient, api: Api, clock: Clock):
    shop, plan, _ = await make_plan()
    link = (await api.data(LINK, seller(shop), id=global_id.encode("Plan", plan.id)))["plan"]["export"]
    answer = await client.get(link["url"])

    assert answer.status_code == 200
    assert answer.text.count("bloom-") == 3
    assert link["expiresAt"] == (clock.now() + LIFETIME).isoformat().replace("+00:00", "Z")
    clock.move(LIFETIME - timedelta(seconds=1))
    assert (await client.get(link["url"])).status_code == 200
    clock.move(timedelta(seconds=1))
    refused = await client.get(link["url"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "NOT_FOUND")
    assert (await client.get(link["url"][:-1])).status_code == 404


async def test_another_s_plan_reads_exactly_like_an_unknown_one(client: httpx.AsyncClient):
    _, _, path = await make_plan()
    stranger, _, _ = await make_plan("other")
    foreign = await client.get(f"{path}/ledger.csv", headers=bearer(seller(stranger)))
    for unknown in (global_id.encode("Plan", 2_000_000_000), "nonsense", global_id.encode("Segment", 1)):
        other = await client.get(f"/exports/plans/{unknown}/ledger.csv", headers=bearer(seller(stranger)))
        assert (other.status_code, other.json()) == (404, foreign.json())
    assert foreign.status_code == 404


@pytest.mark.parametrize("name", ["ledger", "ledger.xls", "secrets.csv", ".csv", "ledger.csv.exe"])
async def test_an_export_that_does_not_exist_is_not_found(client: httpx.AsyncClient, name: str):
    shop, _, path = await make_plan()

    assert (await client.get(f"{path}/{name}", headers=bearer(seller(shop)))).status_code == 404


async def test_without_a_token_or_with_another_role_nothing_is_told(client: httpx.AsyncClient):
    _, _, path = await make_plan()
    for headers, status, code in [
        ({}, 401, "UNAUTHENTICATED"),
        ({"authorization": "Basic x"}, 401, "UNAUTHENTICATED"),
        (bearer("nonsense"), 401, "UNAUTHENTICATED"),
        (bearer(shopper("bloom-0")), 403, "FORBIDDEN"),
        (bearer(token_of(Role.PLATFORM, "cron")), 403, "FORBIDDEN"),
    ]:
        answer = await client.get(f"{path}/ledger.csv", headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_while_postgresql_is_away_a_download_is_to_be_asked_for_again(
    client: httpx.AsyncClient, api: Api, migrated: str
):
    shop, plan, path = await make_plan()
    link = (await api.data(LINK, seller(shop), id=global_id.encode("Plan", plan.id)))["plan"]["export"]
    async with closed(migrated):
        answers = [await client.get(link["url"]), await client.get(f"{path}/ledger.csv", headers=bearer(seller(shop)))]

    assert [(each.status_code, each.headers["retry-after"]) for each in answers] == [(503, "30")] * 2
    assert [each.json()["error"]["code"] for each in answers] == ["UNAVAILABLE"] * 2
    assert (await client.get(link["url"])).status_code == 200


async def test_too_many_downloads_at_once_are_asked_to_come_again(
    settings: Settings, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(download, "AT_ONCE", 0)
    shop, _, path = await make_plan()
    app = Starlette(routes=[Route("/exports/plans/{plan}/{name}", Downloads(settings, Verifier(settings)).by_token)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://rekindle.test") as full:
        answer = await full.get(f"{path}/ledger.csv", headers=bearer(seller(shop)))

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")


async def unread(downloads: Downloads, path: str, token: str) -> asyncio.Task[None]:
    """A download that has begun, of which nobody reads the body."""
    begun = asyncio.Event()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            begun.set()
            await asyncio.Event().wait()

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "method": "GET", "path": path,
        "query_string": b"", "headers": [(b"authorization", f"Bearer {token}".encode())],
    }  # fmt: skip
    app = Route("/exports/plans/{plan}/{name}", downloads.by_token)
    task = asyncio.create_task(Starlette(routes=[app])(scope, receive, send))
    await begun.wait()
    return task


async def test_one_shop_s_downloads_leave_places_for_the_others(settings: Settings, database: None):
    shop, _, path = await make_plan()
    other, _, others_path = await make_plan("other")
    downloads = Downloads(settings, Verifier(settings))
    running = [await unread(downloads, f"{path}/ledger.csv", seller(shop)) for _ in range(download.AT_ONCE_OF_SHOP)]
    app = Starlette(routes=[Route("/exports/plans/{plan}/{name}", downloads.by_token)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://rekindle.test") as client:
        refused = await client.get(f"{path}/ledger.csv", headers=bearer(seller(shop)))
        taken = await client.get(f"{others_path}/ledger.csv", headers=bearer(seller(other)))
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        again = await client.get(f"{path}/ledger.csv", headers=bearer(seller(shop)))

    assert [answer.status_code for answer in (refused, taken, again)] == [503, 200, 200]


async def test_a_download_that_nobody_reads_ends_and_leaves_its_place(
    settings: Settings, database: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(patience, "PATIENCE", 0.01)
    shop, _, path = await make_plan()
    downloads = Downloads(settings, Verifier(settings))
    for _ in range(download.AT_ONCE + 1):
        await (await unread(downloads, f"{path}/ledger.csv", seller(shop)))

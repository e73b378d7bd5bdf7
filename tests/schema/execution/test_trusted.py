"""Documents by their hash: registered by clients, or listed by the operator; over HTTP and WebSocket."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.caller import Role
from schema.execution import trusted
from schema.execution.trusted import TrustedDocuments, digest_of
from settings import Settings
from tests.api import graphql_app, seller, shopper, token_of
from tests.schema.serving.peer import peer

TYPENAME = "query Name { __typename }"
OTHER = "query Other { other: __typename }"


def by_id(source: str, **more: Any) -> dict[str, Any]:
    return {"documentId": f"sha256:{digest_of(source)}", **more}


def by_apollo(source: str, **more: Any) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest_of(source)}}, **more}


async def ask(client: httpx.AsyncClient, body: dict[str, Any], token: str | None = None) -> Any:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    answer = (await client.post("/graphql", json=body, headers=headers)).json()
    return answer["errors"][0]["extensions"]["code"] if "errors" in answer else answer["data"]


@asynccontextmanager
async def client_of(settings: Settings, **changed: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = graphql_app(settings.model_copy(update=changed))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://rekindle.test") as client:
        yield client


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A file of one trusted document."""
    path = tmp_path / "documents.json"
    path.write_text(json.dumps({f"sha256:{digest_of(TYPENAME)}": TYPENAME}))
    return path


@pytest.mark.parametrize("named", [by_id, by_apollo])
async def test_a_document_sent_with_its_hash_is_known_by_it_from_then_on(client: httpx.AsyncClient, named: Any):
    assert await ask(client, named(TYPENAME)) == "PERSISTED_QUERY_NOT_FOUND"
    assert await ask(client, named(TYPENAME, query=TYPENAME)) == {"__typename": "Query"}
    assert await ask(client, named(TYPENAME)) == {"__typename": "Query"}
    assert await ask(client, named(TYPENAME, query="")) == {"__typename": "Query"}


async def test_a_get_request_names_its_document_too(client: httpx.AsyncClient):
    await ask(client, by_id(TYPENAME, query=TYPENAME))
    accept = {"accept": "text/html, application/json"}

    first = await client.get("/graphql", params=by_id(TYPENAME), headers=accept)
    second = await client.get("/graphql", params={"extensions": json.dumps(by_apollo(TYPENAME)["extensions"])})

    assert first.json()["data"] == second.json()["data"] == {"__typename": "Query"}


async def test_a_hash_of_another_document_is_refused_and_registers_nothing(client: httpx.AsyncClient):
    assert await ask(client, by_id(OTHER, query=TYPENAME)) == "BAD_USER_INPUT"
    assert await ask(client, by_id(OTHER)) == "PERSISTED_QUERY_NOT_FOUND"


async def test_an_invalid_document_is_not_registered(client: httpx.AsyncClient):
    assert await ask(client, by_id("{ wrong }", query="{ wrong }")) == "GRAPHQL_VALIDATION_FAILED"
    assert await ask(client, by_id("{ wrong }")) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    "body",
    [
        {"documentId": "abc"},
        {"documentId": 5},
        {"documentId": digest_of(TYPENAME)},
        {"documentId": "sha256:" + "x" * 64},
        {"extensions": {"persistedQuery": 5}},
        {"extensions": {"persistedQuery": {"version": 1}}},
        {"extensions": {"persistedQuery": {"version": 2, "sha256Hash": digest_of(TYPENAME)}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": 5}}},
        by_id(TYPENAME, query=5),
    ],
)
async def test_a_malformed_name_is_refused(client: httpx.AsyncClient, body: dict[str, Any]):
    response = await client.post("/graphql", json=body)

    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize("token", [None, seller("s1"), shopper("c1")])
async def test_with_a_list_sellers_and_shoppers_run_only_what_is_on_it(
    settings: Settings, listed: Path, token: str | None
):
    async with client_of(settings, trusted_documents=listed) as client:
        assert await ask(client, by_id(TYPENAME), token) == {"__typename": "Query"}
        assert await ask(client, {"query": TYPENAME}, token) == {"__typename": "Query"}
        assert await ask(client, {"query": OTHER}, token) == "DOCUMENT_NOT_TRUSTED"
        assert await ask(client, by_apollo(OTHER, query=OTHER), token) == "DOCUMENT_NOT_TRUSTED"
        assert await ask(client, by_apollo(OTHER), token) == "PERSISTED_QUERY_NOT_FOUND"


async def test_with_a_list_the_platform_s_scripts_send_any_text_and_register_none(settings: Settings, listed: Path):
    async with client_of(settings, trusted_documents=listed) as client:
        assert await ask(client, by_id(OTHER, query=OTHER), token_of(Role.PLATFORM)) == {"other": "Query"}
        assert await ask(client, by_id(OTHER), token_of(Role.PLATFORM)) == "PERSISTED_QUERY_NOT_FOUND"
        assert await ask(client, by_id(OTHER), seller("s1")) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize("content", ["[]", "{", '{"sha256:00": "{ __typename }"}', '{"sha256:00": 5}'])
def test_a_list_that_is_none_is_refused_at_the_start(tmp_path: Path, content: str):
    path = tmp_path / "documents.json"
    path.write_text(content)

    with pytest.raises(ValueError, match=r"TRUSTED_DOCUMENTS: .*documents\.json"):
        TrustedDocuments(path)


def test_what_clients_register_has_a_bound(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trusted, "MAX_REGISTERED_SOURCE", 2 * len(OTHER))
    documents = TrustedDocuments(None)
    for source in (TYPENAME, OTHER, OTHER.replace("Other", "Third")):
        documents.register(digest_of(source), source)

    with pytest.raises(trusted.Untrusted, match="PersistedQueryNotFound"):
        documents.source(None, digest_of(TYPENAME), None)
    assert documents.source(None, digest_of(OTHER), None) == OTHER


async def test_a_websocket_names_its_documents_too_and_survives_an_unknown_one(url: str):
    async with peer(url) as client:
        await client.initialise()
        await client.subscribe("1", by_apollo(TYPENAME))
        unknown = await client.receive()
        await client.subscribe("2", by_apollo(TYPENAME, query=TYPENAME))
        await client.receive()
        await client.receive()
        await client.subscribe("3", by_id(TYPENAME))
        known = await client.receive()

    assert (unknown["type"], unknown["payload"][0]["message"]) == ("error", "PersistedQueryNotFound")
    assert unknown["payload"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    assert known["payload"]["data"] == {"__typename": "Query"}

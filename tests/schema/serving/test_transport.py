"""GraphQL over HTTP: what comes in is answered with the right status, and never with a 500."""

import json
from datetime import timedelta

import httpx
import pytest
from starlette.types import Message

from models.caller import Role
from resolvers.token import mint
from schema.cost.limits import MAX_BODY
from schema.serving.request import acceptable
from settings import Settings
from tests.api import graphql_app

TYPENAME = json.dumps({"query": "{ __typename }"}).encode()
JSON = {"content-type": "application/json"}
RESPONSE_JSON = "application/graphql-response+json"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"5", 400),
        (b"null", 400),
        (b'"x"', 400),
        (b"", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"query": ""}', 400),
        (b'{"query": "{ __typename }", "variables": 5}', 400),
        (b'{"query": "{ __typename }\xff"}', 400),
        (b'{"query": "\\ud800"}', 400),
        (b"[" * 100_000, 400),
        (b'{"a":' * 50_000, 400),
        (b'[{"query": "{ __typename }"}]', 400),
        (b" " * (MAX_BODY + 1), 413),
        (b'{"query": "' + b"x" * 10_000_000 + b'"}', 413),
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_an_odd_body_is_refused_with_the_right_status(client: httpx.AsyncClient, body: bytes, status: int):
    response = await client.post("/graphql", content=body, headers=JSON)

    assert response.status_code == status
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert "data" not in response.json()


async def test_a_long_body_without_a_length_is_refused_as_it_comes(client: httpx.AsyncClient):
    async def chunks():
        for _ in range(20):
            yield b" " * 100_000

    response = await client.post("/graphql", content=chunks(), headers=JSON)

    assert response.status_code == 413


async def test_a_client_that_leaves_before_its_body_is_whole_has_sent_a_bad_request(settings: Settings):
    received: list[Message] = [
        {"type": "http.request", "body": b'{"query":', "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return received.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    head = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b""}
    await graphql_app(settings)({**head, "headers": [(b"content-type", b"application/json")]}, receive, send)

    assert sent[0]["status"] == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_another_method_is_refused_and_told_which_are_allowed(client: httpx.AsyncClient, method: str):
    response = await client.request(method, "/graphql")

    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json; charset=latin-1"],
)
async def test_another_content_type_is_refused(client: httpx.AsyncClient, content_type: str):
    response = await client.post("/graphql", content=TYPENAME, headers={"content-type": content_type})

    assert response.status_code == 415


async def test_an_answer_that_the_client_cannot_take_is_refused(client: httpx.AsyncClient):
    response = await client.post("/graphql", content=TYPENAME, headers={**JSON, "accept": "image/png"})

    assert response.status_code == 406


async def test_a_mutation_by_get_is_refused(client: httpx.AsyncClient):
    response = await client.get("/graphql", params={"query": "mutation { __typename }"})

    assert (response.status_code, response.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("accept", "best"),
    [
        (None, ["application/json"]),
        ("*/*", ["application/json"]),
        ("application/json, application/graphql-response+json", [RESPONSE_JSON, "application/json"]),
        ("application/json;q=0.9, application/graphql-response+json;q=0.1", ["application/json", RESPONSE_JSON]),
        ("application/json;q=0.2, application/graphql-response+json;q=0.7, */*", [RESPONSE_JSON, "application/json"]),
        ("*/*, application/json;q=0.2, application/graphql-response+json;q=0.7", [RESPONSE_JSON, "application/json"]),
        ("*/*;q=0.2, application/*;q=0, text/event-stream;q=0.1", ["text/event-stream"]),
        ("text/event-stream;q=0.3, */*;q=0.2", ["text/event-stream", "application/json"]),
        ("text/event-stream", ["text/event-stream"]),
        ("application/json;q=0", []),
        ("application/json;q=none", []),
        ("image/png", []),
    ],
)
def test_the_best_of_the_accepted_media_types_is_chosen(accept: str | None, best: list[str]):
    assert acceptable(accept) == best


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", "GRAPHQL_VALIDATION_FAILED"),
        ("query ($x: ID!) { node(id: $x) { id } }", "BAD_USER_INPUT"),
    ],
)
async def test_what_was_never_run_has_no_data_and_a_code(client: httpx.AsyncClient, query: str, code: str):
    response = await client.post("/graphql", json={"query": query}, headers={"accept": RESPONSE_JSON})
    plain = await client.post("/graphql", json={"query": query}, headers={"accept": "application/json"})

    assert (response.status_code, plain.status_code) == (400, 200)
    assert response.json()["errors"][0]["extensions"]["code"] == code
    assert "data" not in response.json()


async def test_a_browser_gets_the_console_and_in_production_does_not(client: httpx.AsyncClient, settings: Settings):
    accept = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    page = await client.get("/graphql", headers=accept)
    hidden = graphql_app(settings.model_copy(update={"production": True}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(hidden), base_url="http://rekindle.test") as production:
        refused = await production.get("/graphql", headers=accept)

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert refused.status_code == 400


async def test_production_hides_introspection_and_suggestions(settings: Settings):
    hidden = graphql_app(settings.model_copy(update={"production": True}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(hidden), base_url="http://rekindle.test") as production:
        introspected = await production.post("/graphql", json={"query": "{ __schema { types { name } } }"})
        misspelt = await production.post("/graphql", json={"query": "{ sho { id } }"})

    assert "data" not in introspected.json()
    assert misspelt.json()["errors"][0]["message"] == "Cannot query field 'sho' on type 'Query'."


async def test_no_token_is_unauthenticated_where_one_is_needed(client: httpx.AsyncClient):
    response = await client.post("/graphql", json={"query": "{ __typename shop { id } }"})

    assert response.status_code == 200
    assert response.json()["errors"][0]["path"] == ["shop"]
    assert response.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


@pytest.mark.parametrize("header", ["Bearer x", "Bearer", "Basic eDp5", "Bearer a.b.c", "", "Bearer " + "a" * 9000])
async def test_a_token_that_does_not_hold_ends_the_request(client: httpx.AsyncClient, header: str):
    response = await client.post("/graphql", content=TYPENAME, headers={**JSON, "authorization": header})

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_an_expired_token_ends_the_request(client: httpx.AsyncClient, settings: Settings):
    assert settings.token_secret
    token = mint(
        settings.token_secret.get_secret_value(), role=Role.PLATFORM, subject="cron", lifetime=timedelta(seconds=-6)
    )
    response = await client.post("/graphql", content=TYPENAME, headers={**JSON, "authorization": f"Bearer {token}"})

    assert response.status_code == 401
    assert response.json()["errors"][0]["message"] == "The token has expired."


async def test_a_page_of_another_origin_may_call(client: httpx.AsyncClient):
    preflight = await client.options(
        "/graphql",
        headers={
            "origin": "https://shop.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type",
        },
    )
    response = await client.post("/graphql", content=TYPENAME, headers={**JSON, "origin": "https://shop.example"})

    assert preflight.status_code == 200
    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers

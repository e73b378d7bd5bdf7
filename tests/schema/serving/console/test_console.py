"""GraphiQL and its examples, which a stranger runs against the demo just as they are."""

import hashlib
import json
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any, cast

import httpx
import pytest
from graphql import OperationDefinitionNode, OperationType, parse
from rich.console import Console
from starlette.applications import Starlette

from local.demo import play
from local.demo.shops import demo_shops
from models.caller import Role, caller_of
from models.clock import Clock, now
from resolvers.context import Context
from schema import schema
from schema.execution.answer import Answer
from schema.execution.operation import Engine, Operation
from schema.serving.console import ASSETS, PAGE, Example, console, examples
from server import create_app
from settings import Settings


def operation_of(example: Example) -> OperationDefinitionNode:
    """The one operation of an example; fragments may follow it."""
    operation, *_ = parse(example.query).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return operation


def test_examples_have_names_of_their_own_and_something_for_every_role():
    names = [node.name.value for node in map(operation_of, examples()) if node.name]
    assert len(set(names)) == len(examples()) >= 8
    assert {example.role for example in examples()} == {"Seller", "Platform", "Shopper"}


def listed() -> list[dict[str, str]]:
    """The examples as the page's script reads them."""
    found = re.search(r'<script id="examples" type="application/json">(.*?)</script>', console().decode())
    assert found
    return cast(list[dict[str, str]], json.loads(found[1]))


def test_the_page_holds_every_example():
    assert [example["query"] for example in listed()] == [example.query for example in examples()]


def test_the_page_runs_no_script_but_those_it_loads_from_here():
    page = console().decode()
    scripts = re.findall(r"<script( [^>]*)>", page)
    assert [script for script in scripts if "src=" not in script] == [' id="examples" type="application/json"']
    loaded = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert {link.partition("/")[0] for link in loaded} == {"console", "data:,"}
    assert re.findall(r"https?://|@import|url\(", PAGE.read_text("utf-8")) == []


@pytest.mark.parametrize(("production", "status"), [(False, 200), (True, 404)])
async def test_all_that_the_page_loads_is_served_but_not_in_production(
    settings: Settings, production: bool, status: int
):
    served = create_app(settings.model_copy(update={"production": production}))
    names = re.findall(r'"console/([^"]+)"', console().decode())
    assert len(names) == 6
    async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://rekindle.test") as client:
        for name in names:
            response = await client.get(f"/console/{name}")
            assert response.status_code == status
            assert (response.content == (ASSETS / name).read_bytes()) is not production


@pytest.mark.parametrize(("production", "told"), [(False, (307, "graphql")), (True, (404, None))])
async def test_the_server_s_bare_address_leads_to_the_page_but_not_in_production(
    settings: Settings, production: bool, told: tuple[int, str | None]
):
    served = create_app(settings.model_copy(update={"production": production}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://rekindle.test") as client:
        response = await client.get("/")

    assert (response.status_code, response.headers.get("location")) == told


def test_each_token_is_asked_for_by_the_name_under_which_a_start_prints_it():
    script = (ASSETS / "console.js").read_text("utf-8")
    asked = dict(re.findall(r'(\w+): "(\w+) token"', script))

    assert asked == {role: str(claims["role"]) for role, claims in CLAIMS.items()}


@pytest.mark.parametrize("name", sorted(path.name for path in ASSETS.glob("*.min.*")))
def test_what_others_made_is_as_it_was_published(name: str):
    told = (ASSETS.parent / "README.md").read_text("utf-8")
    digest = hashlib.sha256((ASSETS / name).read_bytes()).hexdigest()
    assert re.search(rf"^\| `{re.escape(name)}` \|.*`{digest}` \|$", told, re.MULTILINE)


def test_examples_speak_of_the_days_on_which_they_are_looked_at(clock: Clock):
    clock.freeze(datetime(2026, 2, 28, 23, 59, tzinfo=UTC))
    before = console()
    assert b'$to: Date! = \\"2026-02-28\\"' in before
    clock.move(timedelta(minutes=1))
    assert b'$from: Date! = \\"2026-01-31\\", $to: Date! = \\"2026-03-01\\"' in console()
    assert b'days ago\\"' not in console()


async def test_a_browser_gets_the_page(client: httpx.AsyncClient):
    response = await client.get("/graphql", headers={"accept": "text/html"})
    assert response.status_code == 200
    assert response.content == console()


CLAIMS = {
    "Seller": {"role": Role.OWNER, "sub": "anna", "shop": "demo"},
    "Platform": {"role": Role.PLATFORM, "sub": "cron"},
    "Shopper": {"role": Role.CUSTOMER, "sub": "customer-00001"},
}


async def first_answer(app: Starlette, settings: Settings, example: Example) -> dict[str, Any]:
    """What an example's caller is answered: all of it, or a subscription's first event."""
    caller = caller_of({**CLAIMS[example.role], "exp": (now() + timedelta(hours=1)).timestamp()}, now())
    context = Context(caller, settings, queue=app.state.queue, listener=app.state.listener)
    engine = Engine(schema)
    ready = engine.prepare(Operation(example.query))
    assert not isinstance(ready, Answer), ready.errors
    if ready.kind is OperationType.SUBSCRIPTION:
        async with aclosing(cast(AsyncGenerator[Answer, None], engine.stream(ready, context))) as stream:
            answer = await anext(stream)
    else:
        answer = await engine.execute(ready, context)
    assert not answer.errors
    assert answer.data is not None
    return answer.data


@pytest.fixture
async def demo(app: Starlette, settings: Settings) -> None:
    """The demo as it is after a first start, but small and unsent."""
    shop, neighbour = demo_shops()
    small = [replace(shop, people=range(1, 61)), replace(neighbour, people=range(5001, 5011))]
    await play(settings, Console(file=StringIO()), small, timedelta())


async def test_every_example_runs_as_it_is_on_a_fresh_demo(app: Starlette, settings: Settings, demo: None):
    answers: dict[str, Any] = {}
    for example in examples():
        for field, value in (await first_answer(app, settings, example)).items():
            said = value if isinstance(value, dict) else {}
            assert not said.get("userErrors"), (example.title, value)
            assert not any(result["errors"] for result in said.get("results", [])), (example.title, value)
            answers.setdefault(field, value)

    assert answers["shop"]["name"] == "Lumi & Co"
    assert answers["segments"]["totalCount"] == 7
    assert answers["segment"]["name"] == "Lapsed customers"
    names = {plan["id"]: plan["name"] for plan in answers["plans"]["nodes"]}
    assert names["UGxhbjo5"] == "We miss you"
    assert names["UGxhbjoxMA"].startswith("Cart reminder")
    assert answers["planCreate"]["plan"] == {"id": "UGxhbjoxMg", "name": "Thank you", "status": "DRAFT"}
    assert answers["automatedPlanDryRun"]["dryRun"]["messages"] > 0
    assert answers["plan"]["name"] == "Limited-time promotion"
    assert answers["overview"]["last"] == now().date().isoformat()
    assert answers["planPreview"]["preview"]["subject"] is None
    assert answers["planEstimate"]["estimate"]["audience"] >= 0
    assert answers["planSubmit"]["plan"]["status"] == "ONGOING"
    assert answers["planCancel"]["plan"]["status"] == "CANCELLED"
    assert answers["shopBlock"]["sender"] == {"name": "Lumi & Co", "isBlocked": True}

"""The tour of docs/api.md is true: its operations are run in their order, with the answers it shows."""

import json
import re
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from models import audience
from models.caller import Role, caller_of
from models.clock import now
from models.plan import Plan, advance, wording
from resolvers.context import Context
from schema import schema
from schema.execution.operation import Engine, Operation, Ready
from settings import Settings
from tests.api import PLATFORM, Api, seller, shopper

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
STEP = re.compile(
    r"<!-- (?P<who>[^;\n]*?)(?P<keeps>(?:; [^;\n]*?)*) -->\n```graphql\n(?P<query>.*?)```\n(?P<json>(?:```json\n.*?```\n?)+)",
    re.DOTALL,
)
ANYTHING = "…"


def filled(value: Any, kept: dict[str, str]) -> Any:
    """Variables with what earlier answers gave in place of `$names`."""
    if isinstance(value, dict):
        return {name: filled(each, kept) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, kept) for each in value]
    return kept[value[1:]] if isinstance(value, str) and value.startswith("$") else value


def shown(answer: Any, page: Any) -> Any:
    """The answer as the page shows it: `…` stands for anything."""
    if page == ANYTHING:
        return ANYTHING
    if isinstance(answer, dict) and isinstance(page, dict):
        return {name: shown(each, page.get(name)) for name, each in answer.items()}
    if isinstance(answer, list) and isinstance(page, list) and len(answer) == len(page):
        return [shown(each, page[place]) for place, each in enumerate(answer)]
    return answer


def reach(answer: Any, path: str) -> str:
    """The value at a path such as `inbox.nodes[0].id`."""
    for name, place in re.findall(r"(\w+)|\[(\d+)\]", path):
        answer = answer[name] if name else answer[int(place)]
    return str(answer)


def token_for(who: str) -> str | None:
    if who.startswith("customer"):
        return shopper(who.split()[1])
    return {"platform": PLATFORM, "nobody": None}.get(who, seller("bloom"))


def claims_for(who: str) -> dict[str, Any]:
    if who.startswith("customer"):
        return {"sub": who.split()[1], "role": Role.CUSTOMER}
    return {"sub": "u1", "role": Role.OWNER, "shop": "bloom"}


async def first_event(
    query: str, variables: dict[str, Any], who: str, app: Starlette, settings: Settings
) -> dict[str, Any]:
    claims = {**claims_for(who), "exp": now().timestamp() + 60}
    engine = Engine(schema)
    ready = engine.prepare(Operation(query, variables=variables))
    assert isinstance(ready, Ready)
    context = Context(caller_of(claims, now()), settings, app.state.queue, app.state.listener)
    async with aclosing(engine.stream(ready, context)) as answers:  # type: ignore[type-var]
        return (await anext(answers)).payload()


async def work() -> None:
    """What a worker does with the submitted plan."""
    plan = await Plan.get(status="ONGOING")
    await wording.pin(plan.id)
    await audience.resolve_range(plan.id)
    await advance.finish(plan.id)


async def test_the_tour_is_true(api: Api, app: Starlette, settings: Settings):
    kept: dict[str, str] = {}
    steps = list(STEP.finditer(PAGE.read_text()))
    for step in steps:
        *variables, expected = (json.loads(text) for text in re.findall(r"```json\n(.*?)```", step["json"], re.DOTALL))
        values = filled(variables[0], kept) if variables else {}
        if "worker" in step["who"]:
            await work()
        if step["query"].startswith("subscription"):
            answer = await first_event(step["query"], values, step["who"], app, settings)
        else:
            answer = await api.answer(step["query"], token_for(step["who"]), **values)
        told = {"errors": answer["errors"]} if "errors" in answer else answer["data"]
        assert shown(told, expected) == expected, step["query"]
        for keep in filter(None, step["keeps"].split("; ")):
            name, _, path = keep.partition(" = ")
            kept[name] = reach(answer["data"], path)

    assert len(steps) == PAGE.read_text().count("```graphql")
    assert len(steps) >= 14


def test_the_claims_that_are_shown_name_a_seller():
    claims = json.loads(re.findall(r"<!-- claims -->\n```json\n(.*?)```", PAGE.read_text(), re.DOTALL)[0])
    caller = caller_of(claims, datetime(2026, 1, 15, tzinfo=UTC))

    assert (caller.role, caller.shop, caller.subject) == (Role.OWNER, "bloom", "user-7")

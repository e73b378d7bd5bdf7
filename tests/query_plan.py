"""Plans of PostgreSQL's, as `EXPLAIN (FORMAT JSON)` tells them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from models import database


def plans_made(monkeypatch: pytest.MonkeyPatch, run: str, *, about: str = "") -> list[dict[str, Any]]:
    """The plans made from here on for statements that go through `database`'s function `run` and name `about`.

    They are run all the same.
    """
    plans: list[dict[str, Any]] = []
    act, ask = getattr(database, run), database.fetch_value

    async def explained(sql: str, *arguments: Any) -> Any:
        if about in sql:
            told = await ask(f"EXPLAIN (FORMAT JSON) {sql}", *arguments)
            plans.append(json.loads(told)[0]["Plan"])
        return await act(sql, *arguments)

    monkeypatch.setattr(database, run, explained)
    return plans


def parts_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The plan and all that it is made of."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from parts_of(part)


def scans_of(relation: str, plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts of a plan that read a table."""
    return (part for part in parts_of(plan) if part.get("Relation Name") == relation)

"""Plans of PostgreSQL's, as `EXPLAIN (FORMAT JSON)` tells them."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import pytest

from models import database


def plans_made(
    monkeypatch: pytest.MonkeyPatch,
    *runs: str,
    about: str = "",
    analyze: bool = False,
    under: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """The plans made from here on for statements that go through `database`'s functions `runs` and match `about`.

    They are run all the same, but not `under` the settings that their plans are made under. Each plan has its statement's
    text as well; `analyze` adds what was done to what was planned, and is for statements that only read.
    """
    plans: list[dict[str, Any]] = []
    ask, order = database.fetch_value, database.execute
    options = "ANALYZE, FORMAT JSON" if analyze else "FORMAT JSON"

    async def explain(sql: str, arguments: tuple[Any, ...]) -> None:
        async with database.transaction():
            for name, value in (under or {}).items():
                await order(f"SET LOCAL {name} = '{value}'")
            told = await ask(f"EXPLAIN ({options}) {sql}", *arguments)
            for name in under or {}:
                await order(f"SET LOCAL {name} TO DEFAULT")
        plans.append({"Statement": sql, **json.loads(told)[0]["Plan"]})

    def spied(run: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def explain_and_run(sql: str, *arguments: Any, **how: Any) -> Any:
            comes_again = any(how.values())  # in the transaction of its special settings, without a word of them
            if re.search(about, sql) and not sql.startswith("SET") and not comes_again:
                await explain(sql, arguments)
            return await run(sql, *arguments, **how)

        return explain_and_run

    for name in runs:
        monkeypatch.setattr(database, name, spied(getattr(database, name)))
    return plans


def parts_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The plan and all that it is made of."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from parts_of(part)


def scans_of(relation: str, plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts of a plan that read a table."""
    return (part for part in parts_of(plan) if part.get("Relation Name") == relation)

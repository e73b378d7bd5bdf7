"""One question answered three ways: by the roll-up, by history and by plain Python."""

from datetime import datetime

from models import database
from models.condition import compile_condition
from models.condition.explain import explain, in_universe
from models.condition.facts import Facts
from models.condition.tree import Definition
from models.identifier import customer_id
from models.shop import Shop
from tests.histories import Case
from tests.stored_histories import rolled_back, store


async def members(shop: Shop, case: Case, as_of: datetime | None) -> list[set[str]]:
    """Who meets each definition, by SQL: all of them in one statement, one after the other."""
    selects: list[str] = []
    arguments: list[object] = []
    for number, definition in enumerate(case.definitions):
        compiled = compile_condition(
            definition, shop_id=shop.id, now=case.now, as_of=as_of, first_parameter=len(arguments) + 1
        )
        selects.append(f"SELECT {number}, customer_id FROM ({compiled.sql}) AS member")
        arguments += compiled.arguments
    names = {customer_id(name): name for name in case.customers}
    found: list[set[str]] = [set() for _ in case.definitions]
    for number, customer in await database.fetch(" UNION ALL ".join(selects), *arguments):
        found[number].add(names[customer])
    return found


async def disagreements(shop: Shop, case: Case) -> list[tuple[str, Definition, set[str]]]:
    """Each way of asking that differs from plain Python, with the definition and the customers in dispute."""
    found = []
    async with rolled_back():
        await store(shop, case.customers)
        for way, as_of in (("roll-up", None), ("history", case.now), ("earlier history", case.earlier)):
            by_sql = await members(shop, case, as_of)
            for definition, these in zip(case.definitions, by_sql, strict=True):
                if these != (expected := by_python(definition, case, as_of)):
                    found.append((way, definition, these ^ expected))
    return found


def matches(definition: Definition, facts: Facts, now: datetime) -> bool:
    """Whether the customer of these facts is in the segment at `now`, by the plain evaluation."""
    return in_universe(facts) and explain(definition, facts, now).holds


def by_python(definition: Definition, case: Case, as_of: datetime | None) -> set[str]:
    """Who meets the definition by the plain evaluation."""
    return {
        name
        for name, facts in case.customers.items()
        if matches(definition, facts.as_of(as_of) if as_of else facts, as_of or case.now)
    }

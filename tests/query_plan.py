"""Plans of PostgreSQL's, as `EXPLAIN (FORMAT JSON)` tells them."""

from collections.abc import Iterator
from typing import Any


def parts_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The plan and all that it is made of."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from parts_of(part)


def scans_of(relation: str, plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts of a plan that read a table."""
    return (part for part in parts_of(plan) if part.get("Relation Name") == relation)

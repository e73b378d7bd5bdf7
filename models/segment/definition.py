"""A shop's own conditions: read in either form, held against what the shop has, and advised upon."""

from collections.abc import Callable
from typing import Any

from models import database, words
from models.condition import Definition, Scope, parse
from models.condition.document import leaves_of
from models.condition.text import placed_in_text, read_text
from models.condition.tree import Responded
from models.errors import ErrorCode, Problem, Refused, refuse
from models.shop import Shop

ADVISED_CONDITIONS = 3
"""Fewer leaves than this are accepted with an advice (R6)."""


def define(
    shop: Shop, *, conditions: Any = None, text: str | None = None, plan_of: Callable[[str], int | None] | None = None
) -> Definition:
    """The definition that a shop writes, as JSON or as a line of text: exactly one of them. Raises Refused.

    `plan_of` reads the ids of plans; without it they are the numbers that are stored.
    """
    if (conditions is None) == (text is None):
        raise refuse("", "Give either conditions or text.")
    scope = _scope(shop, plan_of)
    return read_text(text, scope) if text is not None else parse(conditions, scope)


def advice(definition: Definition, language: str = words.FALLBACK) -> list[str]:
    """What would make it better, though it is accepted as it is (R6), in the seller's language."""
    number = sum(1 for _ in leaves_of(definition.conditions))
    if number >= ADVISED_CONDITIONS:
        return []
    return [words.advice("FEW_CONDITIONS", language, least=ADVISED_CONDITIONS, number=number)]


async def check_plans(shop: Shop, definition: Definition) -> None:
    """Refuse plans in the definition that are not this shop's; unknown and foreign ones read the same."""
    asked = [
        ((*path, leaf.response, "plan"), leaf.plan)
        for path, leaf in leaves_of(definition.conditions)
        if isinstance(leaf, Responded) and leaf.plan is not None
    ]
    ids = sorted({plan for _, plan in asked})
    rows = await database.fetch("SELECT id FROM plan WHERE shop_id = $1 AND id = ANY($2::int[])", shop.id, ids)
    known = {row["id"] for row in rows}
    missing = [
        Problem(path, "There is no such plan.", ErrorCode.NOT_FOUND) for path, plan in asked if plan not in known
    ]
    if missing and definition.text is not None:
        raise Refused(placed_in_text(missing, definition.text, _scope(shop)))
    if missing:
        raise Refused(missing)


def _scope(shop: Shop, plan_of: Callable[[str], int | None] | None = None) -> Scope:
    return Scope(shop.time_zone, shop.currency, shop.country, plan_of)

"""Answers to the platform about refused texts; and keeping them."""

from collections.abc import Sequence
from typing import Annotated, Any

import strawberry

from models import violation as violations
from models.caller import Action
from models.content_rule.violation import ForbiddenWords
from models.errors import Problem
from models.page import page_of
from models.violation import KeptViolation
from resolvers import global_id
from resolvers.connection import After, Before, Connection, First, Last, connect
from resolvers.context import Info


async def listed(
    info: Info,
    *,
    shop_id: Annotated[
        strawberry.ID | None, strawberry.argument(description="Global id of a shop: only what was refused to it.")
    ] = None,
    least: Annotated[int, strawberry.argument(description="Only what was refused at least so often.")] = 1,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Connection[KeptViolation]:
    """Refused texts, those met last first."""
    info.context.platform(Action.SEE_VIOLATIONS)
    page = page_of(violations.LATEST_FIRST, first=first, after=after, last=last, before=before)
    only = global_id.optional(shop_id, "Shop")
    return connect(
        page,
        await violations.listed(page, shop_id=only, least=least),
        lambda kept: (kept.last_at, kept.id),
        lambda: violations.count(shop_id=only, least=least),
    )


def identify_shop(root: strawberry.Parent[KeptViolation]) -> strawberry.ID:
    """The shop that was refused."""
    return global_id.encode("Shop", root.shop_id)


def identify_plan(root: strawberry.Parent[KeptViolation]) -> strawberry.ID | None:
    """The plan that was refused, if it is one."""
    return global_id.encode("Plan", root.plan_id) if root.plan_id else None


async def note(info: Info, input: Any, problems: Sequence[Problem]) -> None:
    """Keep what R13 refused of a seller's input, if it refused anything."""
    forbidden = [each for each in problems if isinstance(each, ForbiddenWords)]
    caller = info.context.caller
    if not forbidden or caller is None or caller.shop is None:
        return
    shop = await info.context.loaders.shop.load(caller.shop)
    plan_id = global_id.integer(getattr(input, "id", None) or "", "Plan")
    if shop is not None:
        await violations.note(shop.id, plan_id, forbidden, actor=info.context.actor)

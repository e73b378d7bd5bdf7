"""Answers about what a shop may do, and since when."""

from dataclasses import dataclass
from datetime import datetime

import strawberry

from models import access
from models.access import AccessReason, AccessState, decision
from models.access.decision import Change
from models.page import page_of
from models.shop import Shop
from resolvers.connection import After, Before, Connection, First, Last, connect


@dataclass(frozen=True, slots=True)
class ShopAccess:
    """What a shop's score allows it at this moment."""

    shop_id: int
    state: AccessState
    reason: AccessReason
    may_email: bool


def of_shop(root: strawberry.Parent[Shop]) -> ShopAccess:
    """A shop's access."""
    decided = access.access(root.score)
    return ShopAccess(root.id, decided.state, decided.reason, access.may_email(root.score, root.gmv))


async def since(root: strawberry.Parent[ShopAccess]) -> datetime | None:
    """Since when the shop has been in its state."""
    return await decision.since(root.shop_id)


async def history(
    root: strawberry.Parent[ShopAccess],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Connection[Change]:
    """The changes of a shop's access."""
    page = page_of(decision.NEWEST_FIRST, first=first, after=after, last=last, before=before)
    changes = await decision.history(root.shop_id, page)
    return connect(page, changes, lambda change: (change.id,), lambda: decision.count(root.shop_id))

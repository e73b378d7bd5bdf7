"""Answers about a shop's weekly quota."""

import strawberry

from models import quota
from models.clock import now
from models.quota import Quota
from models.shop import Shop


async def of_shop(root: strawberry.Parent[Shop]) -> Quota:
    """A shop's quota in this week."""
    return await quota.quota(root.id, now())

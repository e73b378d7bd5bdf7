"""Answers about one customer and one segment: in or out, and why."""

from typing import Annotated

import strawberry

from models.segment import Segment
from models.segment import membership as memberships
from models.segment.membership import Membership
from resolvers import global_id
from resolvers.member import AsOf, past


async def membership(
    root: strawberry.Parent[Segment],
    customer_id: Annotated[strawberry.ID, strawberry.argument(description="Global id of a customer.")],
    as_of: AsOf = None,
) -> Membership | None:
    """Whether the customer is in the segment, and which conditions decide."""
    at = past(as_of)
    wanted = global_id.uuid(customer_id, "Customer")
    return await memberships.membership(root.question(at), wanted) if wanted else None

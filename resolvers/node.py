"""Objects by their global ids, whatever their type, as far as the caller may see them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

import strawberry

from models.errors import ErrorCode, Forbidden, Unauthenticated, refuse
from resolvers import conversation, coupon, customer, message, plan, product, segment, shop, webhook
from resolvers.context import Info
from resolvers.global_id import decode

MAX_IDS = 250

FINDERS: Mapping[str, Callable[[Info, str], Awaitable[Any]]] = {
    "Conversation": conversation.find,
    "Coupon": coupon.find,
    "Customer": customer.find,
    "Message": message.find,
    "Plan": plan.find,
    "Product": product.find,
    "Segment": segment.find,
    "Shop": shop.find,
    "Webhook": webhook.find,
}
"""For each type with global ids: what finds one by the key in its id, for this caller, or gives None."""


async def node(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="A global id.")],
) -> Any:
    """The object with this id; None when it is unknown, malformed or not the caller's."""
    if info.context.caller is None:
        raise Unauthenticated("This needs a bearer token.")
    decoded = decode(id)
    find = FINDERS.get(decoded[0]) if decoded else None
    return await find(info, decoded[1]) if decoded and find else None


async def nodes(
    info: Info,
    ids: Annotated[list[strawberry.ID], strawberry.argument(description=f"At most {MAX_IDS} global ids.")],
) -> list[Any]:
    """The objects with these ids, in their order, with None where there is none, and why where a role may not see it."""
    if len(ids) > MAX_IDS:
        raise refuse("ids", f"At most {MAX_IDS} ids are answered at once.", ErrorCode.TOO_MANY)
    return await asyncio.gather(*(_node_or_refusal(info, one) for one in ids))


async def _node_or_refusal(info: Info, id: strawberry.ID) -> Any:
    """An object, or that the caller's role may not see it: an error in a list is of its place and leaves the others."""
    try:
        return await node(info, id)
    except Forbidden as forbidden:
        return forbidden

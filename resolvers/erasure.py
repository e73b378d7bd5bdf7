"""Erasing a customer, at the platform's word."""

import strawberry

from models import erasure
from models.erasure import Erasure
from models.identifier import customer_id
from resolvers.context import Info
from resolvers.mutation import IDEMPOTENCY_KEY, Kept, Payload, answer


@strawberry.input(description="Who is to be forgotten.")
class CustomerEraseInput:
    """What `customerErase` takes."""

    external_id: str = strawberry.field(description="The customer's id in the platform's own system.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def erase(info: Info, input: CustomerEraseInput) -> Payload:
    """Forget who a customer is."""
    actor = info.context.platform().actor
    secret = info.context.secret

    async def work() -> Erasure:
        return await erasure.erase(input.external_id, secret=secret, actor=actor)

    async def load(_: object) -> Erasure | None:
        return await erasure.of_key(erasure.customer_key(customer_id(input.external_id), secret))

    kept: Kept[Erasure | None] = Kept("erasure", lambda _: None, load)
    payload = await answer(info, input, kept, work)
    if payload.entity is not None and payload.entity.done_at is None:
        await info.context.enqueue("erase_customers")
    return payload

"""What is stored about a customer, for the platform to hand to them."""

import strawberry

from models import customer_export
from models.customer_export import CustomerExport
from resolvers.context import Info
from resolvers.mutation import IDEMPOTENCY_KEY, Kept, Payload, answer

MOST_ROWS = 1_000
"""Rows of one table that an answer holds; the command holds all."""


@strawberry.input(description="Whose data is wanted.")
class CustomerExportInput:
    """What `customerExport` takes."""

    external_id: str = strawberry.field(description="The customer's id in the platform's own system.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def export(info: Info, input: CustomerExportInput) -> Payload:
    """Everything about a customer. Nothing of it is kept for a repeated key: it is put together again."""
    info.context.platform()

    async def work() -> CustomerExport:
        return await customer_export.export(input.external_id, most_rows=MOST_ROWS)

    async def load(_: object) -> CustomerExport:
        return await work()

    kept: Kept[CustomerExport] = Kept("export", lambda _: None, load)
    return await answer(info, input, kept, work)

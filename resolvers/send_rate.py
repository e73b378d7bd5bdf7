"""Answers about shops' send rates, and the platform's changing them."""

import strawberry

from models import send_rate
from models.caller import Action
from models.shop import Shop
from resolvers.context import Info
from resolvers.mutation import IDEMPOTENCY_KEY, Kept, Payload, answer


@strawberry.input(description="How fast a shop may send from now on.")
class SendRateUpdateInput:
    """What `sendRateUpdate` takes."""

    shop: str = strawberry.field(description="The shop's external id.")
    messages_per_minute: int | None = strawberry.field(
        default=None, description="Over all its plans and channels, 1–10,000,000; as fast as it can when left out."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def of_shop(root: strawberry.Parent[Shop]) -> int | None:
    """A shop's messages per minute."""
    return await send_rate.of_shop(root.id)


async def _load(external_id: str) -> Shop:
    return await Shop.get(external_id=external_id)


RATED: Kept[Shop] = Kept("shop", lambda shop: shop.external_id, _load)


async def update(info: Info, input: SendRateUpdateInput) -> Payload:
    """Change a shop's send rate."""
    info.context.platform(Action.WRITE_DATA)

    async def change() -> Shop:
        shop = await info.context.named_shop(input.shop)
        await send_rate.change(shop, input.messages_per_minute)
        return shop

    payload = await answer(info, input, RATED, change)
    shop = payload.entity
    return Payload("messages_per_minute", await send_rate.of_shop(shop.id) if shop else None, payload.user_errors)

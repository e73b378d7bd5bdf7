"""Answers about who a shop's emails are from, and what is left to mend before they may go."""

import strawberry

from models import sender, sender_domain
from models.caller import Action
from models.errors import ErrorCode, refuse
from models.sender_domain import SenderDomain
from models.shop import Shop
from resolvers.context import Info
from resolvers.mutation import IDEMPOTENCY_KEY, Kept, Payload, answer


@strawberry.input(description="A wish to have the domain of the shop's emails looked at again.")
class SenderCheckInput:
    """What `senderCheck` takes."""

    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


def of_shop(root: strawberry.Parent[Shop]) -> Shop:
    """The sender of a shop's emails is the shop."""
    return root


def address(info: Info, root: strawberry.Parent[Shop]) -> str:
    """The address in From."""
    return sender.of_shop(root, info.context.settings).address


async def unmet(info: Info, root: strawberry.Parent[Shop]) -> list[str]:
    """What keeps its emails from going."""
    return [problem.message for problem in await sender.unmet(root, info.context.settings)]


async def domain(info: Info, root: strawberry.Parent[Shop]) -> SenderDomain | None:
    """What DNS says of the address's domain."""
    return await sender.domain(root, info.context.settings)


async def check(info: Info, input: SenderCheckInput) -> Payload:
    """Have the domain of the shop's emails looked at now rather than with its daily turn."""
    shop = await info.context.shop(Action.CHANGE_SHOP)
    settings = info.context.settings

    async def ask() -> SenderDomain:
        found = await sender.domain(shop, settings)
        if found is None:
            raise refuse("", "The domain of this shop's emails is not looked at here.", rule="R21")
        if found.checked_at is not None and not await sender_domain.ask(found.domain):
            raise refuse("", "It was looked at a moment ago: try again in a minute.", ErrorCode.TOO_MANY, rule="R21")
        return found

    payload = await answer(info, input, _KEPT, ask)
    if payload.entity is not None:
        await info.context.enqueue("check_senders")
    return payload


_KEPT: Kept[SenderDomain] = Kept("domain", lambda found: found.domain, sender_domain.found_or_unchecked)

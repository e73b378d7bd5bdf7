"""Answers about a shop's quiet hours, and its changing them."""

from datetime import time
from typing import Any

import strawberry

from models import quiet_hours
from models.caller import Action
from models.errors import ErrorCode, Problem, Refused
from models.quiet_hours import Hours, QuietHours
from models.shop import Shop
from resolvers.context import Info
from resolvers.mutation import IDEMPOTENCY_KEY, Kept, Payload, answer


@strawberry.input(description="From when until when; over midnight when the end lies before the beginning.")
class HoursInput:
    """On the customer's own clock."""

    since: time = strawberry.field(description="When they begin, such as 21:00.")
    until: time = strawberry.field(description="When they end, such as 09:00: from then on messages go.")


@strawberry.input(description="Where other quiet hours hold.")
class QuietRegionInput:
    """An exception."""

    region: str = strawberry.field(
        description="A region (ISO 3166-2, MX-JAL) or a country (MX); the region counts first."
    )
    hours: HoursInput | None = strawberry.field(
        default=None, description="The hours there; no quiet time when left out."
    )


@strawberry.input(description="A shop's quiet hours from now on, all of them.")
class QuietHoursUpdateInput:
    """What `quietHoursUpdate` takes."""

    hours: HoursInput | None = strawberry.field(
        default=None, description="Everywhere else; no quiet time when left out."
    )
    exceptions: list[QuietRegionInput] = strawberry.field(
        default_factory=list, description="At most 100 regions or countries where others hold, or none."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def of_shop(root: strawberry.Parent[Shop]) -> QuietHours:
    """A shop's quiet hours."""
    return await quiet_hours.of_shop(root.id)


async def _load(shop_id: Any) -> QuietHours:
    return await quiet_hours.of_shop(shop_id)


async def update(info: Info, input: QuietHoursUpdateInput) -> Payload:
    """Change the quiet hours of the caller's shop."""
    shop = await info.context.shop(Action.CHANGE_SHOP)
    kept: Kept[QuietHours] = Kept("quiet_hours", lambda _: shop.id, _load)

    async def change() -> QuietHours:
        exceptions: dict[str, Hours | None] = {}
        for each in input.exceptions:
            if each.region in exceptions:
                raise Refused([Problem(("exceptions", each.region[:20]), "is there twice", ErrorCode.CONFLICT)])
            exceptions[each.region] = _hours(each.hours)
        return await quiet_hours.change(shop, QuietHours(_hours(input.hours), exceptions))

    return await answer(info, input, kept, change)


def _hours(given: HoursInput | None) -> Hours | None:
    return Hours(given.since, given.until) if given else None

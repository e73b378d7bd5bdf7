"""Money as clients give it, held against the shop's currency."""

import strawberry

from models.errors import ErrorCode, Problem, Refused
from models.shop import Shop
from resolvers.long import Long


@strawberry.input(description="An amount of money.")
class MoneyInput:
    """Integer minor units with an ISO 4217 currency."""

    amount: Long = strawberry.field(description="In the currency's minor unit: 1999 of USD is 19.99 dollars.")
    currency: str = strawberry.field(description="ISO 4217 code; must be the shop's.")


def minor_units(shop: Shop, given: MoneyInput, *path: str) -> int:
    """The amount; refused when it is in another currency than the shop's."""
    if given.currency != shop.currency:
        message = f"{given.currency[:20]!r} is not the shop's currency, which is {shop.currency}"
        raise Refused([Problem((*path, "currency"), message, ErrorCode.WRONG_CURRENCY)])
    return int(given.amount)

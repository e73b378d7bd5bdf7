"""Money, as clients see it."""

import strawberry

from resolvers.long import Long


@strawberry.type(description="An amount of money.")
class Money:
    """Integer minor units with an ISO 4217 currency."""

    amount: Long = strawberry.field(description="In the currency's minor unit: 1999 of USD is 19.99 dollars.")
    currency: str = strawberry.field(description="ISO 4217 code, such as USD.")

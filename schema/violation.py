"""Refused texts, as the platform sees them."""

from datetime import datetime

import strawberry

from models.content_rule import WayOut
from resolvers import violation as resolvers
from schema.enums import describe

describe(
    WayOut,
    "A way out of the shop that a text may not name.",
    {
        "EMAIL": "An e-mail address.",
        "LINK": "A link or a bare domain.",
        "MESSENGER": "Another messenger.",
        "PHONE": "A phone number.",
    },
)


@strawberry.type(description="Words that a content rule refused, and how often.")
class Violation:
    """One row: the same words in the same plan."""

    shop_id: strawberry.ID = strawberry.field(resolver=resolvers.identify_shop, description="Global id of the shop.")
    shop_external_id: str = strawberry.field(description="The shop's id in the platform's own system.")
    plan_id: strawberry.ID | None = strawberry.field(
        resolver=resolvers.identify_plan, description="Global id of the plan; null for a draft that was never kept."
    )
    way: WayOut = strawberry.field(description="Which way out they name.")
    words: str = strawberry.field(description="The offending words, as they were written.")
    field: str = strawberry.field(description="Where they stood, such as texts.en.subject or productIds.0.")
    text: str = strawberry.field(description="The whole text they stood in, as it was last refused.")
    actor: str = strawberry.field(description="Who wrote it last: ROLE:shop:user, a colon in the shop's id as %3A.")
    count: int = strawberry.field(description="How often they were refused.")
    first_at: datetime = strawberry.field(description="When they were first refused.")
    last_at: datetime = strawberry.field(description="When they were last refused.")

"""How the plans of a segment did, as their sellers see it."""

from datetime import datetime
from typing import TypeAlias

import strawberry

from models.segment import performance as models
from resolvers.long import Long
from schema.money import Money

Root: TypeAlias = strawberry.Parent[models.Performance]


def _gmv(root: Root) -> Money:
    return Money(amount=Long(root.gmv), currency=root.currency)


@strawberry.type(
    description="How the plans sent to a segment did, as of the end of yesterday in the shop's time zone."
    " Rates are null while nothing was delivered."
)
class SegmentPerformance:
    """A segment's plans in numbers."""

    until: datetime = strawberry.field(description="The beginning of today: what happened since does not count yet.")
    plans: int = strawberry.field(description="Plans to the segment that had begun by then.")
    delivered: Long = strawberry.field(description="Messages of theirs delivered by then.")
    read: Long = strawberry.field(description="Of these, those read or clicked by then.")
    clicked: Long = strawberry.field(description="Of these, those clicked by then.")
    orders: Long = strawberry.field(
        description="Credited orders placed by then, and not cancelled or refunded by then."
    )
    gmv: Money = strawberry.field(resolver=_gmv, description="What these orders amount to.")
    read_rate: float | None = strawberry.field(description="Read of delivered, 0–1.")
    click_rate: float | None = strawberry.field(description="Clicked of delivered, 0–1.")
    order_rate: float | None = strawberry.field(description="Orders of delivered.")

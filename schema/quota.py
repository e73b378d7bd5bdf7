"""The weekly quota, as sellers see it."""

from datetime import date, datetime
from typing import TypeAlias

import strawberry

from models import quota as models
from resolvers.long import Long

Root: TypeAlias = strawberry.Parent[models.Quota]


@strawberry.type(description="How a shop compares with the others of its tier, over the past 28 days.")
class QuotaComparison:
    """The numbers that rewards come from. Recomputed daily."""

    peers: int = strawberry.field(
        description="Other shops of the tier with enough sent messages; fewer than 4 are no comparison."
    )
    sent: Long = strawberry.field(description="Messages the shop sent.")
    read: Long = strawberry.field(description="How many of them were read.")
    unsubscribed: Long = strawberry.field(description="How many customers unsubscribed.")
    read_beaten: int = strawberry.field(description="Peers with a lower read rate; a tie is not beaten.")
    unsubscribe_beaten: int = strawberry.field(description="Peers with a higher unsubscribe rate.")


def _tier(root: Root) -> str:
    return root.tier.name


def _basic(root: Root) -> int:
    return root.tier.basic


def _read_reward(root: Root) -> int:
    return root.reward.for_reading


def _unsubscribe_reward(root: Root) -> int:
    return root.reward.for_staying


@strawberry.type(description="How many one-time plans a shop may submit this week.")
class Quota:
    """One week's quota: from Monday 00:00 UTC−4."""

    week: date = strawberry.field(description="The Monday that the week begins with.")
    tier: str = strawberry.field(resolver=_tier, description="The shop's GMV tier.")
    basic: int = strawberry.field(resolver=_basic, description="What the tier gives.")
    read_reward: int = strawberry.field(
        resolver=_read_reward, description="1 when its read rate beats that of 70 % of its peers."
    )
    unsubscribe_reward: int = strawberry.field(
        resolver=_unsubscribe_reward, description="1 when its unsubscribe rate is lower than that of 70 % of them."
    )
    reward: QuotaComparison = strawberry.field(name="comparison", description="What the rewards come from.")
    total: int = strawberry.field(description="Basic and rewards together.")
    used: int = strawberry.field(description="How many have been submitted and not given back.")
    left: int = strawberry.field(description="How many more can be submitted.")
    refreshes_at: datetime = strawberry.field(description="When the next week begins.")

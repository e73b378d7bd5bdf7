"""Answers about what a shop may do better, and dismissing it."""

from typing import Any

import strawberry

from models import recommendation as recommendations_of_shop
from models.caller import Action
from models.coupon import Coupon
from models.recommendation import Recommendation, RecommendationKind
from models.segment import Segment
from resolvers import global_id
from resolvers.context import Info
from resolvers.mutation import IDEMPOTENCY_KEY, Kept, Payload, answer


@strawberry.input(description="A recommendation that the shop does not want to hear for a while.")
class RecommendationDismissInput:
    """What `recommendationDismiss` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of one of the shop's recommendations.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def recommendations(info: Info) -> list[Recommendation]:
    """What the caller's shop may do better."""
    shop = await info.context.shop(Action.READ_SHOP)
    return await recommendations_of_shop.of_shop(shop)


def identify(root: strawberry.Parent[Recommendation]) -> strawberry.ID:
    """A recommendation's global id."""
    return global_id.encode("Recommendation", root.shop_id, root.finding.kind, root.finding.subject)


async def segment(info: Info, root: strawberry.Parent[Recommendation]) -> Segment | None:
    """The segment that it is about."""
    if root.finding.kind not in (RecommendationKind.SEGMENT_CONVERTS_BETTER, RecommendationKind.SEGMENT_TOO_BROAD):
        return None
    return await info.context.loaders.segment.load(int(root.finding.subject))


async def coupon(info: Info, root: strawberry.Parent[Recommendation]) -> Coupon | None:
    """The coupon that it is about."""
    if root.finding.kind is not RecommendationKind.COUPON_CONVERTS_BETTER:
        return None
    return await info.context.loaders.coupon.load(int(root.finding.subject))


async def dismiss(info: Info, input: RecommendationDismissInput) -> Payload:
    """Do not tell the shop of it for a while."""
    shop = await info.context.shop(Action.CHANGE_SHOP)
    actor = info.context.actor

    async def load(dismissed: Any) -> strawberry.ID:
        return strawberry.ID(dismissed)

    async def work() -> strawberry.ID:
        kind, subject = _key(input.id, shop.id)
        return identify(await recommendations_of_shop.dismiss(shop, kind, subject, actor=actor))

    return await answer(info, input, Kept("id", str, load), work)


def _key(given: strawberry.ID, shop_id: int) -> tuple[str, str]:
    """RecommendationKind and subject of a recommendation of this shop."""
    named, key = global_id.decode(given) or ("", "")
    owner, _, rest = key.partition(":")
    if (named, owner) != ("Recommendation", str(shop_id)):
        raise global_id.missing("id", "recommendation")
    kind, _, subject = rest.partition(":")
    return kind, subject

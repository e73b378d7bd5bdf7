"""Answers about who is in a segment, as distributions."""

import strawberry

from models.caller import Action
from models.segment import Segment
from models.segment import profile as profiles
from models.segment.profile import Profile
from resolvers.context import Info


async def profile(info: Info, root: strawberry.Parent[Segment]) -> Profile:
    """The distributions of a segment's members."""
    shop = await info.context.shop(Action.READ_SHOP)
    return await profiles.profile(shop, root.question())

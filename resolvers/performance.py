"""Answers about how the plans of a segment did."""

import strawberry

from models.segment import Segment
from models.segment.performance import Performance
from resolvers.context import Info


async def of_segment(info: Info, root: strawberry.Parent[Segment]) -> Performance | None:
    """How the plans sent to a segment did."""
    return await info.context.loaders.performance.load(root.id)

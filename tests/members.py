"""Who is in a segment, for tests."""

from datetime import datetime
from uuid import UUID

from models.page import Page
from models.segment import Segment
from models.segment.member import BY_CUSTOMER, pages


async def members_of(
    segment: Segment, *, as_of: datetime | None = None, after: UUID | None = None, first: int = 50
) -> list[UUID]:
    """The next `first` members after the customer `after`, by customer id."""
    page = Page(BY_CUSTOMER, first, after=(after,) if after else None)
    return (await pages([(segment.question(as_of), page)]))[0][:first]

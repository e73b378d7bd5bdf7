"""Job: keep today's size of every segment that has none yet."""

from jobs.context import Context
from models.segment import size as segment_size


async def measure_segments(_: Context) -> None:
    """Measure until every segment has today's size; what fails is found again by the next sweep."""
    while await segment_size.measure_due():
        pass
    await segment_size.forget()

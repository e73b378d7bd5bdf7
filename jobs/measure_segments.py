"""Job: keep today's size of every segment that has none yet."""

from jobs.context import Context
from models.segment import size as segment_size


async def measure_segments(_: Context) -> None:
    """Drop old sizes and measure what is due; what fails is found again by the next sweep."""
    await segment_size.forget()
    await segment_size.measure_due()

"""Workers, and the generations that their leases make."""

from datetime import timedelta

import pytest

from models import worker


@pytest.mark.usefixtures("database")
async def test_a_generation_is_the_same_for_all_workers_and_changes_with_the_lease():
    hour = timedelta(hours=1)

    assert await worker.generation(hour) == await worker.generation(hour)
    assert await worker.generation(timedelta(seconds=1)) > await worker.generation(timedelta(days=1))

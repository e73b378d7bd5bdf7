"""Shops in a time zone whose days begin at no full hour of UTC."""

import pytest

from tests.outreach import Place


@pytest.fixture
async def place(database: None) -> Place:
    return await Place.make(time_zone="America/St_Johns")

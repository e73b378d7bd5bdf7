"""The shop of these tests."""

import pytest

from models.shop import Shop
from tests.factories import make_customers, make_shop


@pytest.fixture
async def shop(database: None) -> Shop:
    """A shop with three customers who ordered twice yesterday."""
    shop = await make_shop(country="MX")
    await make_customers(shop, 3)
    return shop

"""The shop that benchmarks are about."""

from typing import Any

from models.ingest import ingest_shops
from models.shop import Shop

SHOP = {
    "externalId": "bench", "name": "Bench", "currency": "USD", "timeZone": "UTC", "defaultLanguage": "en",
    "country": "US", "score": 4.8, "gmv": 100_000_000,
}  # fmt: skip
"""What the platform tells of it."""


async def make_shop(**fields: Any) -> Shop:
    """The shop `bench`, of which nobody is a customer yet; `fields` are told of it instead."""
    await ingest_shops([{**SHOP, **fields}])
    return await Shop.get(external_id=SHOP["externalId"])

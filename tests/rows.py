"""Rows of the import format for tests, whole and valid unless told otherwise; and the telling of them."""

from typing import Any

from models.ingest import ingest
from models.shop import Shop

SECRET = b"a key of address digests, for tests"


async def tell(shop: Shop, *rows: dict[str, Any]) -> None:
    """Ingest rows that must all be accepted."""
    results = await ingest(shop, rows, secret=SECRET)
    assert all(not result.problems for result in results), results


def customer_row(external_id: str = "c1", **fields: Any) -> dict[str, Any]:
    """A customer of whom nothing is known but the id."""
    return {"type": "customer", "externalId": external_id, **fields}


def product_row(external_id: str = "p1", **fields: Any) -> dict[str, Any]:
    """A product with a price."""
    return {
        "type": "product",
        "externalId": external_id,
        "title": "Rose soap",
        "price": 1999,
        "currency": "USD",
        **fields,
    }


def order_row(external_id: str = "o1", customer: str = "c1", **fields: Any) -> dict[str, Any]:
    """An order of ten dollars on New Year's Day 2026."""
    return {
        "type": "order", "externalId": external_id, "customer": customer, "orderedAt": "2026-01-01T00:00:00Z",
        "amount": 1000, "currency": "USD", **fields,
    }  # fmt: skip


def event_row(external_id: str = "e1", customer: str = "c1", **fields: Any) -> dict[str, Any]:
    """A product viewed on New Year's Day 2026."""
    return {
        "type": "event", "externalId": external_id, "kind": "PRODUCT_VIEWED", "customer": customer,
        "occurredAt": "2026-01-01T00:00:00Z", **fields,
    }  # fmt: skip


def live_row(external_id: str = "l1", **fields: Any) -> dict[str, Any]:
    """A LIVE planned for the evening of 15 January 2026."""
    return {
        "type": "live", "externalId": external_id, "title": "Spring LIVE", "startsAt": "2026-01-15T19:00:00Z", **fields,
    }  # fmt: skip


def price_row(product: str = "p1", **fields: Any) -> dict[str, Any]:
    """A price of fifteen dollars since New Year's Day 2026."""
    return {
        "type": "priceChange", "product": product, "changedAt": "2026-01-01T00:00:00Z", "price": 1500,
        "currency": "USD", **fields,
    }  # fmt: skip


def consent(state: str, at: str, source: str | None = "checkout") -> dict[str, Any]:
    """What a customer said to e-mail."""
    return {"state": state, "source": source, "at": at}

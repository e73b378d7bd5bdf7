"""Clicks on more products than figures name, and what figures read of them."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from models import database

CLICKED = 45
"""Products that were clicked; of those that were clicked equally often, two and two, the lower ids come first."""


async def store_clicks(shop_id: int, plan_id: int) -> None:
    """Clicks of a plan of January 2026 on `CLICKED` products; on the first, all were taken back."""
    await database.execute(
        "INSERT INTO metric_day (shop_id, day, plan_id, channel, language, product_id, clicked)"
        " SELECT $1, $3, $2, 'CHAT', 'en', lpad(n::text, 32, '0')::uuid, n / 2 FROM generate_series(1, $4::int) n",
        shop_id, plan_id, date(2026, 1, 10), CLICKED,
    )  # fmt: skip


def clicked_often() -> list[tuple[UUID, int]]:
    """The twenty that are named, with their clicks."""
    numbers = sorted(range(1, CLICKED + 1), key=lambda number: (-(number // 2), number))
    return [(UUID(int=int(str(number), 16)), number // 2) for number in numbers[:20]]


def rows_read(monkeypatch: pytest.MonkeyPatch) -> list[database.Record]:
    """The rows that statements answer with from here on."""
    read: list[database.Record] = []
    fetch = database.fetch

    async def noted(sql: str, *arguments: Any) -> Any:
        rows = await fetch(sql, *arguments)
        read.extend(rows)
        return rows

    monkeypatch.setattr(database, "fetch", noted)
    return read

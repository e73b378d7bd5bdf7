"""The two demo shops: their settings, who buys there, what they sell and when they go LIVE."""

import json
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache, cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

HISTORY = timedelta(days=365)
"""How far back the demo's history reaches."""

LIVE_SLOTS = {1: time(20), 4: time(20), 6: time(15)}
"""Weekday (Monday is 0) and local hour at which a shop goes LIVE."""

LIVE_LENGTH = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Product:
    """One article; `price` is in minor units of the shop's currency."""

    external_id: str
    title: str
    category: str
    price: int


@dataclass(frozen=True, slots=True)
class Live:
    """One LIVE session, about one category."""

    external_id: str
    starts_at: datetime
    category: str


@dataclass(frozen=True)
class DemoShop:
    """A shop of the demo; `people` are numbers of persons, so that two shops may share some."""

    external_id: str
    name: str
    currency: str
    time_zone: str
    default_language: str
    country: str
    score: float
    gmv: int
    postal_address: str
    store_url: str
    people: range

    @cached_property
    def products(self) -> list[Product]:
        """What the shop sells."""
        return [
            Product(f"{self.external_id}-p{number:02d}", title, category, price)
            for number, (category, title, price) in enumerate(_catalogue()[self.external_id], start=1)
        ]

    @cached_property
    def categories(self) -> list[str]:
        """The categories of its products, in catalogue order."""
        return list(dict.fromkeys(product.category for product in self.products))

    def lives(self, now: datetime) -> list[Live]:
        """The LIVE sessions of the year up to `now`, oldest first, their categories taking turns."""
        zone = ZoneInfo(self.time_zone)
        first = (now - HISTORY).astimezone(zone).date()
        days = (first + timedelta(days=ahead) for ahead in range(1, HISTORY.days + 1))
        starts = [datetime.combine(day, LIVE_SLOTS[day.weekday()], zone) for day in days if day.weekday() in LIVE_SLOTS]
        return [
            Live(f"{self.external_id}-live-{start:%Y%m%d}", start, self.categories[number % len(self.categories)])
            for number, start in enumerate(starts)
            if start + LIVE_LENGTH < now
        ]


def demo_shops() -> tuple[DemoShop, DemoShop]:
    """The demo shop and its neighbour, who share eighty customers."""
    demo = DemoShop(
        external_id="demo",
        name="Lumi & Co",
        currency="USD",
        time_zone="Asia/Singapore",
        default_language="en",
        country="SG",
        score=4.6,
        gmv=48_250_000,
        postal_address="Lumi & Co, 1 Lantern Lane, Singapore 000001",
        store_url="https://lumi.example",
        people=range(1, 5001),
    )
    neighbour = DemoShop(
        external_id="neighbour",
        name="雲の文房具店",
        currency="JPY",
        time_zone="Asia/Tokyo",
        default_language="ja",
        country="JP",
        score=3.8,
        gmv=2_100_000,
        postal_address="雲の文房具店\n〒000-0000 東京都雲区一丁目1番1号",
        store_url="https://kumo-bungu.example",
        people=range(4921, 5221),
    )
    return demo, neighbour


@cache
def _catalogue() -> dict[str, list[tuple[str, str, int]]]:
    """The products of `catalogue.json`: category, title and price by shop."""
    catalogue: dict[str, list[tuple[str, str, int]]] = json.loads(
        Path(__file__).with_name("catalogue.json").read_text("utf-8")
    )
    return catalogue

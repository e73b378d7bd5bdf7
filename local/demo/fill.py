"""Writes the demo shops through the verbs that any platform uses, told by a progress bar.

Everything has a deterministic id and a shop remembers when it was made, which is the end of its told
year. So a fill that was killed is done again from the start, and what was there already stays as it is.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from rich.console import Console
from rich.progress import Progress, TaskID

from local.demo.behaviour import Row
from local.demo.figures import bar
from local.demo.shops import DemoShop
from local.demo.story import shop_row, story_of
from models import consent, database
from models.clock import clock, now
from models.errors import Refused
from models.identifier import customer_id
from models.ingest import ingest, ingest_shops
from models.row import RowResult
from models.shop import Shop

BATCH = 10_000
"""Rows written in one transaction."""

BLOCKING = 0.12
"""Share of the customers who have blocked the shop's chat: a plan reaches them by e-mail, or not at all."""

BLOCKED_BEFORE = timedelta(days=90)
"""They had before the first plan that the shop remembers, and within a year."""


async def fill_shops(shops: Sequence[DemoShop], *, secret: bytes, console: Console) -> list[Shop]:
    """Write the shops with their whole year, and answer them in the same order. Repeating it changes nothing."""
    with bar(console, "customers") as progress:
        tasks = [progress.add_task(f"Filling {told.name}", total=len(told.people)) for told in shops]
        return [await _fill_shop(told, secret, progress, task) for told, task in zip(shops, tasks, strict=True)]


async def _fill_shop(told: DemoShop, secret: bytes, progress: Progress, task: TaskID) -> Shop:
    """One shop: the next batch is thought out while the last one is being written."""
    shop = await _open(told)
    story = story_of(told, shop.created_at, BATCH)
    upcoming = asyncio.create_task(asyncio.to_thread(next, story, None))
    while (chapter := await upcoming) is not None:
        upcoming = asyncio.create_task(asyncio.to_thread(next, story, None))
        customers, rows = chapter
        await _write(shop, rows, secret)
        progress.update(task, completed=customers)
    return shop


async def _open(told: DemoShop) -> Shop:
    """The shop as it is, or made now with its presets."""
    shop = await Shop.get_or_none(external_id=told.external_id)
    if shop is None:
        insist(await ingest_shops([shop_row(told)]))
        shop = await Shop.get(external_id=told.external_id)
    return shop


async def _write(shop: Shop, rows: list[Row], secret: bytes) -> None:
    """Write rows, and let some of their customers block the shop's chat."""
    insist(await ingest(shop, rows, secret=secret))
    people = (row["externalId"] for row in rows if row["type"] == "customer")
    async with database.transaction():
        for person in people:
            draw = Random(f"rekindle demo block {shop.external_id} {person}")
            if draw.random() < BLOCKING:
                await _block(shop, person, shop.created_at - BLOCKED_BEFORE - draw.random() * timedelta(days=270))


async def _block(shop: Shop, person: str, at: datetime) -> None:
    """Let them block the shop's chat at this time: one of today would be an answer to the plans of these weeks."""
    turned = at - now()
    clock.move(turned)
    try:
        await consent.block(shop.id, customer_id(person))
    finally:
        clock.move(-turned)


def insist(results: Sequence[RowResult]) -> None:
    """Raise Refused with the problems of the first row that was refused: demo rows have to hold."""
    for result in results:
        if result.problems:
            raise Refused(result.problems)

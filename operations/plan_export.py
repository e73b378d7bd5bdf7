"""The export of a plan as its user sees it: a file that is there when it is whole, or standard output."""

import sys
from pathlib import Path
from typing import BinaryIO

from models import database, export
from models.export import Content, Format
from models.plan import Plan
from operations.trouble import CannotRun
from settings import Settings


async def export_plan(
    settings: Settings, *, shop: str, plan: int, content: Content, form: Format, to: Path | None
) -> None:
    """Write a plan of the shop with this external id to a file, or to standard output."""
    async with database.connected(settings, pool=2, application="rekindle export"):
        if not await Plan.exists(id=plan, shop__external_id=shop):
            raise CannotRun(f"the shop {shop!r} has no plan {plan}; it has {await _plans(shop)}")
        if to is None:
            await _write(sys.stdout.buffer, plan, content, form)
        else:
            await _write_whole(to, plan, content, form)


async def _write_whole(path: Path, plan: int, content: Content, form: Format) -> None:
    """Write beside the file and put it in its place at the end: what is there is never half of it."""
    draft = path.with_name(f"{path.name}.part")
    try:
        with draft.open("wb") as file:
            await _write(file, plan, content, form)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


async def _write(file: BinaryIO, plan: int, content: Content, form: Format) -> None:
    async for part in export.written(plan, content, form):
        file.write(part)
    file.flush()


async def _plans(shop: str) -> str:
    """The latest plans of a shop, to choose from."""
    plans = await Plan.filter(shop__external_id=shop).order_by("-id").limit(10)
    return ", ".join(f"{each.id} ({each.name})" for each in plans) or "none"

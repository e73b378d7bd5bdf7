"""The first plan of the demo: made, submitted, watched until it is sent, and told in figures."""

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from jobs.queue import enqueue, redis_pool
from local.demo.figures import WAITING_STATES, bar, line_of, table_of
from models import database, progress
from models.condition import SegmentPreset
from models.plan import Plan, PlanChannel, PlanDraft
from models.scenario import Destination
from models.segment import Segment
from models.shop import Shop
from settings import Settings

ACTOR = "demo"
"""Who made the plan. Sellers cannot be called that: their actors begin with a role."""

NAME = "We miss you"
AUDIENCE = SegmentPreset.LAPSED

ON_ITS_WAY = frozenset({"SCHEDULED", "ONGOING"})
"""States in which a plan is worth watching."""

GLANCE = 0.1
"""Seconds between two looks at the plan's progress."""


async def ensure_first_plan(shop: Shop, settings: Settings) -> Plan:
    """The demo's plan, submitted now unless it was before; however often and by whomever called, there is one.

    The shop's row is locked meanwhile, so that two starts at once make one plan.
    """
    async with database.transaction():
        await database.fetch("SELECT FROM shop WHERE id = $1 FOR NO KEY UPDATE", shop.id)
        plan = await find_first_plan(shop)
        if plan is not None:
            return plan
        segment = await Segment.get(shop_id=shop.id, preset=AUDIENCE)
        draft = PlanDraft(
            name=NAME, channel=_channel(settings), segment_id=segment.id, content=_content(), button=Destination.STORE
        )
        plan = await Plan.draft(shop, draft, actor=ACTOR)
        await plan.submit(shop, send_at=None, deadline_after=settings.plan_deadline, actor=ACTOR)
    await _wake_worker(plan, settings)
    return plan


async def find_first_plan(shop: Shop) -> Plan | None:
    """The demo's plan, in whatever state, or None when it was never made."""
    return await Plan.filter(shop_id=shop.id, created_by=ACTOR, trigger=None).order_by("id").first()


async def _wake_worker(plan: Plan, settings: Settings) -> None:
    """Spare the plan the wait for the next sweep."""
    redis = redis_pool(settings)
    try:
        await enqueue(redis, "localise_plan", plan.id)
    finally:
        await redis.aclose()


def _content() -> Mapping[str, Any]:
    """What the plan says, in eight languages."""
    return {"texts": json.loads(Path(__file__).with_name("first_plan.json").read_text("utf-8"))}


def _channel(settings: Settings) -> PlanChannel:
    """By chat, and by e-mail where the mailbox of this machine catches it: a real relay gets no demo mail."""
    return PlanChannel.CHAT_THEN_EMAIL if settings.mailbox_directory else PlanChannel.CHAT


async def watch(plan: Plan, console: Console, longest: timedelta) -> None:
    """Show the plan on its way, until it has arrived or for `longest`; then its figures by language and channel."""
    loop = asyncio.get_running_loop()
    end = loop.time() + longest.total_seconds()
    with bar(console, "recipients") as shown:
        task = shown.add_task(f"Sending “{plan.name}”", total=None)
        while (seen := await progress.progress(plan.id)) is not None:
            total = seen.recipients if seen.is_resolved else None
            shown.update(task, total=total, completed=seen.recipients - seen.total(*WAITING_STATES))
            if seen.status not in ON_ITS_WAY or loop.time() > end:
                break
            await asyncio.sleep(GLANCE)
    if seen is not None:
        console.print(table_of(plan.name, seen))


async def recall(plan: Plan, console: Console) -> None:
    """Say in one line what became of the plan at an earlier start."""
    seen = await progress.progress(plan.id)
    if seen is not None:
        console.print(f"The demo is there; its first plan {line_of(plan.name, seen)}.", soft_wrap=True)

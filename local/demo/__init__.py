"""The demo: two shops with a year of believable history, a first plan that is seen going out, and two automated ones."""

from collections.abc import Sequence
from datetime import timedelta

from rich.console import Console

from local.demo.automated_plans import ensure_automated_plans
from local.demo.fill import fill_shops
from local.demo.first_plan import AUDIENCE, ON_ITS_WAY, ensure_first_plan, find_first_plan, recall, watch
from local.demo.past_plans import ensure_past_plans
from local.demo.shops import DemoShop, demo_shops
from models import database
from models.shop import Shop
from settings import Settings

__all__ = ["DemoShop", "ensure_demo", "play"]


LONGEST_WATCH = timedelta(minutes=2)


async def ensure_demo(settings: Settings, console: Console) -> None:
    """Let there be the demo shops and their first plan, sent; what is there already is not done again.

    `settings` name engines that run and a schema that is up to date; a worker has to run as well, or the
    plan goes out when one does. A start that was killed midway is taken up by the next one.
    """
    async with database.connected(settings, application="rekindle demo"):
        await play(settings, console, demo_shops())


async def play(
    settings: Settings, console: Console, shops: Sequence[DemoShop], longest: timedelta = LONGEST_WATCH
) -> None:
    """Fill these shops, then send the first plan of the first one, over the connection that is open.

    The plan is watched for `longest`; then it goes on without being watched.
    """
    shop = await Shop.get_or_none(external_id=shops[0].external_id)
    plan = await find_first_plan(shop) if shop else None
    if shop is None or plan is None:
        shop, *_ = await fill_shops(shops, secret=settings.secret, console=console)
        await ensure_past_plans(shop, secret=settings.secret)
        plan = await ensure_first_plan(shop, settings)
        console.print(f"Sending “{plan.name}” to the segment {AUDIENCE} of {shop.name}.")
    elif plan.status not in ON_ITS_WAY:
        await recall(plan, console)
        await _let_automated_run(shop, settings, console)
        return
    await watch(plan, console, longest)
    await _let_automated_run(shop, settings, console)


async def _let_automated_run(shop: Shop, settings: Settings, console: Console) -> None:
    """Let there be the automated plans, and say which began just now."""
    for plan in await ensure_automated_plans(shop, settings):
        console.print(f"Runs from now on: “{plan.name}”.")

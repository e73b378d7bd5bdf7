"""The demo's shop with all of its customers, as `make run` fills it (R24)."""

from datetime import timedelta

from rich.console import Console

from local.demo.fill import fill_shops
from local.demo.past_plans import PAST, ensure_past_plans
from local.demo.shops import demo_shops
from models.clock import Clock, now
from models.experiment import lift

SECRET = b"a key for demos"


async def test_the_whole_demo_shows_a_lift_with_its_interval(database: None, clock: Clock):
    shop, *_ = await fill_shops([demo_shops()[0]], secret=SECRET, console=Console(quiet=True))
    await ensure_past_plans(shop, secret=SECRET)

    whole = await lift.of_shop(shop, now().date() - timedelta(days=90), now().date())

    assert whole.plans == sum(past.held_out > 0 for past in PAST)
    assert whole.is_complete
    assert whole.comparison.buyers is not None
    assert (
        whole.comparison.buyers.interval.low
        < whole.comparison.buyers.difference
        < whole.comparison.buyers.interval.high
    )
    assert whole.comparison.buyers.difference > 0

"""Weeks of shop life on a clock that jumps: the ledger of automated plans is what plain Python expects of them."""

import pytest

from bench.shop_life import hand
from bench.shop_life.script import script
from bench.shop_life.stage import Stage
from settings import Settings


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("database", "redis")
@pytest.mark.parametrize("seed", [1, 2])
async def test_every_automated_message_is_the_one_that_plain_python_expects(settings: Settings, seed: int):
    stage = await Stage.open(script(seed, days=8, customers=15))

    async with hand.hand(settings) as ctx:
        differences = await stage.play(lambda at: hand.look(ctx, at))

    assert differences == []

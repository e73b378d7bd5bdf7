"""A shop's weeks with hands that die and a Redis that forgets: the automated messages are the same."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from random import Random

import pytest
from redis.asyncio import Redis

from bench.shop_life.script import script
from bench.shop_life.stage import Stage
from settings import Settings
from tests.faults.rig import FULL, Figures
from tests.processes import ROOT

HANDS = 2


class Hands:
    """Two hands at once, told the same instants. Now and then one is killed, or Redis emptied, in the middle."""

    def __init__(self, settings: Settings, redis: Redis, dice: Random, told: Figures) -> None:
        self._settings = settings
        self._redis = redis
        self._dice = dice
        self._told = told
        self._hands: list[asyncio.subprocess.Process] = []

    async def open(self) -> None:
        """Start them."""
        self._hands = [await self._start() for _ in range(HANDS)]

    async def close(self) -> None:
        """End those that are left."""
        for each in self._hands:
            each.kill()
            await each.wait()

    async def look(self, at: datetime) -> None:
        """Let all of them look; who was killed is replaced, and looks again."""
        for each in self._hands:
            await self._tell(each, at)
        if self._dice.random() < 0.1:
            await self._redis.flushall()
        if self._dice.random() < 0.15:
            await asyncio.sleep(self._dice.uniform(0, 0.04))
            victim = self._dice.randrange(HANDS)
            self._hands[victim].kill()
            await self._hands[victim].wait()
            self._told.faults += 1
            self._hands[victim] = await self._start()
            await self._tell(self._hands[victim], at)
        for each in self._hands:
            assert each.stdout is not None
            assert await each.stdout.readline() == b"done\n"

    async def _tell(self, hand: asyncio.subprocess.Process, at: datetime) -> None:
        assert hand.stdin is not None
        hand.stdin.write(f"{at.isoformat()}\n".encode())
        await hand.stdin.drain()

    async def _start(self) -> asyncio.subprocess.Process:
        environment = {
            **os.environ,
            "DATABASE_URL": self._settings.database_url or "",
            "REDIS_URL": self._settings.redis_url or "",
            "LEASE": "PT1S",
        }
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.shop_life.hand", cwd=ROOT, env=environment,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip


@asynccontextmanager
async def hands(settings: Settings, redis: Redis, seed: int, told: Figures) -> AsyncIterator[Hands]:
    """The hands of one play."""
    found = Hands(settings, redis, Random(seed), told)
    await found.open()
    try:
        yield found
    finally:
        await found.close()


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("seed", range(11, 14) if FULL else [11])
async def test_killed_hands_and_an_emptied_redis_change_no_automated_message(
    settings: Settings, redis: Redis, told: Figures, seed: int
):
    stage = await Stage.open(script(seed, days=10 if FULL else 4, customers=15))

    async with hands(settings, redis, seed, told) as found:
        differences = await stage.play(found.look)

    assert differences == []
    assert told.faults > 0

"""The process's one listener: told what may have changed, and not ended by what it cannot read."""

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette

from models import live
from models.live import Listener

UNREADABLE = (
    b"no json",
    b"[]",
    b"7",
    b"{}",
    b'{"topic": "inbox"}',
    b'{"topic": "inbox", "after": "a", "through": "b"}',
    b'{"topic": "inbox", "after": 1, "through": 2}',
    b'{"topic": []}',
)


async def is_told(event: asyncio.Event) -> None:
    await asyncio.wait_for(event.wait(), 30)
    event.clear()


@pytest.fixture
async def listener(app: Starlette, redis: Redis) -> Listener:
    """A listener that has begun: who watches from now on is nudged by what is published alone."""
    own: Listener = app.state.listener
    async with own.watch_plan(1) as changed:
        while not await redis.publish(live.CHANNEL, b'{"topic": "plan:1"}'):
            await asyncio.sleep(0.01)
        await is_told(changed)  # perhaps since it has begun
        await live.plan_changed(redis, 1)
        await is_told(changed)
    return own


async def test_who_watches_a_plan_is_told_of_that_plan_alone(listener: Listener, redis: Redis):
    async with listener.watch_plan(7) as changed, listener.watch_plan(8) as other:
        await live.plan_changed(redis, 7)
        await is_told(changed)
        assert not other.is_set()


@pytest.mark.parametrize("nudge", UNREADABLE)
async def test_after_a_nudge_that_says_nothing_readable_all_look_again_and_listening_goes_on(
    listener: Listener, redis: Redis, nudge: bytes
):
    async with listener.watch_plan(7) as changed:
        await redis.publish(live.CHANNEL, nudge)
        await is_told(changed)
        await live.plan_changed(redis, 7)
        await is_told(changed)


async def test_a_redis_that_stays_away_is_told_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
):
    monkeypatch.setattr(live, "RECONNECT_DELAY", 0.001)
    tries = 0

    class Away(Redis):
        def pubsub(self, **options: object):
            nonlocal tries
            tries += 1
            return super().pubsub(**options)

    away = Away(unix_socket_path=str(tmp_path / "nobody"))
    listening = asyncio.create_task(Listener(away).run())
    while tries < 20:
        await asyncio.sleep(0.001)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await away.aclose()

    assert sum("live listener lost Redis" in record.getMessage() for record in caplog.records) == 1

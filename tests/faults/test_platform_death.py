"""Workers die while they post chat to a shop's platform: nobody is lost, and nothing arrives twice."""

import asyncio
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from models import chat_platform
from models.plan import Plan
from tests.factories import DEADLINE, make_customers, make_draft, make_shop
from tests.faults.failpoints import PLATFORM_MOMENTS
from tests.faults.rig import FULL, LEASE, Rig, Worker, until
from tests.http_sink import HttpSink

REQUESTS = 4
KEY = b"another secret for tests, long enough too"


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[HttpSink]:
    """A chat platform with a journal on disk."""
    sink = HttpSink(tmp_path / "requests", keep=False)
    yield sink
    sink.stop()


async def chat_plan(rig: Rig, platform: HttpSink, recipients: int) -> Plan:
    """A chat plan of a shop whose chat goes to the platform, just submitted."""
    shop = await make_shop()
    await chat_platform.connect(shop, platform.start(), targets="any", key=KEY)
    await make_customers(shop, recipients)
    plan = await make_draft(shop)
    return await plan.submit(shop, send_at=None, deadline_after=DEADLINE)


def start(rig: Rig, *faults: dict[str, object]) -> Worker:
    """A worker that may call this machine."""
    return rig.start(*faults, WEBHOOK_TARGETS="any", WEBHOOK_CONNECTIONS=str(REQUESTS))


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "moment", PLATFORM_MOMENTS if FULL else ["before the last byte", "after the platform's answer"]
)
async def test_a_worker_dies_while_posting_and_another_finishes_its_work(rig: Rig, platform: HttpSink, moment: str):
    plan = await chat_plan(rig, platform, 300)

    assert await start(rig, {"at": moment, "nth": 3, "do": "kill"}).ended() == -9
    rig.figures.faults += 1
    await rig.forget_dead()
    start(rig)
    await rig.until_finished(plan)
    await rig.stop_all()

    verdict = await rig.check(300, accepted=platform.accepted(), channel="CHAT")
    assert verdict.states["SENT"] + verdict.states["UNKNOWN"] == 300
    assert verdict.states["UNKNOWN"] <= REQUESTS


@pytest.mark.timeout(600)
async def test_workers_die_at_random_moments_while_posting(rig: Rig, platform: HttpSink):
    recipients = 10_000 if FULL else 800
    platform.delay = 0.002
    plan = await chat_plan(rig, platform, recipients)
    dice = random.Random(20260116)
    workers = [start(rig) for _ in range(2)]
    crashes = 0
    for _ in range(30 if FULL else 6):
        await asyncio.sleep(dice.uniform(0.2, 0.8))
        place = dice.randrange(2)
        crashes += workers[place].kill()
        await workers[place].ended()
        await rig.forget_dead()
        workers[place] = start(rig)
    await rig.until_finished(plan)
    await rig.stop_all()

    verdict = await rig.check(recipients, accepted=platform.accepted(), channel="CHAT")
    assert verdict.states["SENT"] + verdict.states["UNKNOWN"] == recipients
    assert verdict.states["UNKNOWN"] <= crashes * REQUESTS


@pytest.mark.timeout(300)
async def test_a_worker_that_stood_still_before_the_last_byte_never_sends_it_and_says_so(rig: Rig, platform: HttpSink):
    plan = await chat_plan(rig, platform, 100)
    stopped = start(rig, {"at": "after the intent", "nth": 2, "do": "stop"})

    async def stands() -> bool:
        return stopped.is_stopped()

    await until(stands)
    await asyncio.sleep(LEASE.total_seconds() + 1)
    start(rig)
    await rig.until_finished(plan)
    stopped.signal(signal.SIGCONT)
    await rig.stop_all()

    verdict = await rig.check(100, accepted=platform.accepted(), channel="CHAT")
    assert verdict.states["SENT"] == verdict.accepted
    assert verdict.states["SENT"] + verdict.states["FAILED"] == 100
    assert 1 <= verdict.states["FAILED"] <= REQUESTS

"""Workers die while they post to a webhook: every fact arrives, perhaps twice, then under the same id."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from models import database as db
from models import webhook
from models.clock import now
from models.webhook import Wish, fact
from models.webhook.fact import WebhookFact
from tests.factories import make_shop
from tests.faults.failpoints import POSTING_MOMENTS
from tests.faults.rig import Rig, until
from tests.http_sink import HttpSink

FACTS = 60


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[HttpSink]:
    """A webhook's receiver with a journal on disk."""
    sink = HttpSink(tmp_path / "requests")
    yield sink
    sink.stop()


async def nothing_waits() -> bool:
    return not await db.fetch_value("SELECT EXISTS (SELECT FROM posting WHERE state = 'PENDING')")


@pytest.mark.timeout(300)
async def test_a_worker_dies_at_each_moment_and_every_fact_arrives_in_order(rig: Rig, receiver: HttpSink):
    shop = await make_shop()
    wish = Wish(url=receiver.start(), facts=[WebhookFact.COUPON_CLAIMED])
    await webhook.create(shop, wish, targets="any", key=b"key", actor="anna")
    for number in range(FACTS):
        await fact.tell(shop.id, WebhookFact.COUPON_CLAIMED, {"number": number}, now())
    for moment in POSTING_MOMENTS:
        worker = rig.start({"at": moment, "nth": 5, "do": "kill"}, WEBHOOK_TARGETS="any")
        assert await worker.ended() == -9
        rig.figures.faults += 1
        await db.execute("UPDATE webhook SET held_until = clock_timestamp()")
    rig.start(WEBHOOK_TARGETS="any")
    await until(nothing_waits)
    await rig.stop_all()

    first = list(dict.fromkeys(receiver.taken()))
    numbers = list(dict.fromkeys(request.json["data"]["number"] for request in receiver.requests))
    assert numbers == list(range(FACTS))
    assert len(first) == FACTS
    assert len(receiver.taken()) <= FACTS + len(POSTING_MOMENTS)
    assert await db.fetch_value("SELECT count(*) FROM posting WHERE state = 'DELIVERED'") == FACTS

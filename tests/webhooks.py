"""Webhooks that lead to a scripted receiver, and what waits to be posted."""

from models import database as db
from models import webhook
from models.shop import Shop
from models.webhook import Webhook, Wish, fact
from models.webhook.fact import WebhookFact
from tests.http_sink import HttpSink

KEY = b"another secret for tests, long enough too"


async def listen(shop: Shop, receiver: HttpSink, *facts: WebhookFact) -> Webhook:
    """A webhook of the shop that leads to the receiver, which listens from here on."""
    if not receiver.is_up:
        receiver.start()
    wish = Wish(url=f"http://127.0.0.1:{receiver.port}/{shop.external_id}", facts=facts or tuple(fact.WANTED))
    return await webhook.create(shop, wish, targets="any", key=KEY, actor="anna")


async def waiting() -> int:
    """How many requests wait to be made."""
    count: int = await db.fetch_value("SELECT count(*) FROM posting WHERE state = 'PENDING'")
    return count

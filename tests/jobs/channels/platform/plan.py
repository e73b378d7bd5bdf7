"""Plans whose chat goes to a scripted platform, and what became of their messages."""

from collections import Counter

from models import chat_platform
from models import database as db
from models.plan import Plan
from models.shop import Shop
from tests.factories import make_customers, make_resolved, make_shop
from tests.http_sink import HttpSink

KEY = b"another secret for tests, long enough too"


async def make_platform_plan(receiver: HttpSink, recipients: int, **fields: object) -> tuple[Shop, Plan, str]:
    """A shop whose chat goes to the receiver, a resolved plan to `recipients`, and the platform's secret."""
    shop = await make_shop()
    url = receiver.start() if not receiver.port else f"http://127.0.0.1:{receiver.port}/hook"
    connected = await chat_platform.connect(shop, url, targets="any", key=KEY)
    await make_customers(shop, recipients)
    plan = await make_resolved(shop, **fields)
    assert connected.secret is not None
    return shop, plan, connected.secret


async def states() -> Counter[tuple[str, str | None, int]]:
    """How many messages of all plans share a state, a reason and a number of tries."""
    rows = await db.fetch("SELECT state, reason, attempt FROM delivery")
    return Counter((row["state"], row["reason"], row["attempt"]) for row in rows)

"""What tests of the mail channel share: a plan whose mails wait, and what the ledger says of them afterwards."""

from collections.abc import Callable

from jobs.channels.email import EmailChannel
from models import database as db
from models.plan import Plan, PlanChannel
from tests.factories import make_customers, make_resolved, make_shop

AtSink = Callable[..., EmailChannel]
"""Starts the sink and makes it the relay (conftest.py)."""

State = tuple[str, str | None]


async def mail_plan(count: int = 3) -> Plan:
    """A plan with `count` mails waiting in slice 1."""
    shop = await make_shop()
    await make_customers(shop, count)
    return await make_resolved(shop, channel=PlanChannel.EMAIL)


async def states() -> dict[State, int]:
    """How many rows are in each (state, reason)."""
    rows = await db.fetch("SELECT state, reason, count(*) AS count FROM delivery GROUP BY 1, 2")
    return {(row["state"], row["reason"]): row["count"] for row in rows}

"""What tests of the mail channel share: a relay, and what the ledger says of the mails afterwards."""

from collections.abc import Callable

from jobs.channels.email import EmailChannel
from models import database as db

AtSink = Callable[..., EmailChannel]
"""Starts the sink and makes it the relay (conftest.py)."""

State = tuple[str, str | None]


async def states() -> dict[State, int]:
    """How many rows are in each (state, reason)."""
    rows = await db.fetch("SELECT state, reason, count(*) AS count FROM delivery GROUP BY 1, 2")
    return {(row["state"], row["reason"]): row["count"] for row in rows}

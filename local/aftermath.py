"""What a killed start left in flight, asked of the mailbox, so that it neither gets lost nor arrives twice.

A real relay cannot be asked, and what is in flight there when a worker dies is unknown for good. The mailbox of
this machine can: a message is on its disk before it says yes, so what it does not have it never accepted. Its
record is the late answer that settles the message.
"""

from pathlib import Path
from uuid import UUID

from local.mailbox import Mailbox
from models import database, intent, worker
from models.clock import now
from models.delivery import DeliveryState
from models.intent import Settlement
from models.mail import letter
from models.slice import Waiting

NO_TOKEN = UUID(int=0)

BATCH = 1_000
"""Messages settled in one commit."""


async def settle_aftermath(folder: Path, mail_domain: str) -> int:
    """Settle the mails in flight by the mailbox in `folder`, and dismiss the workers; how many it settled.

    Call it only while no worker runs, on a database whose mail has gone to no other relay.
    """
    rows = await database.fetch(
        "SELECT plan_id, customer_id, reference, slice, attempt, contact_day, state = 'UNKNOWN' AS is_unknown"
        " FROM delivery WHERE slice IS NOT NULL AND channel = 'EMAIL' AND state IN ('COMMITTING', 'UNKNOWN')"
    )
    known: list[Settlement] = []
    if rows:
        mailbox = Mailbox(folder)
        settlements = (_settlement(row, mailbox, mail_domain) for row in rows)
        known = [settlement for settlement in settlements if settlement is not None]
    for start in range(0, len(known), BATCH):
        await intent.commit(known[start : start + BATCH], [])
    for row in await database.fetch("SELECT id FROM worker"):
        await worker.leave(row["id"])
    return len(known)


def _settlement(row: database.Record, mailbox: Mailbox, mail_domain: str) -> Settlement | None:
    """What became of a message; None when it was given up and is not there: it stays unknown."""
    message = _message(row)
    if mailbox.find(letter.message_id(message, mail_domain)):
        return Settlement(message, row["attempt"], DeliveryState.SENT)
    return None if row["is_unknown"] else Settlement(message, row["attempt"], DeliveryState.PENDING)


def _message(row: database.Record) -> Waiting:
    """As much of the message as its settlement needs."""
    return Waiting(
        plan_id=row["plan_id"],
        customer_id=row["customer_id"],
        reference=row["reference"],
        slice=row["slice"],
        token=NO_TOKEN,
        attempt=row["attempt"],
        language="",
        contact_day=row["contact_day"],
        goes_until=now(),
        name=None,
        email=None,
    )

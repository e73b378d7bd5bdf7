"""After a kill: what was in flight is settled by what the mailbox has, so that everyone gets one mail."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from local.aftermath import settle_aftermath
from local.mailbox import Mailbox
from models import database as db
from models import intent, worker
from models import slice as slices
from models.mail import letter
from models.plan import PlanChannel
from models.slice import Slice, Waiting
from tests import oracle
from tests.factories import make_customers, make_resolved, make_shop
from tests.receiver import Accepted

pytestmark = pytest.mark.usefixtures("database")

DOMAIN = "rekindle.localhost"
LEASE = timedelta(seconds=60)


async def in_flight(count: int) -> tuple[Slice, list[Waiting]]:
    """Mails whose dots were allowed to leave, in a slice whose worker seems to live."""
    shop = await make_shop()
    await make_customers(shop, count)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    worker_id = uuid4()
    await worker.register(worker_id, "killed", LEASE)
    held = await slices.acquire(plan.id, 1, worker_id, uuid4())
    assert held is not None
    messages = await slices.load(held)
    assert len(await intent.commit([], messages)) == count
    return held, messages


def keep(folder: Path, message: Waiting) -> None:
    """Let the mailbox have a message."""
    source = f"Message-ID: {letter.message_id(message, DOMAIN)}\r\nSubject: x\r\n\r\nx\r\n"
    Mailbox(folder).keep("sender@example.com", [message.email or ""], source.encode())


async def states() -> dict[UUID, tuple[str, int]]:
    return {
        row["customer_id"]: (row["state"], row["attempt"])
        for row in await db.fetch("SELECT customer_id, state, attempt FROM delivery")
    }


async def test_what_the_mailbox_has_is_sent_and_what_it_has_not_waits_again(tmp_path: Path):
    _, messages = await in_flight(4)
    for message in messages[:2]:
        keep(tmp_path, message)

    assert await settle_aftermath(tmp_path, DOMAIN) == 4
    assert await states() == {
        **{message.customer_id: ("SENT", 1) for message in messages[:2]},
        **{message.customer_id: ("PENDING", 1) for message in messages[2:]},
    }
    await oracle.check(
        Accepted(0, letter.message_id(message, DOMAIN).strip("<>"), message.email or "") for message in messages[:2]
    )


async def test_the_rest_of_the_slice_may_go_at_once_since_its_worker_is_dismissed(tmp_path: Path):
    held, messages = await in_flight(3)
    keep(tmp_path, messages[0])
    await settle_aftermath(tmp_path, DOMAIN)

    assert await slices.give_up_lost() == [(held.plan_id, held.number)]
    again = await slices.acquire(held.plan_id, held.number, uuid4(), uuid4())
    assert again is not None
    assert {message.customer_id for message in await slices.load(again)} == {m.customer_id for m in messages[1:]}


async def test_what_was_given_up_stays_unknown_unless_the_mailbox_has_it(tmp_path: Path):
    held, messages = await in_flight(2)
    await worker.leave(held.worker_id)
    await slices.give_up_lost()
    keep(tmp_path, messages[0])

    assert await settle_aftermath(tmp_path, DOMAIN) == 1
    assert await states() == {
        messages[0].customer_id: ("SENT", 1),
        messages[1].customer_id: ("UNKNOWN", 1),
    }


async def test_settling_twice_changes_nothing(tmp_path: Path):
    _, messages = await in_flight(2)
    keep(tmp_path, messages[0])
    await settle_aftermath(tmp_path, DOMAIN)
    before = await states()

    assert await settle_aftermath(tmp_path, DOMAIN) == 0
    assert await states() == before


async def test_a_start_with_nothing_in_flight_opens_no_mailbox(tmp_path: Path):
    folder = tmp_path / "mailbox"
    assert await settle_aftermath(folder, DOMAIN) == 0
    assert not folder.exists()

"""Automated plans in tests: made, told of what happens, looked after as a worker would, and read back."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from models import content, database, template, worker
from models import slice as slices
from models.clock import clock, now
from models.message import MessageKey, messages
from models.plan import Plan, PlanChannel, PlanDraft, wording
from models.plan.automation import Automation
from models.shop import Shop
from models.trigger import TRIGGERS, TriggerCode
from models.trigger.fire import fire
from models.trigger.parameter import read
from tests.rows import customer_row, event_row, order_row, product_row, tell

LIFE = timedelta(hours=72)
TEXT = "Hi {name}"


async def make_automated(
    shop: Shop, code: str, parameters: Mapping[str, Any] | None = None, *, text: str = TEXT, **fields: Any
) -> Plan:
    """A running automated plan to everybody, since now, which says `text`; `automation` fields by keyword, too."""
    trigger = TRIGGERS[TriggerCode(code)]
    own = {name: fields.pop(name) for name in ("ends_at", "has_smart_coupon", "quiet") if name in fields}
    draft = PlanDraft(**{
        "name": "Automated", "channel": PlanChannel.CHAT, "segment_id": None,
        "content": {"texts": {"en": {"text": text}}},
        "automation": Automation(trigger.code, read(trigger, parameters or {}), **own), **fields,
    })  # fmt: skip
    plan = await Plan.draft(shop, draft, actor="anna")
    await plan.submit(shop, send_at=None, deadline_after=LIFE)
    assert await wording.pin(plan.id)
    await plan.refresh_from_db()
    return plan


def welcome(**own: Any) -> Automation:
    """What makes a plan welcome new followers."""
    trigger = TRIGGERS[TriggerCode.WELCOME_FOLLOWER]
    return Automation(trigger.code, read(trigger, {}), **own)


def template_of(code: str) -> dict[str, Any]:
    """The trigger's own texts, as a plan has them."""
    return content.normalised(template.content_of(code))


class Life:
    """A shop's life in minutes from the start of a test; each event has an id of its own."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.start = now()
        self._number = 0

    def at(self, minute: float) -> datetime:
        """So many minutes from the start."""
        return self.start + timedelta(minutes=minute)

    def go(self, minute: float) -> None:
        """Move the clock to so many minutes from the start."""
        clock.freeze(self.at(minute).astimezone(UTC))

    async def people(self, *names: str, **fields: Any) -> None:
        """Customers of these external ids and names."""
        await tell(self.shop, *(customer_row(name, name=name.title(), **fields) for name in names))

    async def goods(self, *products: str, **fields: Any) -> None:
        """Products of these external ids."""
        await tell(self.shop, *(product_row(product, title=product.title(), **fields) for product in products))

    async def did(self, kind: str, minute: float, customer: str = "ana", **fields: Any) -> None:
        """Tell, now, that a customer did something at this minute."""
        self._number += 1
        await tell(
            self.shop,
            event_row(f"e{self._number}", customer, kind=kind, occurredAt=self.at(minute).isoformat(), **fields),
        )

    async def bought(self, minute: float, customer: str = "ana", order: str = "o1", **fields: Any) -> None:
        """Tell, now, that a customer ordered at this minute."""
        await tell(self.shop, order_row(order, customer, orderedAt=self.at(minute).isoformat(), **fields))

    async def look(self, plan: Plan, minute: float | None = None) -> int:
        """Let the plan look, at this minute, and send what may go; how many rows it made."""
        if minute is not None:
            self.go(minute)
        made = await fire(plan.id, life=LIFE)
        await send(plan)
        return made

    def micros(self, minute: float) -> int:
        """An instant as it stands in references."""
        delta = self.at(minute) - datetime(1970, 1, 1, tzinfo=UTC)
        return delta // timedelta(microseconds=1)


async def send(plan: Plan) -> None:
    """Load every slice of the plan that is due, as a worker does."""
    me = uuid4()
    await worker.register(me, "test", timedelta(minutes=5))
    for due in await slices.due_of(plan.id, 100):
        held = await slices.acquire(due.plan_id, due.number, me, uuid4())
        assert held is not None
        await slices.load(held)
        await slices.release(held)
    await worker.leave(me)


async def ledger(plan: Plan) -> dict[str, str]:
    """State, with its reason, of each row of the plan, by reference; with the customer in front where there are several."""
    rows = await database.fetch(
        "SELECT d.reference, d.state, d.reason, c.external_id FROM delivery d LEFT JOIN customer c ON c.id = d.customer_id"
        " WHERE d.plan_id = $1 ORDER BY d.created_at, c.external_id, d.reference",
        plan.id,
    )
    several = len({row["external_id"] for row in rows}) > 1
    return {
        (f"{row['external_id']} " if several else "") + row["reference"]: " ".join(
            filter(None, (row["state"], row["reason"]))
        )
        for row in rows
    }


async def texts(plan: Plan) -> list[str]:
    """What was sent, as its readers see it, in the order of time."""
    rows = await database.fetch(
        "SELECT customer_id, reference FROM delivery WHERE plan_id = $1 AND state = 'SENT' ORDER BY sent_at, customer_id, reference",
        plan.id,
    )
    keys = [MessageKey(plan.id, row["customer_id"], row["reference"]) for row in rows]
    found = await messages(keys)
    return [found[key].text for key in keys]


async def frozen(plan: Plan) -> list[dict[str, Any]]:
    """What is frozen with each message that was sent."""
    rows = await database.fetch(
        "SELECT frozen FROM delivery WHERE plan_id = $1 AND state = 'SENT' ORDER BY sent_at, customer_id, reference",
        plan.id,
    )
    return [database.decode(row["frozen"]) for row in rows]

"""Small random histories of outreach: how they are stored, and what plain Python makes of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from hypothesis import strategies as st

from models import database, partition
from models.identifier import customer_id, external_uuid
from models.metric import attribution
from models.plan import Plan
from models.shop import Shop
from tests.factories import make_draft, make_shop

START = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = 14 * 24
WINDOW_HOURS = 5 * 24
CUSTOMERS = ("ana", "ben", "cleo")
PRODUCTS = tuple(UUID(int=number) for number in (1, 2, 3))
ENDED = ("CANCELLED", "REFUNDED")


def at(hour: int) -> datetime:
    """So many hours from the start."""
    return START + timedelta(hours=hour)


@dataclass(frozen=True)
class Sent:
    """A row of the ledger; `plan` 0 and 1 are the first shop's, 2 and 3 the second's. Times are hours."""

    plan: int
    customer: str
    state: str
    reason: str | None
    channel: str
    language: str
    sent: int
    read: int | None
    clicked: int | None
    machine_read: int | None = None
    machine_clicked: int | None = None
    replied: int | None = None

    @property
    def moments(self) -> dict[str, int | None]:
        """When it counts as what; what only a machine did counts as a machine's."""
        return {
            "sent": self.sent,
            "read": self.read,
            "clicked": self.clicked,
            "machine_read": self.machine_read if self.read is None else None,
            "machine_clicked": self.machine_clicked if self.clicked is None else None,
            "replied": self.replied,
        }


@dataclass(frozen=True)
class Bought:
    """An order, told `late` hours after it was placed."""

    shop: int
    customer: str
    hour: int
    late: int
    amount: int
    status: str
    cancelled: int | None
    products: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class Did:
    """An event."""

    shop: int
    customer: str
    kind: str
    hour: int


@dataclass(frozen=True)
class Left:
    """An unsubscription through a plan's message, or through none."""

    plan: int | None
    customer: str
    hour: int


@dataclass(frozen=True)
class Touched:
    """The first click of somebody, or of a machine, on a product in a message."""

    plan: int
    customer: str
    product: UUID
    hour: int
    by: str


@dataclass(frozen=True)
class Claimed:
    """A coupon that a message led to, perhaps redeemed."""

    plan: int
    customer: str
    hour: int
    redeemed: int | None


Answer = TypeVar("Answer", Touched, Claimed)


@dataclass(frozen=True)
class Outreach:
    """Everything that two shops sent to three customers, and what these did."""

    sent: Sequence[Sent]
    bought: Sequence[Bought]
    did: Sequence[Did] = field(default=())
    left: Sequence[Left] = field(default=())
    touched: Sequence[Touched] = field(default=())
    claimed: Sequence[Claimed] = field(default=())

    def credited(self, plan: int) -> list[Bought]:
        """The orders that are credited to a plan, standing or not."""
        return [order for order in self.bought if self.plan_of(order) == plan]

    def plan_of(self, order: Bought) -> int | None:
        """The plan an order is credited to: of its shop's latest touch in the five days up to it (R24)."""
        if order.late > WINDOW_HOURS:
            return None
        touches = [
            (hour, is_click, message.plan)
            for message in self.sent
            if message.plan // 2 == order.shop and message.customer == order.customer
            for hour, is_click in ((message.read, False), (message.clicked, True))
            if hour is not None and order.hour - WINDOW_HOURS < hour <= order.hour
        ]
        return max(touches)[2] if touches else None

    def message(self, plan: int, customer: str) -> Sent:
        """The message of a plan to a customer, who got one."""
        return next(sent for sent in self.sent if (sent.plan, sent.customer) == (plan, customer))

    def answered(self, answers: Iterable[Answer]) -> list[tuple[Answer, Sent]]:
        """Those of the answers that answer a message, and which."""
        messages = {(sent.plan, sent.customer): sent for sent in self.sent}
        return [(each, messages[key]) for each in answers if (key := (each.plan, each.customer)) in messages]


hours = st.integers(0, HOURS)
customers = st.sampled_from(CUSTOMERS)


@st.composite
def messages(draw: st.DrawFn) -> Sent:
    """A message: sent ones may be read, and clicked; a bounce may come after a read."""
    plan, customer, hour = draw(st.integers(0, 3)), draw(customers), draw(hours)
    state, reason = draw(
        st.sampled_from([
            ("SENT", None), ("SENT", None), ("SENT", None), ("FAILED", "5.1.1"), ("SUPPRESSED", "BLOCKED"),
            ("EXPIRED", "DEADLINE"), ("PENDING", "CONTACT_LIMIT"), ("PENDING", None), ("UNKNOWN", "WORKER_LOST"),
        ])
    )  # fmt: skip
    is_met = state in ("SENT", "FAILED")
    read = draw(st.none() | st.integers(hour, hour + 150)) if is_met else None
    clicked = draw(st.none() | st.integers(read, read + 150)) if read is not None else None
    channel, language = draw(st.sampled_from(["CHAT", "EMAIL"])), draw(st.sampled_from(["en", "es"]))
    scanned, followed = (draw(st.none() | st.integers(hour, hour + 9)) if is_met else None for _ in range(2))
    replied = draw(st.none() | st.integers(read, read + 150)) if read is not None else None
    return Sent(plan, customer, state, reason, channel, language, hour, read, clicked, scanned, followed, replied)


@st.composite
def orders(draw: st.DrawFn) -> Bought:
    """An order, some of them cancelled or refunded later, some told too late to be credited."""
    hour = draw(st.integers(0, HOURS + 150))
    status = draw(st.sampled_from(["PLACED", "PLACED", *ENDED]))
    cancelled = hour + draw(st.integers(0, 100)) if status in ENDED else None
    late = draw(st.sampled_from([0, 1, WINDOW_HOURS, WINDOW_HOURS + 1]))
    products = tuple(draw(st.lists(st.sampled_from(PRODUCTS), max_size=3)))
    shop, customer, amount = draw(st.integers(0, 1)), draw(customers), draw(st.integers(0, 999))
    return Bought(shop, customer, hour, late, amount, status, cancelled, products)


@st.composite
def claims(draw: st.DrawFn) -> Claimed:
    """A claim, some of them redeemed later."""
    hour = draw(hours)
    return Claimed(draw(st.integers(0, 3)), draw(customers), hour, draw(st.none() | st.integers(hour, hour + 99)))


def outreach() -> st.SearchStrategy[Outreach]:
    """Histories with at most one message per plan and customer."""
    kinds = st.sampled_from(["PRODUCT_VIEWED", "CART_ADDED", "LIVE_WATCHED"])
    return st.builds(
        Outreach,
        st.lists(messages(), max_size=12, unique_by=lambda sent: (sent.plan, sent.customer)),
        st.lists(orders(), max_size=10),
        st.lists(st.builds(Did, st.integers(0, 1), customers, kinds, st.integers(0, HOURS + 150)), max_size=10),
        st.lists(
            st.builds(Left, st.none() | st.integers(0, 3), customers, hours), max_size=4,
            unique_by=lambda left: (left.customer, left.hour),
        ),
        st.lists(
            st.builds(
                Touched, st.integers(0, 3), customers, st.sampled_from(PRODUCTS), hours,
                st.sampled_from(["PERSON", "PERSON", "MACHINE"]),
            ),
            max_size=4, unique_by=lambda touched: (touched.plan, touched.customer, touched.product, touched.by),
        ),
        st.lists(claims(), max_size=4),
    ).map(_followed)  # fmt: skip


def _followed(history: Outreach) -> Outreach:
    """Who clicked a product in a message has read and clicked the message by then."""
    return replace(history, sent=[_clicked(sent, history.touched) for sent in history.sent])


def _clicked(sent: Sent, touched: Iterable[Touched]) -> Sent:
    key = (sent.plan, sent.customer, "PERSON")
    clicks = [each.hour for each in touched if (each.plan, each.customer, each.by) == key]
    read, clicked = (
        min((hour for hour in (known, *clicks) if hour is not None), default=None)
        for known in (sent.read, sent.clicked)
    )
    return replace(sent, read=read, clicked=clicked)


@dataclass(frozen=True)
class Place:
    """Two shops with two plans each, in which histories are stored."""

    shops: Sequence[Shop]
    plans: Sequence[Plan]

    @classmethod
    async def make(cls, **columns: str) -> "Place":
        """Shops with these columns, and plans that began at the start."""
        shops = [await make_shop(f"shop{number}", **columns) for number in range(2)]
        plans = [await make_draft(shop) for shop in shops for _ in range(2)]
        await database.execute("UPDATE plan SET status = 'ONGOING', started_at = $1", START)
        async with database.transaction():
            await partition.ensure([(2026, 1)])
        return cls(shops, plans)

    async def store(self, history: Outreach) -> None:
        """Write a history: first what was sent and how it was met, then each order as it arrives."""
        await _copy("delivery", [self._message(sent) for sent in history.sent])
        await _copy("event", [self._event(number, did) for number, did in enumerate(history.did)])
        await _copy("unsubscription", [self._unsubscription(left) for left in history.left])
        await _copy("touch", [self._touch(touched) for touched in history.touched])
        await _copy("claim", [self._claim(number, claimed) for number, claimed in enumerate(history.claimed)])
        for number, order in enumerate(history.bought):
            await self._order(number, order)

    def _message(self, sent: Sent) -> dict[str, object]:
        return {
            "plan_id": self.plans[sent.plan].id,
            "customer_id": customer_id(sent.customer),
            "shop_id": self.shops[sent.plan // 2].id,
            "state": sent.state,
            "reason": sent.reason,
            "channel": sent.channel,
            "language": sent.language,
            "created_at": START,
            "sent_at": at(sent.sent) if sent.state in ("SENT", "FAILED") else None,
            "read_at": None if sent.read is None else at(sent.read),
            "clicked_at": None if sent.clicked is None else at(sent.clicked),
            "machine_read_at": None if sent.machine_read is None else at(sent.machine_read),
            "machine_clicked_at": None if sent.machine_clicked is None else at(sent.machine_clicked),
            "replied_at": None if sent.replied is None else at(sent.replied),
        }

    def _touch(self, touched: Touched) -> dict[str, object]:
        return {
            "plan_id": self.plans[touched.plan].id,
            "customer_id": customer_id(touched.customer),
            "kind": "CLICK",
            "product_id": touched.product,
            "toucher": touched.by,
            "sign": "USER_AGENT" if touched.by == "MACHINE" else None,
            "touched_at": at(touched.hour),
        }

    def _claim(self, number: int, claimed: Claimed) -> dict[str, object]:
        order = None if claimed.redeemed is None else external_uuid("order", "claimed", str(number))
        return {
            "customer_id": customer_id(claimed.customer),
            "coupon_id": 1,
            "number": number + 1,
            "shop_id": self.shops[claimed.plan // 2].id,
            "code": str(number),
            "claimed_at": at(claimed.hour),
            "plan_id": self.plans[claimed.plan].id,
            "reference": "",
            "order_id": order,
            "redeemed_at": None if claimed.redeemed is None else at(claimed.redeemed),
        }

    def _event(self, number: int, did: Did) -> dict[str, object]:
        return {
            "customer_id": customer_id(did.customer),
            "id": external_uuid("event", "any", str(number)),
            "shop_id": self.shops[did.shop].id,
            "kind": did.kind,
            "occurred_at": at(did.hour),
            "arrived_at": at(did.hour),
        }

    def _unsubscription(self, left: Left) -> dict[str, object]:
        return {
            "customer_id": customer_id(left.customer),
            "shop_id": self.shops[(left.plan or 0) // 2].id,
            "channel": "EMAIL",
            "happened_at": at(left.hour),
            "plan_id": None if left.plan is None else self.plans[left.plan].id,
        }

    async def _order(self, number: int, order: Bought) -> UUID:
        key, shop, arrived = external_uuid("order", "any", str(number)), self.shops[order.shop], order.hour + order.late
        await database.execute(
            "INSERT INTO orders (customer_id, id, shop_id, external_id, ordered_at, amount, status, cancelled_at,"
            " arrived_at, product_ids) VALUES ($1, $2, $3, $4, $5, $6, $7::order_status, $8, $9, $10)",
            customer_id(order.customer), key, shop.id, str(number), at(order.hour), order.amount, order.status,
            None if order.cancelled is None else at(order.cancelled), at(arrived), list(order.products),
        )  # fmt: skip
        await attribution.attribute(shop.id, [key], at=at(arrived))
        return key


async def _copy(table: str, rows: Iterable[dict[str, object]]) -> None:
    records = list(rows)
    if records:
        async with database.connection() as raw:
            await raw.copy_records_to_table(
                table, records=[tuple(row.values()) for row in records], columns=list(records[0])
            )

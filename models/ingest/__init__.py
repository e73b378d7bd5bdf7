"""Data in: batches of rows from outside, checked one by one, written together (docs/import.md).

A batch is one transaction of set-based statements, so what is acknowledged is committed and what fails
leaves nothing. Rows may come in any order, late and repeatedly.

Batches of one shop that concern the same ids go one after the other: each takes, in ascending order,
the advisory locks of the buckets its ids fall into. So a roll-up sees all that it sums up, an id cannot
become two rows, and no two batches wait for each other in a circle. Customers, who belong to no shop,
are guarded by their row locks instead (`customer.upsert`).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence, Sized
from datetime import datetime
from uuid import UUID

from models import (
    consent,
    customer,
    database,
    delivery,
    erasure,
    live_session,
    order,
    partition,
    price_change,
    product,
    relationship,
    zone,
)
from models.access import decision
from models.advisory_lock import AdvisoryLock
from models.clock import TOLERANCE, now
from models.customer import CustomerRow
from models.errors import Problem, Refused, refuse
from models.event import EventRow, Events
from models.identifier import customer_id, product_id
from models.live_session import LiveSessionRow, live_session_id
from models.metric import attribution
from models.order import Order, OrderRow
from models.price_change import PriceChangeRow
from models.product import ProductRow
from models.row import Row, RowResult, Terms, read
from models.segment import ensure_presets
from models.shop import Shop, ShopRow, upsert_shops

BUCKETS = 64

ROWS: Mapping[str, type[Row]] = {
    "customer": CustomerRow,
    "product": ProductRow,
    "order": OrderRow,
    "event": EventRow,
    "live": LiveSessionRow,
    "priceChange": PriceChangeRow,
}
"""What each `type` of row is."""


class Batch:
    """Rows of one shop that hold, made ready to be written, and the problems of those that do not, by number."""

    def __init__(self, shop: Shop, at: datetime) -> None:
        """`at` is the time that nothing may be ahead of."""
        self.shop = shop
        self.terms = Terms(shop.currency, at + TOLERANCE)
        self.customers: dict[int, CustomerRow] = {}
        self.products: dict[int, ProductRow] = {}
        self.orders: dict[int, Order] = {}
        self.lives: dict[int, LiveSessionRow] = {}
        self.prices: dict[int, PriceChangeRow] = {}
        self.events = Events(shop)
        self.refused: dict[int, Sequence[Problem]] = {}
        self.buckets: set[int] = set()

    @property
    def accepted(self) -> int:
        """How many rows hold."""
        kinds: tuple[Sized, ...] = (
            self.customers, self.products, self.orders, self.events, self.lives, self.prices,
        )  # fmt: skip
        return sum(len(kind) for kind in kinds)

    def add(self, number: int, value: object) -> None:
        """Read a mapping with a `type` and the wire names of such a row; keep it, or why not."""
        try:
            row = read_any(value)
        except Refused as refused:
            self.refused[number] = refused.problems
            return
        if problems := row.problems(self.terms):
            self.refused[number] = problems
        elif isinstance(row, EventRow):
            self._guard(self.events.add(row, number))
        else:
            self._keep(number, row)

    def _keep(self, number: int, row: Row) -> None:
        if isinstance(row, OrderRow):
            self.orders[number] = order.order_of(self.shop, row)
            self._guard(self.orders[number].customer_id)
            self._guard(self.orders[number].id)
        elif isinstance(row, CustomerRow):
            self.customers[number] = row
            self._guard(customer_id(row.external_id))
        elif isinstance(row, ProductRow):
            self.products[number] = row
            self._guard(product_id(self.shop.external_id, row.external_id))
        elif isinstance(row, LiveSessionRow):
            self.lives[number] = row
            self._guard(live_session_id(self.shop.external_id, row.external_id))
        elif isinstance(row, PriceChangeRow):
            self.prices[number] = row
            self._guard(product_id(self.shop.external_id, row.product))

    def people(self) -> set[UUID]:
        """The customers that the batch is about."""
        told = {customer_id(row.external_id) for row in self.customers.values()}
        return told | {found.customer_id for found in self.orders.values()} | self.events.people

    def leave_out(self, erased: Collection[UUID]) -> None:
        """Refuse the rows about these customers."""
        if not erased:
            return
        for number in [number for number, row in self.customers.items() if customer_id(row.external_id) in erased]:
            del self.customers[number]
            self.refused[number] = [erasure.problem("externalId")]
        for number in [number for number, found in self.orders.items() if found.customer_id in erased]:
            del self.orders[number]
            self.refused[number] = [erasure.problem("customer")]
        for number in self.events.leave_out(erased):
            self.refused[number] = [erasure.problem("customer")]

    def _guard(self, identity: UUID) -> None:
        """Let no other batch of the shop write what concerns this id at the same time."""
        self.buckets.add(identity.bytes[15] % BUCKETS)


def read_any(value: object) -> Row:
    """The row that a mapping describes, by its `type`. Raises Refused."""
    if not isinstance(value, dict):
        raise refuse("", "is not an object")
    kind = value.get("type")
    model = ROWS.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise refuse("type", f"must be one of {', '.join(ROWS)}")
    return read(model, value)


async def ingest(shop: Shop, values: Iterable[object], *, secret: bytes) -> list[RowResult]:
    """Check rows (mappings of wire names, each with its `type`), write those that hold, and tell of each.

    All that hold are written in one transaction. `secret` is the key of address digests.
    """
    batch = Batch(shop, now())
    count = 0
    for number, value in enumerate(values):
        batch.add(number, value)
        count = number + 1
    await write(batch, secret=secret)
    return [RowResult(number, batch.refused.get(number, ())) for number in range(count)]


async def ingest_shops(values: Iterable[object]) -> list[RowResult]:
    """Check shops (mappings of wire names), write those that hold, each with its presets, and tell of each."""
    rows: dict[int, ShopRow] = {}
    refused: dict[int, Sequence[Problem]] = {}
    count = 0
    for number, value in enumerate(values):
        count = number + 1
        try:
            rows[number] = read(ShopRow, value)
        except Refused as found:
            refused[number] = found.problems
    at = now()
    async with database.transaction():
        written, conflicts = await upsert_shops(rows, at=at)
        if written:
            await ensure_presets(written)
            await decision.recompute([shop.id for shop in written], at)
    refused.update(conflicts)
    return [RowResult(number, refused.get(number, ())) for number in range(count)]


async def write(batch: Batch, *, secret: bytes) -> None:
    """Write the batch in one transaction; rows that do not fit what is stored become refused."""
    if not batch.accepted:
        return
    async with database.transaction():
        if batch.events:
            await partition.ensure(batch.events.months)
        batch.leave_out(await erasure.among(batch.people, secret=secret))
        await _take_locks(batch)
        if batch.customers:
            await _write_customers(batch, secret, now())
        # Nobody is waited for from here on: automated plans look again at what arrived shortly before they last did.
        at = now()
        if batch.products:
            await product.upsert(batch.shop, list(batch.products.values()), at=at)
        if batch.prices:
            await _write_prices(batch, at)
        if batch.lives:
            await live_session.upsert(batch.shop, list(batch.lives.values()), at=at)
        if batch.orders:
            await _write_orders(batch, at)
        if batch.events:
            await batch.events.insert(at)


async def _take_locks(batch: Batch) -> None:
    await database.hold_each(AdvisoryLock.INGEST, (batch.shop.id * BUCKETS + bucket for bucket in batch.buckets))


async def _write_customers(batch: Batch, secret: bytes, at: datetime) -> None:
    unknown = await zone.unknown({row.time_zone for row in batch.customers.values() if row.time_zone})
    for number, row in list(batch.customers.items()):
        if row.time_zone in unknown:
            batch.refused[number] = [zone.too_new(row.time_zone or "")]
            del batch.customers[number]
    if batch.customers:
        rows = list(batch.customers.values())
        await customer.upsert(rows, secret=secret, at=at)
        await _note_consents(batch.shop, rows)


async def _note_consents(shop: Shop, rows: Sequence[CustomerRow]) -> None:
    consents = relationship.latest_consents(
        (customer_id(row.external_id), row.email_consent) for row in rows if row.email_consent
    )
    if not consents:
        return
    if any(said.state != "SUBSCRIBED" for said in consents.values()):
        await consent.hold_exclusively(shop.id)
    wanted = {person: said.at for person, said in consents.items() if said.state == "SUBSCRIBED"}
    if wanted:
        await customer.readmit(list(wanted), list(wanted.values()))
    forbidden = await relationship.note_consents(shop.id, consents)
    if forbidden:
        await delivery.suppress_customers(shop.id, forbidden, "EMAIL", delivery.Reason.NO_CONSENT)


async def _write_prices(batch: Batch, at: datetime) -> None:
    scope = batch.shop.external_id
    said = {(product_id(scope, row.product), row.changed_at): row.price for row in batch.prices.values()}
    await price_change.note(batch.shop, said, at=at)


async def _write_orders(batch: Batch, at: datetime) -> None:
    fixed = await order.fixed_of({found.id for found in batch.orders.values()})
    orders, refused = order.settle(batch.orders.items(), fixed)
    for number, problems in refused.items():
        batch.refused[number] = problems
        del batch.orders[number]
    if orders:
        await order.upsert(batch.shop, orders.values(), at=at)
        customers = sorted({found.customer_id for found in orders.values()})
        await relationship.roll_up_orders(batch.shop.id, customers)
        await attribution.attribute(batch.shop.id, list(orders), at=at)

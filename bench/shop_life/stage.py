"""Plays a script on the real engines and holds the ledger against what plain Python expects, look after look."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import singledispatch
from typing import Any

from bench.shop_life.expected import Expected, Key, Row
from bench.shop_life.happenings import Automation, Consent, Event, Live, Order, Price, Script
from models import consent, database
from models.clock import clock, now
from models.identifier import customer_id
from models.ingest import ingest
from models.plan import Plan, PlanChannel, PlanDraft
from models.plan import automation as automated
from models.segment import Segment, ensure_presets
from models.segment.definition import define
from models.shop import Shop
from models.trigger import TRIGGERS, TriggerCode
from models.trigger.parameter import read

LIFE = timedelta(hours=72)
SECRET = b"a key of address digests, for plays"
SEGMENTS: Mapping[str, Mapping[str, Any]] = {"FEMALE": {"gender": ["FEMALE"]}, "FOLLOWS": {"follows": True}}
MOST_SHOWN = 4

Look = Callable[[datetime], Awaitable[None]]
"""Lets the engines do all that is due at an instant."""

Facts = tuple[str, str | None, datetime | None, datetime | None, tuple[str, ...]]
"""State, reason, not before, sent at, products."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A message that is not as expected."""

    at: datetime
    key: Key
    expected: Facts | None
    found: Facts | None


class Stage:
    """A script's shop on the real engines. Plans are known by the script's numbers."""

    def __init__(self, script: Script, shop: Shop, plans: Mapping[int, int]) -> None:
        self._script = script
        self._shop = shop
        self._numbers = {plan_id: number for number, plan_id in plans.items()}

    @classmethod
    async def open(cls, script: Script) -> "Stage":
        """Write shop, customers and products, and submit every plan, at the time of the first plan's start."""
        clock.freeze(min(plan.start for plan in script.plans))
        shop = await _shop(script)
        people = [
            {"type": "customer", "externalId": each.id, "name": each.id, "language": "en", "timeZone": each.time_zone,
             "gender": each.gender}
            for each in script.customers
        ]  # fmt: skip
        goods = [{"type": "product", "externalId": each, "title": f"Product {each}"} for each in script.products]
        await _told(shop, [*people, *goods])
        segments = {name: await _segment(shop, name, said) for name, said in SEGMENTS.items()}
        plans = {plan.number: await _submit(shop, plan, segments) for plan in script.plans}
        return cls(script, shop, plans)

    async def play(self, look: Look) -> list[Difference]:
        """Let everything happen in its time; what was not as expected, at the first look at which something was not."""
        expected = Expected(self._script)
        arrivals = iter([*self._script.arrivals, None])
        coming = next(arrivals)
        for at in self._script.looks:
            while coming is not None and coming.at <= at:
                clock.freeze(coming.at)
                await self._tell(coming.what)
                expected.hear(coming.at, coming.what)
                coming = next(arrivals)
            clock.freeze(at)
            await look(at)
            if differences := await self._compare(expected, at):
                return differences
        return await self._whole(expected)

    async def _tell(self, what: Event | Order | Live | Price | Consent) -> None:
        if isinstance(what, Consent):
            change = consent.block if what.blocks else consent.unblock
            await change(self._shop.id, customer_id(what.customer))
        else:
            await _told(self._shop, [row_of(what)])

    async def _compare(self, expected: Expected, at: datetime) -> list[Difference]:
        """Hold what this look touched, and what waits, against what plain Python expects of it.

        Where more messages meet at a customer than the contact limit allows, either choice is right: the one
        that was made is gone along with.
        """
        found = await self._facts("d.state = 'PENDING' OR d.created_at = $2 OR d.sent_at = $2", at)

        def chosen(rows: list[Row], free: int) -> list[Row]:
            return [row for row in rows if found.get(row.key, ("",))[0] == "SENT"][:free] if free else []

        expected.look(at, chosen)
        wanted = {
            row.key: _facts(row)
            for row in expected.rows.values()
            if row.state == "PENDING" or at in {row.made_at, row.sent_at}
        }
        return list(_differences(at, wanted, found))

    async def _whole(self, expected: Expected) -> list[Difference]:
        wanted = {row.key: _facts(row) for row in expected.rows.values()}
        return list(_differences(now(), wanted, await self._facts("$2::timestamptz IS NOT NULL", now())))

    async def _facts(self, condition: str, at: datetime) -> dict[Key, Facts]:
        rows = await database.fetch(_FACTS.format(condition), self._shop.id, at)
        return {
            (self._numbers[row["plan_id"]], row["customer"], row["reference"]): (
                row["state"], row["reason"], row["not_before"], row["sent_at"], tuple(row["products"] or ()),
            )
            for row in rows
        }  # fmt: skip


def _differences(at: datetime, wanted: Mapping[Key, Facts], found: Mapping[Key, Facts]) -> Iterable[Difference]:
    for key in sorted(wanted.keys() | found.keys()):
        if wanted.get(key) != found.get(key):
            yield Difference(at, key, wanted.get(key), found.get(key))


def _facts(row: Row) -> Facts:
    shown = row.products[:MOST_SHOWN] if row.state == "SENT" else ()
    return (row.state, row.reason, row.not_before, row.sent_at, shown)


async def _shop(script: Script) -> Shop:
    at = now()
    shop = await Shop.create(
        external_id="stage", name="Stage", currency="USD", time_zone=script.time_zone, default_language="en",
        score=Decimal("4.50"), gmv=1_000_000, created_at=at, updated_at=at,
    )  # fmt: skip
    await ensure_presets([shop])
    return shop


async def _segment(shop: Shop, name: str, said: Mapping[str, Any]) -> int:
    return (await Segment.make(shop, name, define(shop, conditions=said), actor="stage")).id


async def _submit(shop: Shop, plan: Automation, segments: Mapping[str, int]) -> int:
    trigger = TRIGGERS[TriggerCode(plan.trigger)]
    text = "{name}, {product} is waiting for you" if plan.needs_product else "Hello {name}"
    draft = PlanDraft(
        name=f"{plan.trigger} {plan.number}",
        channel=PlanChannel.CHAT,
        segment_id=segments[plan.segment] if plan.segment else None,
        content={"texts": {"en": {"text": text}}},
        automation=automated.Automation(
            trigger.code, read(trigger, _parameters(plan)), ends_at=plan.end, quiet=plan.quiet
        ),
    )
    own = await Plan.draft(shop, draft, actor="stage")
    await own.submit(shop, send_at=plan.start, deadline_after=LIFE)
    return own.id


def _parameters(plan: Automation) -> dict[str, Any]:
    given: dict[str, Any] = {"steps": [step // timedelta(minutes=1) for step in plan.steps]}
    if plan.trigger == "LIVE_REMINDER":
        given["followersOnly"] = plan.followers_only
    if plan.trigger == "PRICE_DROP":
        given |= {
            "watchedDays": plan.watched_days,
            "minimumDropPercent": plan.minimum_drop,
            "watchedBy": list(plan.watched_by),
        }
    return given


async def _told(shop: Shop, rows: list[dict[str, Any]]) -> None:
    refused = [result.problems for result in await ingest(shop, rows, secret=SECRET) if result.problems]
    assert not refused, refused


@singledispatch
def row_of(what: object) -> dict[str, Any]:
    """A happening as the row that a platform sends."""
    raise TypeError(what)


@row_of.register
def _(what: Event) -> dict[str, Any]:
    return {
        "type": "event", "externalId": what.id, "kind": what.kind, "customer": what.customer,
        "occurredAt": what.at.isoformat(), "product": what.product, "reference": what.reference,
    }  # fmt: skip


@row_of.register
def _(what: Order) -> dict[str, Any]:
    return {
        "type": "order", "externalId": what.id, "customer": what.customer, "orderedAt": what.at.isoformat(),
        "amount": 1000, "currency": "USD", "products": list(what.products),
        "status": "CANCELLED" if what.cancelled_at else "PLACED", "cancelledAt": _iso(what.cancelled_at),
    }  # fmt: skip


@row_of.register
def _(what: Live) -> dict[str, Any]:
    return {
        "type": "live", "externalId": what.id, "title": what.id, "startsAt": what.starts_at.isoformat(),
        "startedAt": _iso(what.started_at), "endedAt": _iso(what.ended_at), "cancelledAt": _iso(what.cancelled_at),
    }  # fmt: skip


@row_of.register
def _(what: Price) -> dict[str, Any]:
    return {
        "type": "priceChange", "product": what.product, "changedAt": what.at.isoformat(), "price": what.price,
        "currency": "USD",
    }  # fmt: skip


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


_FACTS = """
SELECT d.plan_id, c.external_id AS customer, d.reference, d.state, d.reason, d.sent_at,
    CASE WHEN d.state = 'PENDING' THEN d.not_before END AS not_before,
    CASE WHEN d.state = 'SENT' THEN (
        SELECT array_agg(p.external_id ORDER BY u.place)
        FROM jsonb_array_elements_text(d.frozen -> 'productIds') WITH ORDINALITY AS u(id, place)
        JOIN product p ON p.id = u.id::uuid) END AS products
FROM delivery d JOIN customer c ON c.id = d.customer_id
WHERE d.shop_id = $1 AND ({})
"""

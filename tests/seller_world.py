"""Two small shops for the state machine of test_seller_life.py: what may happen in them, and what must always hold.

Every deed answers whether it was done; a refusal is an answer, anything else that goes wrong is a bug.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from models import access, audience, database, quota
from models.access import AccessState, decision
from models.clock import clock, now
from models.coupon import Coupon, claim
from models.errors import Problem, Refused
from models.ingest import ingest_shops
from models.plan import Plan, PlanAction, PlanChannel, PlanKind, PlanStatus, advance, permission, wording
from models.plan.status import MOVES, sources
from models.shop import Shop
from tests.factories import DEADLINE, TEXTS, make_coupon, make_customers, make_draft, make_shop

BORN = (PlanAction.CREATE.name, PlanAction.DUPLICATE.name)
GROWS = {action.name for action in permission.NEEDS_ELIGIBLE}
LEGAL = {
    (kind, move.action.name, source, target)
    for move in MOVES for kind in move.kinds for source in move.sources for target in move.targets
}  # fmt: skip
"""(kind, action, from, to) of every move that the table has."""

BASIC = 2
"""Weekly quota of the lowest tier, in which both shops stay."""


@dataclass
class World:
    """The shops and their customers; `eligible` are the shops that were so at the last look, after `changes` changes."""

    shops: list[Shop]
    customers: list[UUID]
    eligible: set[int]
    changes: int = 0
    submitted: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    seen: dict[int, int] = field(default_factory=dict)
    refusals: list[Problem] = field(default_factory=list)

    @classmethod
    async def make(cls) -> "World":
        """Two eligible shops of the lowest tier, whose two customers are the same."""
        shops = [await make_shop(name, gmv=500_00) for name in ("bloom", "other")]
        for shop in shops:
            customers = await make_customers(shop, 2)
            await decision.recompute([shop.id], now())
        return cls(shops, customers, {shop.id for shop in shops})

    async def attempt(self, deed: Callable[[], Awaitable[Any]]) -> bool:
        """Whether a deed was done; a refusal says what, where and which rule."""
        try:
            return bool(await deed())
        except Refused as refused:
            self.refusals += refused.problems
            return False

    async def plan(self, number: int, action: PlanAction) -> Plan | None:
        """One of the plans there are; with an even number one that allows the action, where there is any."""
        plans = await Plan.all().order_by("id")
        fit = [plan for plan in plans if (plan.kind, plan.status) in sources(action)]
        choice = fit if fit and number % 2 == 0 else plans
        return choice[number // 2 % len(choice)] if choice else None

    def shop_of(self, plan: Plan) -> Shop:
        """The plan's shop."""
        return next(shop for shop in self.shops if shop.id == plan.shop_id)

    async def create(self, shop: int, channel: PlanChannel, kind: PlanKind, coupon: int) -> bool:
        """A seller drafts a plan, perhaps with one of the coupons."""
        own = self.shops[shop]
        coupons = await Coupon.filter(shop_id=own.id).order_by("id")
        chosen = coupons[coupon % len(coupons)].id if coupons and coupon else None
        plan = await make_draft(own, channel=channel, coupon_id=chosen)
        await Plan.filter(id=plan.id, status=PlanStatus.DRAFT).update(kind=kind)
        return True

    async def act(self, number: int, action: PlanAction, hours: int) -> bool:
        """A seller does something to a plan."""
        plan = await self.plan(number, action)
        if plan is None:
            return False
        shop = self.shop_of(plan)
        match action:
            case PlanAction.EDIT:
                texts = {**TEXTS, "en": {"text": f"Edited {hours}", "subject": "Hi"}}
                await plan.edit(shop, lambda decided: replace(decided, content={"texts": texts}), actor="anna")
            case PlanAction.SUBMIT:
                at = now() + timedelta(hours=hours) if hours else None
                await plan.submit(shop, send_at=at, deadline_after=DEADLINE, actor="anna")
            case PlanAction.DUPLICATE:
                await plan.duplicate(shop, actor="ben")
            case PlanAction.PAUSE:
                await plan.pause(actor="ben")
            case PlanAction.RESUME:
                await plan.resume(shop, actor="anna")
            case PlanAction.CANCEL:
                await plan.cancel(actor="ben")
            case PlanAction.DELETE:
                await plan.discard(actor="anna")
        return True

    async def score(self, shop: int, score: float | None) -> bool:
        """The platform writes a score."""
        own = self.shops[shop]
        row = {
            "externalId": own.external_id, "name": own.name, "currency": "USD", "timeZone": "UTC",
            "defaultLanguage": "en", "score": score,
        }  # fmt: skip
        [result] = await ingest_shops([row])
        return not result.problems

    async def work(self) -> bool:
        """The workers do what is due: start, choose recipients, send, finish."""
        for plan in await advance.alive():
            await advance.start(plan.id)
            if plan.status is not PlanStatus.CANCELLING and await wording.pin(plan.id):
                await audience.resolve_range(plan.id)
            await advance.finish(plan.id)
            await advance.finish_cancelling(plan.id)
        return True

    async def recompute(self) -> bool:
        """The daily look at access and quota."""
        await quota.recompute(now())
        await decision.recompute([shop.id for shop in self.shops], now())
        return True

    async def open_coupon(self, shop: int, total: int, each: int) -> bool:
        """A seller creates a coupon."""
        await make_coupon(self.shops[shop], total_limit=total, customer_limit=each)
        return True

    async def claim(self, coupon: int, customer: int) -> bool:
        """A shopper claims a coupon."""
        ids = [row["id"] for row in await database.fetch("SELECT id FROM coupon ORDER BY id")]
        return bool(ids) and bool(await claim.claim(self.customers[customer], ids[coupon % len(ids)]))

    async def end_coupon(self, coupon: int) -> bool:
        """A seller ends a coupon."""
        coupons = await Coupon.all().order_by("id")
        return bool(coupons) and bool(await coupons[coupon % len(coupons)].end())

    async def wait(self, hours: int) -> bool:
        """Time passes."""
        clock.move(timedelta(hours=hours))
        return True

    async def check(self) -> None:
        """Everything that must hold, whatever has happened."""
        assert all(problem.message and problem.code for problem in self.refusals)
        await self._check_trail(self.eligible | await self._became_eligible())
        self.eligible = {shop.id for shop in await Shop.all() if _state(shop) is AccessState.ELIGIBLE}
        await self._check_submitted()
        await self._check_quota()
        await self._check_revoked()
        await self._check_claims()
        await self._check_cancelled()

    async def _became_eligible(self) -> set[int]:
        """Shops that became eligible since the last look, if only for a moment."""
        rows = await database.fetch("SELECT id, shop_id, state_to FROM access_change WHERE id > $1", self.changes)
        self.changes = max((row["id"] for row in rows), default=self.changes)
        return {row["shop_id"] for row in rows if row["state_to"] == "ELIGIBLE"}

    async def _check_trail(self, may_grow: set[int]) -> None:
        """Every plan's trail is whole and legal, ends where the plan is, and grows only in eligible shops."""
        rows = await database.fetch(
            "SELECT h.*, p.kind, p.shop_id, p.status FROM plan_history h JOIN plan p ON p.id = h.plan_id"
            " ORDER BY h.plan_id, h.id"
        )
        trails: dict[int, list[database.Record]] = {}
        for row in rows:
            trails.setdefault(row["plan_id"], []).append(row)
        assert len(trails) == await Plan.all().count()
        for plan_id, trail in trails.items():
            assert trail[0]["action"] in BORN and trail[0]["status_from"] is None and trail[0]["status_to"] == "DRAFT"
            for before, entry in pairwise(trail):
                assert entry["status_from"] == before["status_to"]
                assert (entry["kind"], entry["action"], entry["status_from"], entry["status_to"]) in LEGAL
            assert trail[-1]["status_to"] == trail[-1]["status"]
            assert [entry["action"] for entry in trail].count("SUBMIT") <= 1
            for entry in trail[self.seen.get(plan_id, 0) :]:
                assert entry["action"] not in GROWS or entry["shop_id"] in may_grow, f"{dict(entry)} in {may_grow}"
            self.seen[plan_id] = len(trail)

    async def _check_submitted(self) -> None:
        """No plan changes after it was submitted."""
        for plan in await Plan.filter(submitted_at__isnull=False):
            said = (plan.name, plan.channel, plan.segment_id, str(plan.content), str(plan.definition), plan.coupon_id)
            assert self.submitted.setdefault(plan.id, said) == said

    async def _check_quota(self) -> None:
        """Each week's count is that of the plans that hold a place in it, never below zero nor over the total."""
        rows = await database.fetch(
            "SELECT w.used, (SELECT count(*) FROM plan p WHERE p.shop_id = w.shop_id AND p.quota_week = w.week) AS held"
            " FROM quota_week w"
        )
        assert all(row["used"] == row["held"] and 0 <= row["used"] <= BASIC for row in rows), rows

    async def _check_revoked(self) -> None:
        """Nothing of a revoked shop is under way, and of its automated plans nothing is left (R1)."""
        for shop in await Shop.all():
            if _state(shop) is AccessState.REVOKED:
                own = Plan.filter(shop_id=shop.id)
                moving = [PlanStatus.SCHEDULED, PlanStatus.ONGOING]
                assert not await own.filter(status__in=moving).exists()
                unfinished = [PlanStatus.DRAFT, PlanStatus.PAUSED]
                assert not await own.filter(kind=PlanKind.AUTOMATED, status__in=unfinished).exists()

    async def _check_claims(self) -> None:
        """A coupon is claimed as often as it counts, and within both of its limits."""
        rows = await database.fetch(
            "SELECT c.claimed, c.total_limit, c.customer_limit, count(k.customer_id) AS claims,"
            " coalesce(max(k.number), 0) AS most FROM coupon c LEFT JOIN claim k ON k.coupon_id = c.id GROUP BY c.id"
        )
        for row in rows:
            assert row["claims"] == row["claimed"] <= row["total_limit"]
            assert row["most"] <= row["customer_limit"]

    async def _check_cancelled(self) -> None:
        """Nothing of a cancelled plan waits; its place in the quota is given back if and only if nothing left."""
        rows = await database.fetch(
            "SELECT p.quota_week, p.kind, p.submitted_at, count(*) FILTER (WHERE d.state = 'SENT') AS sent,"
            " count(*) FILTER (WHERE d.state IN ('PENDING', 'COMMITTING')) AS waiting"
            " FROM plan p LEFT JOIN delivery d ON d.plan_id = p.id WHERE p.status = 'CANCELLED' GROUP BY p.id"
        )
        for row in rows:
            assert row["waiting"] == 0
            assert row["kind"] == "AUTOMATED" or (row["quota_week"] is None) == (row["sent"] == 0)


def _state(shop: Shop) -> AccessState:
    return access.access(shop.score).state

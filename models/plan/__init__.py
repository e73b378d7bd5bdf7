"""Plans: what goes to whom, when, by which channel, and what their sellers do with them (R8, R10).

Beside them: row.py is what is stored, draft.py what a seller decides, automation.py what of it makes a plan automated,
check.py whether that can be; status.py has every legal move, permission.py what moves need access, submission.py what a
submit pins; history.py moves plans and keeps the audit trail; advance.py is what the server does to plans by itself, and
ranges.py what is left of an audience to resolve; retry.py tries again what failed; wording.py has the texts as pinned at
the start; image.py is about a plan's image.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any, Self

from tortoise.queryset import QuerySet

from models import access, database, delivery, local_hour, sending
from models.clock import now
from models.coupon import Coupon
from models.errors import Refused
from models.experiment import holdout
from models.page import Ordering
from models.plan import advance, history, permission, retry
from models.plan.check import check, check_name
from models.plan.draft import PlanChannel, PlanDraft, from_coupon
from models.plan.history import SYSTEM
from models.plan.row import PlanRow, columns_of, illegal, stored
from models.plan.status import TRANSITIONS, PlanAction, PlanKind, PlanStatus
from models.plan.submission import submission
from models.shop import Shop

__all__ = [
    "NEWEST_FIRST", "TRANSITIONS", "Plan", "PlanAction", "PlanChannel", "PlanDraft", "PlanKind", "PlanStatus", "check_name", "listed",
]  # fmt: skip

NEWEST_FIRST = Ordering("plan", (("id", "integer"),), descending=True)

BY_SELLER = "BY_SELLER"
"""`status_reason` of a plan that its seller paused."""


class Plan(PlanRow):
    """One plan of one shop. Only drafts change; a submitted plan keeps its segment's definition."""

    class Meta:
        table = "plan"

    @classmethod
    async def draft(cls, shop: Shop, draft: PlanDraft, *, actor: str) -> Self:
        """Keep a new draft of `shop`; `actor` is who asked. Refused when anything in it cannot be."""
        async with database.transaction():
            permission.require(await access.hold(shop.id), PlanAction.CREATE, draft.channel)
            await check(shop, draft)
            columns = {"kind": draft.kind, **columns_of(await _with_share(shop, draft))}
            return await cls._born(shop, columns, PlanAction.CREATE, actor)

    @classmethod
    async def draft_from(cls, shop: Shop, own: Coupon, *, segment_id: int | None, actor: str) -> Self:
        """A draft that makes a running coupon known: coupon, audience and message filled in (R12)."""
        problems = own.not_running(now())
        if problems:
            raise Refused(problems)
        return await cls.draft(shop, await from_coupon(shop, own, segment_id), actor=actor)

    async def duplicate(self, shop: Shop, *, actor: str) -> Self:
        """A new draft that says what this plan says, whatever its status; a time that is past is dropped."""
        async with database.transaction():
            permission.require(await access.hold(shop.id), PlanAction.DUPLICATE, self.channel)
            at = now()
            columns = {"kind": self.kind, **columns_of(await _with_share(shop, self.decided))}
            if self.send_at is not None and self.send_at <= at:
                columns["send_at"] = None
            if self.ends_at is not None and self.ends_at <= at:
                columns["ends_at"] = None
            return await self._born(shop, columns, PlanAction.DUPLICATE, actor)

    @classmethod
    async def _born(cls, shop: Shop, columns: dict[str, Any], action: PlanAction, actor: str) -> Self:
        at = now()
        plan = await cls.create(shop_id=shop.id, created_by=actor, created_at=at, updated_at=at, **columns)
        await history.note(plan.id, action, PlanStatus.DRAFT, at=at, actor=actor)
        return plan

    async def edit(self, shop: Shop, change: Callable[[PlanDraft], PlanDraft], *, actor: str = SYSTEM) -> Self:
        """Let a draft say what `change` makes of what it says, which nobody else changes meanwhile.

        A plan that is no longer a draft is refused and unchanged.
        """
        async with database.transaction():
            standing = await access.hold(shop.id)
            await self._hold()
            decided = self.decided
            draft = change(decided)
            permission.require(standing, PlanAction.EDIT, draft.channel)
            self._require(PlanAction.EDIT, {PlanStatus.DRAFT})
            await check(shop, draft, kept=decided)
            changes = stored(columns_of(await _with_share(shop, draft)))
            await self._move(PlanAction.EDIT, PlanStatus.DRAFT, actor=actor, changes=changes)
        return self

    async def submit(
        self,
        shop: Shop,
        *,
        send_at: datetime | None,
        deadline_after: timedelta,
        local_time: time | None = None,
        actor: str = SYSTEM,
    ) -> Self:
        """Send a draft now, or at `send_at`: its segment's definition is pinned from here on.

        With a `local_time`, its own or this one, each customer gets it at that hour of theirs, from then on (B3).
        `deadline_after` the start, what still waits expires (R18). A one-time plan takes one of the week's
        quota (R17). Refused, and nothing changed, when the plan is not a draft, the shop may not, its time
        is past, or its content could not reach everyone (R14).
        """
        at = now()
        async with database.transaction():
            standing = await access.hold(shop.id)
            await self._hold()
            permission.require(standing, PlanAction.SUBMIT, self.channel)
            self._require(PlanAction.SUBMIT, {PlanStatus.DRAFT})
            self.local_time = local_time or self.local_time
            changes = await submission(self, shop, at, send_at=send_at, deadline_after=deadline_after)
            target = PlanStatus.ONGOING if changes["started_at"] else PlanStatus.SCHEDULED
            await self._move(PlanAction.SUBMIT, target, actor=actor, changes=changes)
        return self

    async def pause(self, *, actor: str = SYSTEM) -> Self:
        """Hold the plan at its seller's word: nothing pending leaves until it is resumed."""
        moved = await advance.pause(self.id, BY_SELLER, actor=actor)
        await self.refresh_from_db()
        if not moved:
            raise illegal(PlanAction.PAUSE, self)
        return self

    async def resume(self, shop: Shop, *, actor: str = SYSTEM) -> Self:
        """Let a paused plan go on, or wait for its time again. The time it was paused does not count to its deadline.

        What waits for an hour of its customer's day that passed meanwhile goes at the next one (B3).
        """
        at = now()
        async with database.transaction():
            await sending.hold()
            standing = await access.hold(shop.id)
            await self._hold()
            self._require(PlanAction.RESUME, {PlanStatus.PAUSED})
            permission.require(standing, PlanAction.RESUME, self.channel)
            paused_at = self.paused_at or at
            since = self.paused_at if self.started_at else self.send_at
            waits = self.started_at is None and since is not None and since > at
            lost = max(await self._paused_until(at) - (since or at), timedelta())
            changes = {
                "started_at": None if waits else self.started_at or at,
                "deadline": self.deadline + lost if self.deadline and not self.trigger else self.deadline,
                "decides_at": self.decides_at + lost if self.decides_at and self.winner is None else self.decides_at,
                "paused_at": None,
            }
            target = PlanStatus.SCHEDULED if waits else PlanStatus.ONGOING
            await self._move(PlanAction.RESUME, target, actor=actor, changes=changes)
            await local_hour.keep([self.id], paused_at, at)
        return self

    async def _paused_until(self, at: datetime) -> datetime:
        """When the time that a pause until `at` does not count ends: a stop of all sending leaves out its own (sending)."""
        stop = await sending.current() if self.started_at else None
        return min(stop.stopped_at, at) if stop else at

    async def cancel(self, *, actor: str = SYSTEM) -> Self:
        """Stop the plan: CANCELLED at once when nothing is in flight, else CANCELLING until then (R10).

        Once an answer says CANCELLED nothing goes out any more: the slices' tokens are gone (which waits for the intents
        that hold them), so no later intent can be committed. Of a plan with very many slices only some are withdrawn at
        once, and the rest by a job (advance.conclude): whoever stops a million mails has an answer in seconds.
        """
        at = now()
        async with database.transaction():
            await self._move(PlanAction.CANCEL, PlanStatus.CANCELLING, actor=actor)
            await delivery.cancel_some(self.id, at)
            await advance.finish_cancelling(self.id)
            await self.refresh_from_db()
        return self

    async def retry_failed(
        self, shop: Shop, *, include_unknown: bool, deadline_after: timedelta, actor: str = SYSTEM
    ) -> Self:
        """Try again what failed of a SENT plan: ONGOING until `deadline_after` from now, without quota (B2).

        Consent and the contact limit are asked afresh when it goes. With `include_unknown` also what may have
        arrived, marked `may_repeat`. Of very many only the first (`retry.MOST`); the rest once it is SENT again.
        Refused, and nothing changed, when there is nothing to try again.
        """
        at = now()
        async with database.transaction():
            standing = await access.hold(shop.id)
            await self._hold()
            self._require(PlanAction.RETRY, {PlanStatus.SENT})
            permission.require(standing, PlanAction.RETRY, self.channel)
            if not await retry.retry(self.id, include_unknown=include_unknown, at=at):
                raise retry.nothing(include_unknown=include_unknown)
            changes = {"deadline": at + deadline_after, "finished_at": None}
            await self._move(PlanAction.RETRY, PlanStatus.ONGOING, actor=actor, changes=changes)
        return self

    async def discard(self, *, actor: str = SYSTEM) -> Self:
        """Delete: take a draft, or a cancelled one-time plan, out of the seller's sight; its audit trail stays."""
        async with database.transaction():
            return await self._move(PlanAction.DELETE, PlanStatus.DELETED, actor=actor)


async def _with_share(shop: Shop, draft: PlanDraft) -> PlanDraft:
    """The draft with the share of its audience that it holds out, if it is one that holds anybody out (B4)."""
    percent = await holdout.share(shop.id, draft.holdout_percent, is_marketing=draft.is_marketing)
    return replace(draft, holdout_percent=percent)


def listed(
    shop_id: int, *, kind: PlanKind | None = None, statuses: Collection[PlanStatus] = (), search: str = ""
) -> QuerySet[Plan]:
    """The shop's plans, of a kind, in some statuses (any but DELETED without), with `search` in their names."""
    query = Plan.filter(shop_id=shop_id, status__in=statuses or [s for s in PlanStatus if s is not PlanStatus.DELETED])
    if kind is not None:
        query = query.filter(kind=kind)
    return query.filter(name__icontains=search) if search else query

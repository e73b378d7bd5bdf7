"""The row of a plan: what is stored of it, how it reads as what its seller decided, and how one plan is moved."""

from typing import Any, Self
from uuid import UUID

import orjson
from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.models import Model

from models import content, database, experiment
from models.clock import now
from models.coupon import Coupon
from models.errors import ErrorCode, Refused, refuse
from models.plan import history
from models.plan.automation import NOT_AUTOMATED, Automation
from models.plan.draft import PlanChannel, PlanDraft
from models.plan.status import PlanAction, PlanKind, PlanStatus, allowed
from models.scenario import Destination
from models.segment import Segment
from models.shop import Shop
from models.trigger import TriggerCode


class PlanRow(Model):
    """A plan as it is stored; what can be done to it is said by Plan."""

    id = fields.IntField(primary_key=True)
    shop: fields.ForeignKeyRelation[Shop] = fields.ForeignKeyField("models.Shop", related_name=False)
    shop_id: int
    kind = fields.CharEnumField(PlanKind, default=PlanKind.ONE_TIME)
    name = fields.TextField()
    channel = fields.CharEnumField(PlanChannel)
    status = fields.CharEnumField(PlanStatus, default=PlanStatus.DRAFT)
    status_reason = fields.TextField(null=True)
    segment: fields.ForeignKeyNullableRelation[Segment] = fields.ForeignKeyField(
        "models.Segment", related_name=False, null=True
    )
    segment_id: int | None
    definition: Any = fields.JSONField(null=True)
    template = fields.TextField(null=True)
    content: Any = fields.JSONField()
    fallback_language = fields.TextField(null=True)
    product_ids: list[UUID] = ArrayField(element_type="uuid")
    image_url = fields.TextField(null=True)
    coupon: fields.ForeignKeyNullableRelation[Coupon] = fields.ForeignKeyField(
        "models.Coupon", related_name=False, null=True
    )
    coupon_id: int | None
    button = fields.CharEnumField(Destination, null=True)
    send_at = fields.DatetimeField(null=True)
    deadline = fields.DatetimeField(null=True)
    trigger = fields.TextField(null=True)
    parameters: Any = fields.JSONField(null=True)
    ends_at = fields.DatetimeField(null=True)
    watermark = fields.DatetimeField(null=True)
    smart_coupon = fields.BooleanField(default=False)
    quiet_from = fields.TimeField(null=True)
    quiet_until = fields.TimeField(null=True)
    local_time = fields.TimeField(null=True)
    local_hours_from = fields.DatetimeField(null=True)
    localised_at = fields.DatetimeField(null=True)
    resolve_cursor = fields.UUIDField(null=True)
    resolved_at = fields.DatetimeField(null=True)
    slices_numbered = fields.IntField(default=0)
    quota_week = fields.DateField(null=True)
    holdout_percent = fields.SmallIntField(null=True, default=0)
    experiment: Any = fields.JSONField(null=True)
    decides_at = fields.DatetimeField(null=True)
    winner = fields.SmallIntField(null=True)
    decided_at = fields.DatetimeField(null=True)
    values_forgotten_at = fields.DatetimeField(null=True)
    created_by = fields.TextField()
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()
    submitted_at = fields.DatetimeField(null=True)
    started_at = fields.DatetimeField(null=True)
    paused_at = fields.DatetimeField(null=True)
    finished_at = fields.DatetimeField(null=True)

    class Meta:
        abstract = True

    @property
    def decided(self) -> PlanDraft:
        """What the seller has decided about it."""
        return PlanDraft(
            name=self.name, channel=self.channel, segment_id=self.segment_id, content=self.content,
            template=self.template, product_ids=tuple(self.product_ids), image_url=self.image_url,
            send_at=self.send_at,
            coupon_id=self.coupon_id, button=self.button, holdout_percent=self.holdout_percent,
            automation=self.automation,
            experiment=experiment.read(self.experiment),
            local_time=self.local_time,
        )  # fmt: skip

    @property
    def automation(self) -> Automation | None:
        """What makes it automated; None when it is sent once."""
        if self.trigger is None:
            return None
        quiet = (self.quiet_from, self.quiet_until) if self.quiet_from and self.quiet_until else None
        return Automation(TriggerCode(self.trigger), self.parameters, self.ends_at, self.smart_coupon, quiet)

    def default_language(self, shop: Shop) -> str:
        """What customers of `shop` read whose own language it has no text in: as pinned at submit, before as it is (R14)."""
        return self.fallback_language or shop.default_language

    async def _hold(self) -> None:
        """Lock the plan's row, and see it as it is."""
        await database.execute("SELECT FROM plan WHERE id = $1 FOR NO KEY UPDATE", self.id)
        await self.refresh_from_db()

    def _require(self, action: PlanAction, sources: set[PlanStatus]) -> None:
        if self.status not in sources:
            raise illegal(action, self)

    async def _move(
        self, action: PlanAction, target: PlanStatus, *, actor: str, changes: dict[str, Any] | None = None
    ) -> Self:
        """Move the plan, or refuse with what is allowed; then see it as it is."""
        moved = await history.move(history.one(self.id), action, target, at=now(), actor=actor, changes=changes)
        await self.refresh_from_db()
        if not moved:
            raise illegal(action, self)
        return self


def illegal(action: PlanAction, plan: PlanRow) -> Refused:
    """The refusal of an action that the plan's status does not allow, saying what it does."""
    instead = ", ".join(allowed(plan.kind, plan.status))
    message = f"Cannot {action} a plan that is {plan.status}; allowed: {instead}."
    return refuse("id", message, ErrorCode.ILLEGAL_TRANSITION, rule="R10")


def columns_of(draft: PlanDraft) -> dict[str, Any]:
    """What is stored of what a seller decided; its kind, which never changes, apart."""
    return {
        "name": draft.name.strip(),
        "channel": draft.channel,
        "segment_id": draft.segment_id,
        "template": draft.template,
        "content": content.normalised(draft.content) if draft.content else {"texts": {}},
        "product_ids": list(draft.product_ids),
        "image_url": draft.image_url,
        "coupon_id": draft.coupon_id,
        "button": draft.button,
        "send_at": draft.send_at,
        "local_time": draft.local_time,
        "holdout_percent": draft.holdout_percent,
        **(draft.automation.columns() if draft.automation else NOT_AUTOMATED),
        "experiment": draft.experiment.stored() if draft.experiment else None,
    }


def stored(columns: dict[str, Any]) -> dict[str, Any]:
    """The same as the driver takes them: JSON as text."""
    as_text = {
        name: orjson.dumps(columns[name]).decode() for name in ("content", "parameters", "experiment") if columns[name]
    }
    return {**columns, **as_text}

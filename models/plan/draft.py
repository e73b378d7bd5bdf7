"""What a seller decides about a plan (R8), and a draft that makes a coupon known (R12)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from typing import Any
from uuid import UUID

from models import template
from models.content.variable import ALWAYS, OF_PRODUCTS
from models.coupon import Coupon
from models.delivery import MessageChannel
from models.experiment import Experiment
from models.plan.automation import Automation
from models.plan.status import PlanKind
from models.product import MOST_SHOWN
from models.scenario import SCENARIOS, Destination
from models.segment import Segment, member
from models.shop import Shop

COUPON_TEMPLATE = "LIMITED_TIME"
"""The template of a plan that is made from a coupon."""


class PlanChannel(StrEnum):
    """How a plan reaches its audience; CHAT_THEN_EMAIL takes the first channel that may reach each customer."""

    CHAT = "CHAT"
    EMAIL = "EMAIL"
    CHAT_THEN_EMAIL = "CHAT_THEN_EMAIL"

    @property
    def channels(self) -> tuple[MessageChannel, ...]:
        """The channels a message of such a plan may take, preferred first."""
        return tuple(MessageChannel) if self is PlanChannel.CHAT_THEN_EMAIL else (MessageChannel(self.value),)


@dataclass(frozen=True, slots=True)
class PlanDraft:
    """What a seller decides about a plan. `content` has the shape of models/content/.

    `holdout_percent` of the audience get nothing (B4); without it the plan takes the shop's, and an order confirmation
    none. With an `experiment`, what is said here is its variant A (B7). With an `automation` it is an automated plan,
    and its segment a filter that it may do without.
    """

    name: str
    channel: PlanChannel
    segment_id: int | None
    content: Mapping[str, Any]
    template: str | None = None
    product_ids: Sequence[UUID] = field(default_factory=tuple)
    image_url: str | None = None
    """Where its image is, the same in all languages (R13)."""
    send_at: datetime | None = None
    local_time: time | None = None
    """The hour of each customer's own day at which it goes, from `send_at` on (B3); none: at once."""
    coupon_id: int | None = None
    button: Destination | None = None
    holdout_percent: int | None = None
    experiment: Experiment | None = None
    automation: Automation | None = None

    @property
    def kind(self) -> PlanKind:
        """What makes it send."""
        return PlanKind.AUTOMATED if self.automation else PlanKind.ONE_TIME

    @property
    def is_marketing(self) -> bool:
        """Whether it is anything but a confirmation of what the customer did (R18)."""
        return self.automation is None or self.automation.trigger.is_marketing

    @property
    def variables(self) -> frozenset[str]:
        """What its texts may use: of one-time plans {product} and {productCount} only when it shows any."""
        if self.automation:
            return self.automation.variables(self.product_ids)
        return ALWAYS | OF_PRODUCTS if self.product_ids else ALWAYS


async def from_coupon(shop: Shop, own: Coupon, segment_id: int | None) -> PlanDraft:
    """A draft about a coupon: to the segment asked for, or its own, or the shop's largest preset (R12)."""
    return PlanDraft(
        name=own.name,
        channel=PlanChannel.CHAT,
        segment_id=await _audience(shop.id, segment_id, own.segment_id),
        content=template.content_of(COUPON_TEMPLATE),
        template=COUPON_TEMPLATE,
        product_ids=list(dict.fromkeys(own.product_ids))[:MOST_SHOWN],
        coupon_id=own.id,
        button=SCENARIOS[COUPON_TEMPLATE].destination,
    )


async def _audience(shop_id: int, wanted: int | None, own: int | None) -> int:
    """The segment that is wanted, or else the coupon's own, unless it was archived since, or the shop's largest preset."""
    if wanted is not None:
        return wanted
    if own is not None and await Segment.exists(id=own, archived_at=None):
        return own
    presets = await Segment.filter(shop_id=shop_id, preset__isnull=False).order_by("id")
    sizes = await member.sizes([preset.question() for preset in presets])
    largest = max(zip(presets, sizes, strict=True), key=lambda pair: pair[1])
    return largest[0].id

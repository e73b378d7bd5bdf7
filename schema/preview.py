"""How a plan looks and whom it would reach, before it is submitted."""

from datetime import datetime
from typing import TypeAlias

import strawberry

from models import estimate as estimates
from models import preview as models
from models.coupon import smart as smart_coupons
from models.coupon.smart import Verdict
from models.preview import AdviceCode
from models.trigger.dry_run import DryRun, Omission
from resolvers import preview as resolvers
from resolvers.long import Long
from resolvers.preview import Previewed
from schema.enums import describe
from schema.product import Product
from schema.segment import Segment
from schema.user_error import UserError

describe(
    AdviceCode,
    "What may be better about a plan, though it may be submitted.",
    {
        "MISSING_TRANSLATION": "Some of its audience read a language that it has no text in.",
        "LONG_SUBJECT": "Mail programs show only a part of the subject.",
        "FEW_CONDITIONS": "Its segment has fewer than 3 conditions.",
        "EMPTY_AUDIENCE": "Nobody is in its segment now.",
        "NO_STORE_URL": "The shop has no page that its email could lead to.",
        "COUPON_NOT_RUNNING": "Its coupon does not run when it starts; it cannot be submitted so.",
    },
)

describe(
    Verdict,
    "Why a smart coupon is this one or is not.",
    {
        "BEST": "It saves most, and is the one.",
        "SAVES_LESS": "It could be used, and another saves more.",
        "OTHER_PRODUCTS": "It is for other products.",
        "BELOW_MINIMUM": "What would be spent is less than it asks for.",
        "SOLD_OUT": "All its claims are taken.",
        "CLAIM_LIMIT_REACHED": "The customer has used all of theirs.",
        "NOT_VISIBLE": "The customer cannot see it.",
    },
)

describe(
    Omission,
    "What a dry run does not take into account.",
    {
        "CONTACT_LIMIT": "Two marketing messages a day at most: what is over would wait for the next day, or expire.",
        "QUIET_HOURS": "Of the plan and of the shop: what falls into them would wait for their end.",
    },
    name="DryRunOmission",
)

Root: TypeAlias = strawberry.Parent[models.Preview]
PreviewedRoot: TypeAlias = strawberry.Parent[Previewed]
EstimateRoot: TypeAlias = strawberry.Parent[estimates.Estimate]


@strawberry.type(description="What may be better about a plan.")
class Advice:
    """One advice."""

    code: AdviceCode = strawberry.field(description="What it is about, for programs.")
    message: str = strawberry.field(description="What it is about, for people.")


@strawberry.type(description="A plan's coupon, as its reader would see it.")
class CouponPreview:
    """What the reader would be offered."""

    name: str = strawberry.field(description="What it is called.")
    gives: str = strawberry.field(description="What it takes off, as the message's language writes it.")
    starts_at: datetime = strawberry.field(description="From when it can be used.")
    ends_at: datetime = strawberry.field(description="When it can no longer be used.")


def _coupon(root: Root) -> CouponPreview | None:
    if root.coupon is None:
        return None
    return CouponPreview(
        name=root.coupon.name,
        gives=root.coupon_gives or "",
        starts_at=root.coupon.starts_at,
        ends_at=root.coupon.ends_at,
    )


@strawberry.type(description="A coupon that a smart one was chosen from.")
class ConsideredCoupon:
    """One coupon, and why it is the best or is not."""

    coupon_id: strawberry.ID = strawberry.field(
        resolver=resolvers.considered_coupon, description="Global id of the coupon."
    )
    verdict: Verdict = strawberry.field(description="What became of it.")
    saving: Long = strawberry.field(description="What it would save on these products, in minor units.")


def _considered(root: Root) -> list[smart_coupons.Considered]:
    return list(root.considered)


@strawberry.type(description="A plan's message, exactly as one customer would get it.")
class PlanPreview:
    """One rendering. Links that only a real message has are replaced by ones that lead nowhere."""

    channel: str = strawberry.field(description="CHAT or EMAIL.")
    language: str = strawberry.field(description="BCP 47 tag of the text that was chosen.")
    subject: str | None = strawberry.field(description="The email's subject.")
    preheader: str | None = strawberry.field(description="The email's preheader.")
    text: str = strawberry.field(description="The chat message, or the email's text part.")
    html: str | None = strawberry.field(description="The email's HTML part.")
    image_url: str | None = strawberry.field(description="Where the image above its text is, if it has one.")
    button: str | None = strawberry.field(description="What its button says.")
    links: list[str] = strawberry.field(description="Where the email leads, in the order it stands in it.")
    products: list[Product] = strawberry.field(description="The products it shows.")
    coupon = strawberry.field(
        resolver=_coupon, graphql_type=CouponPreview | None, description="The coupon that comes with it."
    )
    considered = strawberry.field(
        resolver=_considered,
        graphql_type=list[ConsideredCoupon],
        description="The coupons that a smart one is chosen from, the best first.",
    )


def _advice(root: PreviewedRoot) -> list[models.Advice]:
    return list(root.advice)


@strawberry.type(description="What became of planPreview.")
class PlanPreviewPayload:
    """The preview and its advice, or what to mend first."""

    preview: PlanPreview | None = strawberry.field(description="The message; null when there cannot be one yet.")
    advice = strawberry.field(
        resolver=_advice, graphql_type=list[Advice], description="What may be better, audience included."
    )
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when there is a preview.")


@strawberry.type(description="Members who would be reached by the same channel in the same language.")
class ReachCount:
    """One line of an estimate."""

    channel: str = strawberry.field(description="CHAT or EMAIL.")
    language: str = strawberry.field(description="BCP 47 tag of the text they would get.")
    count: Long = strawberry.field(description="How many.")


@strawberry.type(description="Members who cannot be reached for the same reason.")
class RefusalCount:
    """One line of an estimate."""

    reason: str = strawberry.field(description="Why: a code, as in a plan's breakdown.")
    count: Long = strawberry.field(description="How many.")


def _audience(root: EstimateRoot) -> Long:
    return Long(root.audience)


def _reachable(root: EstimateRoot) -> Long:
    return Long(root.reachable)


def _held_out(root: EstimateRoot) -> Long:
    return Long(root.held_out)


def _capped_today(root: EstimateRoot) -> Long:
    return Long(root.capped_today)


def _without_consent(root: EstimateRoot) -> Long:
    return Long(root.without_consent)


def _reach(root: EstimateRoot) -> list[ReachCount]:
    return [
        ReachCount(channel=channel, language=tag, count=Long(count)) for (channel, tag), count in root.reach().items()
    ]


def _refusals(root: EstimateRoot) -> list[RefusalCount]:
    return [RefusalCount(reason=reason, count=Long(count)) for reason, count in root.refusals().items()]


@strawberry.type(description="Whom a plan would reach if it started now. Nothing is reserved.")
class PlanEstimate:
    """One snapshot."""

    audience: Long = strawberry.field(resolver=_audience, description="Members of its segment.")
    reachable: Long = strawberry.field(
        resolver=_reachable, description="Members whom it would write to, today or, over the contact limit, tomorrow."
    )
    held_out: Long = strawberry.field(
        resolver=_held_out, description="Members whom it could write to and would not, for comparison."
    )
    capped_today: Long = strawberry.field(
        resolver=_capped_today, description="Reachable members who have had two marketing messages today."
    )
    without_consent: Long = strawberry.field(
        resolver=_without_consent, description="Members who blocked the chat, or did not subscribe to email."
    )
    reach = strawberry.field(
        resolver=_reach, graphql_type=list[ReachCount], description="Reachable members by channel and language."
    )
    refusals = strawberry.field(
        resolver=_refusals, graphql_type=list[RefusalCount], description="The other members, by why not."
    )


@strawberry.type(description="What became of planEstimate.")
class PlanEstimatePayload:
    """The estimate, or why there is none."""

    estimate: PlanEstimate | None = strawberry.field(description="The estimate; null when there is no such plan.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when there is an estimate.")


@strawberry.type(description="How many customers of a dry run are in a segment now.")
class DryRunSegment:
    """One line of a dry run."""

    segment: Segment = strawberry.field(description="The segment.")
    customers: Long = strawberry.field(description="How many.")


def _messages(root: strawberry.Parent[DryRun]) -> Long:
    return Long(root.messages)


def _customers(root: strawberry.Parent[DryRun]) -> Long:
    return Long(root.customers)


def _would_be_held_out(root: strawberry.Parent[DryRun]) -> Long:
    return Long(root.held_out)


def _blocked(root: strawberry.Parent[DryRun]) -> Long:
    return Long(root.blocked)


def _leaves_out(root: strawberry.Parent[DryRun]) -> list[Omission]:
    return list(root.leaves_out)


def _segments(root: strawberry.Parent[DryRun]) -> list[DryRunSegment]:
    return [DryRunSegment(segment=segment, customers=Long(count)) for segment, count in root.segments]  # type: ignore[arg-type]


@strawberry.type(
    description="What an automated plan would have sent, and to whom not; leavesOut says what is not looked at."
)
class PlanDryRun:
    """From what is stored, over the days that are past."""

    days: int = strawberry.field(description="How many days were looked at.")
    messages: Long = strawberry.field(
        resolver=_messages,
        description="Messages that came due, those that would not have gone (heldOut, blocked) included.",
    )
    held_out: Long = strawberry.field(
        resolver=_would_be_held_out,
        description="Of the messages, those to customers whom the plan or the shop holds out now.",
    )
    blocked: Long = strawberry.field(
        resolver=_blocked,
        description="Of the other messages, those to customers who have blocked the shop's chat by now.",
    )
    leaves_out: list[Omission] = strawberry.field(resolver=_leaves_out, description="What is not taken into account.")
    customers: Long = strawberry.field(resolver=_customers, description="Customers whom they were due for.")
    hours: list[int] = strawberry.field(description="Messages by hour of the shop's day: 24 numbers.")
    segments = strawberry.field(
        resolver=_segments,
        graphql_type=list[DryRunSegment],
        description="The customers by the preset segments that they are in now.",
    )
    is_complete: bool = strawberry.field(
        description="Whether all occasions were looked at; else the figures are of a part of the customers."
    )


@strawberry.type(description="What became of automatedPlanDryRun.")
class AutomatedPlanDryRunPayload:
    """The dry run, or why there is none."""

    dry_run: PlanDryRun | None = strawberry.field(description="What it would have sent; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when there is an answer.")

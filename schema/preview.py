"""How a plan's messages look, before it is submitted."""

from datetime import datetime
from typing import TypeAlias

import strawberry

from models import preview as models
from models.coupon.smart import Verdict
from models.delivery import MessageChannel
from models.preview import AdviceCode
from resolvers import preview as resolvers
from resolvers.long import Long
from schema.enums import describe
from schema.product import Product
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

Root: TypeAlias = strawberry.Parent[models.Preview]


@strawberry.type(description="What may be better about a plan.")
class Advice:
    """One advice."""

    code: AdviceCode = strawberry.field(description="What it is about, for programs.")
    message: str = strawberry.field(description="What it is about, for people, in English.")


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


@strawberry.type(description="A plan's message, exactly as one customer would get it.")
class PlanPreview:
    """One rendering. Links that only a real message has are replaced by ones that lead nowhere."""

    channel: MessageChannel = strawberry.field(description="The way that it takes.")
    language: str = strawberry.field(description="BCP 47 tag of the text that was chosen.")
    subject: str | None = strawberry.field(description="The email's subject; null in chat.")
    preheader: str | None = strawberry.field(description="The email's preheader, if it has one; null in chat.")
    text: str = strawberry.field(description="The chat message, or the email's text part.")
    html: str | None = strawberry.field(description="The email's HTML part; null in chat.")
    image_url: str | None = strawberry.field(description="Where the image above its text is, if it has one.")
    button: str | None = strawberry.field(description="What its button says, if it has one.")
    links: list[str] = strawberry.field(description="Where the email leads, in the order it stands in it.")
    products: list[Product] = strawberry.field(description="The products it shows.")
    coupon = strawberry.field(
        resolver=_coupon,
        graphql_type=CouponPreview | None,
        description="The coupon that comes with it; null when none does.",
    )
    considered: list[ConsideredCoupon] = strawberry.field(
        description="The coupons that a smart one is chosen from, the best first.",
    )


@strawberry.type(description="What became of planPreview.")
class PlanPreviewPayload:
    """The preview and its advice, or what to mend first."""

    preview: PlanPreview | None = strawberry.field(description="The message; null when there cannot be one yet.")
    advice: list[Advice] = strawberry.field(description="What may be better, audience included.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when there is a preview.")

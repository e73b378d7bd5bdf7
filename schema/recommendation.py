"""Recommendations, as sellers see them."""

from typing import TypeAlias

import strawberry

from models import recommendation as models
from models.recommendation import RecommendationKind
from resolvers import recommendation as resolvers
from schema.coupon import Coupon
from schema.enums import describe
from schema.segment import Segment
from schema.user_error import UserError

describe(
    RecommendationKind,
    "What is recommended, and why.",
    {
        "UNSUBSCRIBE_RATE_HIGH": "More than 5 % of messages made a customer unsubscribe or block the chat.",
        "EMAILS_BOUNCING": "Many emails are refused for good.",
        "LANGUAGE_MISSING": "Many customers read a language that the plans have no text in.",
        "COUPON_CONVERTS_BETTER": "One coupon brings more orders a message than the others.",
        "SEGMENT_CONVERTS_BETTER": "One segment brings more orders a message than the others.",
        "BEST_HOUR": "In a time zone messages are read at an hour at which few are sent.",
        "SEGMENT_TOO_BROAD": "A segment that plans go to is nearly everybody.",
        "QUOTA_UNUSED": "Much of the weekly quota is left.",
        "HOLDOUT_OFF": "Nobody is held out, so nobody can tell what the messages bring.",
    },
)

Root: TypeAlias = strawberry.Parent[models.Recommendation]


@strawberry.type(description="A number that led to a recommendation.")
class RecommendationNumber:
    """One of several."""

    name: str = strawberry.field(description="What it is, such as sent or percent; docs/recommendations.md has them.")
    value: float = strawberry.field(description="How much.")


def _kind(root: Root) -> RecommendationKind:
    return root.finding.kind


def _message(root: Root) -> str:
    return root.finding.message


def _numbers(root: Root) -> list[RecommendationNumber]:
    return [RecommendationNumber(name=name, value=float(value)) for name, value in root.finding.numbers.items()]


def _of_kind(root: Root, kind: RecommendationKind) -> str | None:
    return root.finding.subject if root.finding.kind is kind else None


def _time_zone(root: Root) -> str | None:
    return _of_kind(root, RecommendationKind.BEST_HOUR)


def _language(root: Root) -> str | None:
    return _of_kind(root, RecommendationKind.LANGUAGE_MISSING)


@strawberry.type(description="What a shop may do better, by its own figures of the last weeks.")
class Recommendation:
    """One recommendation, with the numbers that led to it."""

    id: strawberry.ID = strawberry.field(resolver=resolvers.identify, description="Opaque id, for its dismissal.")
    kind: RecommendationKind = strawberry.field(resolver=_kind, description="What is recommended, for programs.")
    priority: int = strawberry.field(description="1 is done first.")
    message: str = strawberry.field(
        resolver=_message, description="What is recommended and why, for people, in English."
    )
    numbers: list[RecommendationNumber] = strawberry.field(resolver=_numbers, description="What led to it.")
    segment = strawberry.field(
        resolver=resolvers.segment, graphql_type=Segment | None, description="The segment that it is about, if any."
    )
    coupon = strawberry.field(
        resolver=resolvers.coupon, graphql_type=Coupon | None, description="The coupon that it is about, if any."
    )
    time_zone: str | None = strawberry.field(
        resolver=_time_zone, description="The IANA time zone that it is about, if any."
    )
    language: str | None = strawberry.field(resolver=_language, description="The BCP 47 tag that it is about, if any.")


@strawberry.type(description="What became of recommendationDismiss.")
class RecommendationDismissPayload:
    """The dismissed recommendation's id, or why it is not dismissed."""

    id: strawberry.ID | None = strawberry.field(
        description="Global id of what was dismissed; null when it was refused."
    )
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was dismissed.")

"""Segments, as their sellers see them."""

from datetime import date, datetime
from typing import Any

import strawberry
from strawberry.scalars import JSON

from models import segment as models
from models.condition import SegmentPreset
from models.segment import SegmentKind
from resolvers import condition as conditions
from resolvers import member, membership, performance, profile
from resolvers import segment as resolvers
from resolvers.long import Long
from schema.connection import Connection
from schema.customer import Customer
from schema.enums import describe
from schema.membership import Membership
from schema.node import Node
from schema.performance import SegmentPerformance
from schema.profile import SegmentProfile
from schema.user_error import UserError

describe(
    SegmentPreset,
    "A segment that every shop has (windows end now; a day is 24 hours).",
    {
        "POTENTIAL_NEW": "No order in this shop yet; carted or favourited one of its products in the past 30 days.",
        "RECENT": "First order in the past 30 days.",
        "REPEAT": "Two or more orders ever, the latest in the past 30 days.",
        "FREQUENT": "More than one order in the past 90 days.",
        "LAPSED": "An order in the past 365 days, none in the past 90.",
        "NEW_FOLLOWERS": "Followed in the past 30 days, and still follows.",
        "ACTIVE_FOLLOWERS": "Follows, and engaged through LIVE, video or product card in the past 30 days.",
    },
)
describe(
    SegmentKind,
    "Whose a segment is.",
    {"PRESET": "Given, the same in every shop, read-only.", "CUSTOM": "The shop's own."},
)

CONDITIONS = "The condition, in the shape of ConditionInput."
TEXT = "The condition as a line of text; it can be given back as it is."


def _conditions(root: strawberry.Parent[models.Segment]) -> JSON:
    return JSON(conditions.shown(root.condition().conditions))


def _text(root: strawberry.Parent[models.Segment]) -> str:
    return conditions.said(root.condition().conditions)


def _past_conditions(root: strawberry.Parent[models.Version]) -> JSON:
    return JSON(conditions.shown(root.definition.conditions))


def _past_text(root: strawberry.Parent[models.Version]) -> str:
    return conditions.said(root.definition.conditions)


@strawberry.type(description="What a segment's condition was from a time on.")
class SegmentVersion:
    """One version of a definition."""

    version: int = strawberry.field(description="Rises with each change.")
    conditions: JSON = strawberry.field(resolver=_past_conditions, description=CONDITIONS)
    text: str = strawberry.field(resolver=_past_text, description=TEXT)
    changed_at: datetime = strawberry.field(description="When it was written.")


@strawberry.type(description="How large a segment was.")
class SegmentSize:
    """One measurement."""

    day: date = strawberry.field(description="The day, in UTC.")
    size: Long = strawberry.field(description="How many customers were in it.")
    version: int = strawberry.field(description="The version of the condition that was measured.")
    measured_at: datetime = strawberry.field(description="When it was measured.")


@strawberry.type(description="A named audience: those of the shop's customers who meet a condition.")
class Segment(Node):
    """A preset or a segment of the shop's own."""

    id: strawberry.ID = strawberry.field(resolver=resolvers.identify, description="Opaque id, unique across all types.")
    name: str = strawberry.field(
        resolver=resolvers.name,
        description="What sellers call it; of a preset in the first of their languages (Accept-Language) that there is.",
    )
    preset: SegmentPreset | None = strawberry.field(description="Which preset it is; null for the shop's own segments.")
    version: int = strawberry.field(description="Rises with each change of its condition.")
    conditions: JSON = strawberry.field(resolver=_conditions, description=CONDITIONS)
    text: str = strawberry.field(resolver=_text, description=TEXT)
    advice: list[str] = strawberry.field(
        resolver=resolvers.advice,
        description="What would make it better, though it is accepted as it is; in the seller's language.",
    )
    size: int = strawberry.field(
        resolver=member.size, description="How many customers are in it: live, or as of an earlier time."
    )
    members = strawberry.field(
        resolver=member.members,
        graphql_type=Connection[Customer],
        description="Who is in it, in an order without meaning that stays the same.",
    )
    membership = strawberry.field(
        resolver=membership.membership,
        graphql_type=Membership | None,
        description="Whether a customer is in it, and which conditions decide; null for who is no customer of the shop.",
    )
    profile = strawberry.field(
        resolver=profile.profile, graphql_type=SegmentProfile, description="Who is in it, as distributions; live."
    )
    performance = strawberry.field(
        resolver=performance.of_segment,
        graphql_type=SegmentPerformance | None,
        description="How the plans sent to it did, as of yesterday; null only beside an error.",
    )
    size_history = strawberry.field(
        resolver=resolvers.size_history,
        graphql_type=list[SegmentSize],
        description="How large it was on the last days, oldest first; days on which it was not measured are left out.",
    )
    versions = strawberry.field(
        resolver=resolvers.versions,
        graphql_type=list[SegmentVersion],
        description="What its condition was, newest first; at most the last 100.",
    )
    archived_at: datetime | None = strawberry.field(description="When it was put out of sight; null while it is not.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Whether a row is of this type."""
        return isinstance(value, models.Segment)


def _preview_conditions(root: strawberry.Parent[member.Preview]) -> JSON | None:
    return JSON(conditions.shown(root.question.definition.conditions)) if root.question else None


def _preview_text(root: strawberry.Parent[member.Preview]) -> str | None:
    return conditions.said(root.question.definition.conditions) if root.question else None


@strawberry.type(description="What a condition would hold. All but `userErrors` is null when it is refused.")
class SegmentPreview:
    """A segment that is not kept."""

    size: int | None = strawberry.field(resolver=member.preview_size, description="How many customers it would hold.")
    members = strawberry.field(
        resolver=member.preview_members, graphql_type=Connection[Customer] | None, description="Who would be in it."
    )
    conditions: JSON | None = strawberry.field(resolver=_preview_conditions, description=CONDITIONS)
    text: str | None = strawberry.field(resolver=_preview_text, description=TEXT)
    advice: list[str] = strawberry.field(
        resolver=member.preview_advice, description="What would make it better, in the seller's language."
    )
    user_errors: list[UserError] = strawberry.field(description="What to mend in the condition; empty when it holds.")


@strawberry.type(description="Two segments beside each other.")
class SegmentOverlap:
    """Numbers of customers."""

    one: int = strawberry.field(description="How many are in the one.")
    other: int = strawberry.field(description="How many are in the other.")
    both: int = strawberry.field(description="How many are in both.")


@strawberry.type(description="What `segmentCreate` answers.")
class SegmentCreatePayload:
    """The new segment, or what to mend."""

    segment: Segment | None = strawberry.field(description="The new segment; null when refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when all went well.")


@strawberry.type(description="What `segmentUpdate` answers.")
class SegmentUpdatePayload:
    """The segment as it is now, or what to mend."""

    segment: Segment | None = strawberry.field(description="The segment as it is now; null when refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when all went well.")


@strawberry.type(description="What `segmentDuplicate` answers.")
class SegmentDuplicatePayload:
    """The copy, or what to mend."""

    segment: Segment | None = strawberry.field(description="The copy; null when refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when all went well.")


@strawberry.type(description="What `segmentArchive` answers.")
class SegmentArchivePayload:
    """The archived segment, or what to mend."""

    segment: Segment | None = strawberry.field(description="The archived segment; null when refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when all went well.")

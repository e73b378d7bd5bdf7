"""Whether a customer is in a segment and why, as sellers see it."""

from collections.abc import Iterator

import strawberry

from models.condition.explain import Reason
from models.segment import membership as models
from resolvers import condition


def _text(root: strawberry.Parent[Reason]) -> str:
    return condition.said(root.condition)


def _reasons(root: strawberry.Parent[models.Membership]) -> list[Reason]:
    return list(_all(root.reason))


def _all(reason: Reason) -> Iterator[Reason]:
    yield reason
    for part in reason.parts:
        yield from _all(part)


@strawberry.type(description="One condition, seen for one customer.")
class ConditionReason:
    """A node of the condition's tree."""

    path: str = strawberry.field(description="Where in the condition, such as conditions.all[1].not.")
    text: str = strawberry.field(resolver=_text, description="The condition as a line of text.")
    holds: bool = strawberry.field(description="Whether it is true of the customer.")
    found: str = strawberry.field(description="What was found, such as: 2 orders in the past 60 days.")
    decides: bool = strawberry.field(
        description=(
            "Whether the verdict rests on it: the failed parts of a failed `all`, the fulfilled parts of a fulfilled "
            "`any`, otherwise every part."
        )
    )


@strawberry.type(description="Whether a customer is in a segment, and why.")
class Membership:
    """The verdict and a reason per condition."""

    is_member: bool = strawberry.field(description="Whether the customer is in the segment.")
    has_interacted: bool = strawberry.field(
        description="Whether the customer had interacted with the shop by then; who had not is in no segment."
    )
    reasons = strawberry.field(
        resolver=_reasons,
        graphql_type=list[ConditionReason],
        description="Every condition of the tree, from the whole down to its parts.",
    )

"""Answers about who is in a segment: how many, which, of a kept one or of one only tried out, and of two together."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, TypeAlias

import strawberry

from models.caller import Action
from models.clock import now
from models.customer import Customer
from models.errors import ErrorCode, Problem, Refused, refuse
from models.field_type import EARLIEST
from models.page import page_of
from models.segment import Segment, member
from models.segment.definition import advice, check_plans, define
from models.segment.member import BY_CUSTOMER, Overlap, Question
from resolvers.condition import ConditionInput, conditions_of, plan_of
from resolvers.connection import After, Before, Connection, First, Last, connect
from resolvers.context import Info
from resolvers.segment import TEXT, SegmentId, own

AsOf: TypeAlias = Annotated[
    datetime | None,
    strawberry.argument(
        description=(
            "Answer as things stood at this time, from history, from 1990 on and not in the future; now when left out."
        )
    ),
]


@dataclass(frozen=True, slots=True)
class Preview:
    """A condition that is not kept; without a question when something is wrong with it."""

    question: Question | None
    user_errors: list[Problem] = field(default_factory=list)


async def size(info: Info, root: strawberry.Parent[Segment], as_of: AsOf = None) -> int:
    """How many customers are in the segment."""
    return await info.context.readings.size.load(root.question(past(as_of)))


async def members(
    info: Info,
    root: strawberry.Parent[Segment],
    *,
    as_of: AsOf = None,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Connection[Customer]:
    """The customers in the segment, in an order of no meaning that does not change."""
    question = root.question(past(as_of))
    return await _members(info, question, first=first, after=after, last=last, before=before)


async def preview(
    info: Info,
    *,
    conditions: Annotated[ConditionInput | None, strawberry.argument(description="The condition.")] = None,
    text: Annotated[str | None, strawberry.argument(description=TEXT)] = None,
    as_of: AsOf = None,
) -> Preview:
    """What a condition would hold, without keeping it."""
    shop = await info.context.shop(Action.READ_SHOP)
    try:
        document = conditions_of(conditions) if conditions else None
        definition = define(shop, conditions=document, text=text, plan_of=plan_of)
        await check_plans(shop, definition)
    except Refused as refused:
        return Preview(None, refused.problems)
    return Preview(Question(shop.id, definition, past(as_of)))


def preview_advice(info: Info, root: strawberry.Parent[Preview]) -> list[str]:
    """What would make the condition better."""
    return advice(root.question.definition, info.context.language) if root.question else []


async def preview_size(info: Info, root: strawberry.Parent[Preview]) -> int | None:
    """How many customers it would hold."""
    return await info.context.readings.size.load(root.question) if root.question else None


async def preview_members(
    info: Info,
    root: strawberry.Parent[Preview],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Connection[Customer] | None:
    """The customers it would hold."""
    if root.question is None:
        return None
    return await _members(info, root.question, first=first, after=after, last=last, before=before)


async def _members(info: Info, question: Question, **place: Any) -> Connection[Customer]:
    page = page_of(BY_CUSTOMER, **place)
    loaders, readings = info.context.loaders, info.context.readings
    ids = await loaders.member_page.load((question, page))
    found = await loaders.customer.load_many([(question.shop_id, customer_id) for customer_id in ids])
    rows = [customer for customer in found if customer is not None]
    return connect(page, rows, lambda customer: (customer.id,), lambda: readings.size.load(question))


async def overlap(info: Info, *, one: SegmentId, other: SegmentId, as_of: AsOf = None) -> Overlap | None:
    """Two of the shop's segments beside each other."""
    at = past(as_of)
    first, second = await own(info, one), await own(info, other)
    return await member.overlap(first.question(at), second.question(at)) if first and second else None


def past(as_of: datetime | None) -> datetime | None:
    """The time to answer for; refused when it lies ahead of the clock, or before all that can be stored."""
    if as_of is not None and as_of < EARLIEST:
        raise refuse("asOf", f"Nothing is known of the time before {EARLIEST.year}.")
    if as_of is not None and as_of > now():
        raise refuse("asOf", "This time has not come yet.", ErrorCode.IN_FUTURE)
    return as_of

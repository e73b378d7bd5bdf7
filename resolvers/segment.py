"""Answers about segments: which there are and what they were, and what sellers do with them."""

from typing import Annotated, Any, TypeAlias

import strawberry
from strawberry import UNSET

from models.caller import Action
from models.condition import Definition
from models.errors import refuse
from models.page import page_of, rows_by_id
from models.segment import BY_ID, Segment, SegmentKind, Version, listed
from models.segment import size as segment_size
from models.segment.definition import define
from models.segment.size import Size
from models.shop import Shop
from resolvers import global_id
from resolvers.change import or_kept, refuse_nulls
from resolvers.condition import ConditionInput, conditions_of, plan_of
from resolvers.connection import After, Before, Connection, First, Last, connect, searched
from resolvers.context import Info
from resolvers.mutation import IDEMPOTENCY_KEY, Kept, Payload, answer
from resolvers.shop import own_row

TEXT = (
    "The condition as a line of text instead, such as: "
    "orders(within: 60d) >= 2 and average_order > 30 USD and not follows"
)

SegmentId: TypeAlias = Annotated[strawberry.ID, strawberry.argument(description="Global id of a segment.")]


@strawberry.input(description="A new segment: a name, and its condition in one of the two forms.")
class SegmentCreateInput:
    """What `segmentCreate` takes."""

    name: str = strawberry.field(description="What sellers call it, 1–200 characters.")
    conditions: ConditionInput | None = strawberry.field(default=None, description="The condition.")
    text: str | None = strawberry.field(default=None, description=TEXT)
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Changes to a segment. What is left out stays as it is.")
class SegmentUpdateInput:
    """What `segmentUpdate` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of one of the shop's own segments.")
    name: str | None = strawberry.field(default=UNSET, description="A new name, 1–200 characters.")
    conditions: ConditionInput | None = strawberry.field(default=UNSET, description="A new condition.")
    text: str | None = strawberry.field(default=UNSET, description=TEXT)
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A segment to be copied.")
class SegmentDuplicateInput:
    """What `segmentDuplicate` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of any of the shop's segments, presets included.")
    name: str | None = strawberry.field(default=None, description="The copy's name, 1–200 characters.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A segment to be put out of sight.")
class SegmentArchiveInput:
    """What `segmentArchive` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of one of the shop's own segments.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def _load(segment_id: Any) -> Segment:
    return await Segment.get(id=segment_id)


SEGMENT: Kept[Segment] = Kept("segment", lambda segment: segment.id, _load)


async def segments(
    info: Info,
    *,
    kind: Annotated[
        SegmentKind | None, strawberry.argument(description="Only presets, or only the shop's own.")
    ] = None,
    name: Annotated[
        str | None,
        strawberry.argument(
            description=(
                "Only segments with this in their name, a preset's English one, in any case; up to 200 characters."
            )
        ),
    ] = None,
    archived: Annotated[bool, strawberry.argument(description="The archived ones instead of the others.")] = False,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Connection[Segment]:
    """The shop's segments, presets first, oldest first."""
    shop = await info.context.shop(Action.READ_SHOP)
    page = page_of(BY_ID, first=first, after=after, last=last, before=before)
    query = listed(shop.id, kind=kind, archived=archived, search=searched(name, "name"))
    return connect(page, await rows_by_id(query, page), lambda segment: (segment.id,), query.count)


async def segment(info: Info, id: SegmentId) -> Segment | None:
    """One of the shop's segments."""
    return await own(info, id)


async def find(info: Info, key: str) -> Segment | None:
    """The shop's segment with this key."""
    shop = await info.context.shop(Action.READ_SHOP)
    return await own_row(info.context.loaders.segment, shop, global_id.integer_of(key))


async def own(info: Info, segment_id: strawberry.ID) -> Segment | None:
    """The caller's segment with this global id."""
    shop = await info.context.shop(Action.READ_SHOP)
    return await own_row(info.context.loaders.segment, shop, global_id.integer(segment_id, "Segment"))


async def _own_or_refuse(shop: Shop, segment_id: strawberry.ID) -> Segment:
    number = global_id.integer(segment_id, "Segment")
    own = await Segment.get_or_none(id=number, shop_id=shop.id) if number else None
    if own is None:
        raise global_id.missing("id", "segment")
    return own


def identify(root: strawberry.Parent[Segment]) -> strawberry.ID:
    """A segment's global id."""
    return global_id.encode("Segment", root.id)


def name(info: Info, root: strawberry.Parent[Segment]) -> str:
    """What a segment is called: a preset in the seller's language, another as they called it."""
    return root.name_in(info.context.language)


def advice(info: Info, root: strawberry.Parent[Segment]) -> list[str]:
    """What would make a segment better: nothing about a preset, which nobody can change."""
    return root.advice(info.context.language)


async def versions(info: Info, root: strawberry.Parent[Segment]) -> list[Version]:
    """The segment's definitions, newest first."""
    return await info.context.loaders.segment_versions.load(root.id)


def _defined(shop: Shop, input: SegmentCreateInput | SegmentUpdateInput) -> Definition:
    conditions = conditions_of(input.conditions) if input.conditions else None
    return define(shop, conditions=conditions, text=or_kept(input.text, None), plan_of=plan_of)


def _redefined(shop: Shop, input: SegmentUpdateInput) -> Definition | None:
    """The new definition, if there is one. Of its two forms null says no more than that it is in the other."""
    is_given = any(form is not None and form is not UNSET for form in (input.conditions, input.text))
    refuse_nulls(input, "name", *(() if is_given else ("conditions", "text")))
    return _defined(shop, input) if is_given else None


async def create(info: Info, input: SegmentCreateInput) -> Payload:
    """Keep a new segment."""
    shop = await info.context.shop(Action.CHANGE_SHOP)
    actor = info.context.actor

    async def make() -> Segment:
        return await Segment.make(shop, input.name, _defined(shop, input), actor=actor)

    return await answer(info, input, SEGMENT, make)


async def update(info: Info, input: SegmentUpdateInput) -> Payload:
    """Change one of the shop's own segments."""
    shop = await info.context.shop(Action.CHANGE_SHOP)
    actor = info.context.actor

    async def edit() -> Segment:
        own = await _own_or_refuse(shop, input.id)
        definition = _redefined(shop, input)
        return await own.edit(shop, name=or_kept(input.name, None), definition=definition, actor=actor)

    return await answer(info, input, SEGMENT, edit)


async def duplicate(info: Info, input: SegmentDuplicateInput) -> Payload:
    """Make a segment of the shop's own with the same condition."""
    shop = await info.context.shop(Action.CHANGE_SHOP)
    actor, language = info.context.actor, info.context.language

    async def copy() -> Segment:
        original = await _own_or_refuse(shop, input.id)
        return await original.duplicate(shop, name=input.name, language=language, actor=actor)

    return await answer(info, input, SEGMENT, copy)


async def archive(info: Info, input: SegmentArchiveInput) -> Payload:
    """Put one of the shop's own segments out of sight."""
    shop = await info.context.shop(Action.CHANGE_SHOP)

    async def away() -> Segment:
        return await (await _own_or_refuse(shop, input.id)).archive()

    return await answer(info, input, SEGMENT, away)


async def size_history(
    info: Info,
    root: strawberry.Parent[Segment],
    days: Annotated[
        int, strawberry.argument(description=f"So many days back, 1–{segment_size.MAX_DAYS}.")
    ] = segment_size.DEFAULT_DAYS,
) -> list[Size]:
    """The sizes measured on the last days."""
    if not 1 <= days <= segment_size.MAX_DAYS:
        raise refuse("days", f"must be 1–{segment_size.MAX_DAYS}")
    return await info.context.loaders.size_history.load((root.id, days))

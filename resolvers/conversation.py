"""Answers about conversations: shoppers open them by a reply, sellers see and answer them then (R20)."""

from typing import Annotated, Any

import strawberry

from models import conversation as conversations_of
from models.caller import SELLER, Action, Role
from models.conversation import Conversation, ConversationKey, Remark
from models.customer import Customer
from models.message import Message
from models.page import page_of
from models.plan import Plan
from resolvers import global_id
from resolvers.connection import After, Before, Connection, First, Last, connect
from resolvers.context import Info
from resolvers.message import key_of
from resolvers.mutation import IDEMPOTENCY_KEY, Kept, Payload
from resolvers.mutation import answer as once


@strawberry.input(description="What a shopper says to a shop, in reply to one of its messages.")
class MessageReplyInput:
    """What `messageReply` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of a message in the shopper's inbox.")
    text: str = strawberry.field(
        description="What they say, 1–2,000 characters; at most 60 times an hour in a conversation."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="What a seller answers in a conversation.")
class ConversationAnswerInput:
    """What `conversationAnswer` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of a conversation.")
    text: str = strawberry.field(
        description="What they answer, 1–2,000 characters, under the content rules of plans' texts (R13)."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def conversations(
    info: Info, *, first: First = None, after: After = None, last: Last = None, before: Before = None
) -> Connection[Conversation]:
    """The shop's conversations, the last word first."""
    shop = await info.context.shop(Action.READ_SHOP)
    page = page_of(conversations_of.LATEST_FIRST, first=first, after=after, last=last, before=before)
    rows = await conversations_of.conversations(shop.id, page)
    return connect(page, rows, lambda row: (row.last_at, row.customer_id), lambda: conversations_of.count(shop.id))


async def conversation(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="Global id of a conversation.")],
) -> Conversation | None:
    """One of the shop's conversations."""
    shop = await info.context.shop(Action.READ_SHOP)
    key = _key_of(id)
    return await info.context.loaders.conversation.load(key) if key and key[0] == shop.id else None


async def find(info: Info, key: str) -> Conversation | None:
    """The conversation with this key, when it is the caller's: their shop's, or the shopper's own."""
    wanted = _key_of(global_id.encode("Conversation", key))
    if wanted is None:
        return None
    if info.context.caller is not None and info.context.caller.role is Role.CUSTOMER:
        is_own = wanted[1] == info.context.customer()
    else:
        is_own = wanted[0] == (await info.context.shop(Action.READ_SHOP)).id
    return await info.context.loaders.conversation.load(wanted) if is_own else None


async def of_message(info: Info, root: strawberry.Parent[Message]) -> Conversation | None:
    """The shopper's conversation with the shop that a message is from."""
    return await info.context.loaders.conversation.load((root.shop_id, root.customer_id))


def identify(root: strawberry.Parent[Conversation]) -> strawberry.ID:
    """A conversation's global id: shop and customer."""
    return global_id.encode("Conversation", root.shop_id, root.customer_id)


async def customer(info: Info, root: strawberry.Parent[Conversation]) -> Customer | None:
    """Whom the seller talks with."""
    if not _is_seller(info):
        return None
    return await info.context.loaders.customer.load((root.shop_id, root.customer_id))


async def remarks(
    info: Info,
    root: strawberry.Parent[Conversation],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Connection[Remark]:
    """What was said."""
    page = page_of(conversations_of.NEWEST_REMARK_FIRST, first=first, after=after, last=last, before=before)
    rows = await info.context.loaders.remarks.load(((root.shop_id, root.customer_id), page))

    async def count() -> int:
        return root.size

    return connect(page, rows, lambda row: (row.number,), count)


async def plan_of(info: Info, root: strawberry.Parent[Remark]) -> Plan | None:
    """The plan whose message a reply answers; its seller's affair."""
    if root.plan_id is None or not _is_seller(info):
        return None
    return await info.context.loaders.plan.load(root.plan_id)


async def reply(info: Info, input: MessageReplyInput) -> Payload:
    """Say something to the shop that a message is from."""
    customer_id = info.context.customer()
    key = key_of(input.id, customer_id)

    async def say() -> Conversation:
        opened = await conversations_of.reply(key, input.text, actor=info.context.actor) if key else None
        if opened is None:
            raise global_id.missing("id", "message")
        return opened

    payload = await once(info, input, Kept("conversation", _keep, _load), say)
    if payload.entity is not None:
        await info.context.inbox_changed(customer_id)
    return payload


async def answer(info: Info, input: ConversationAnswerInput) -> Payload:
    """Answer the shopper."""
    shop = await info.context.shop(Action.CHANGE_SHOP)
    key = _key_of(input.id)

    async def say() -> Conversation:
        opened = None
        if key is not None and key[0] == shop.id:
            opened = await conversations_of.answer(shop.id, key[1], input.text, actor=info.context.actor)
        if opened is None:
            raise global_id.missing("id", "conversation")
        return opened

    payload = await once(info, input, Kept("conversation", _keep, _load), say)
    if payload.entity is not None:
        await info.context.inbox_changed(payload.entity.customer_id)
    return payload


def _keep(said_in: Conversation) -> list[Any]:
    return [said_in.shop_id, str(said_in.customer_id)]


async def _load(kept: Any) -> Conversation | None:
    shop_id, customer_id = kept
    wanted = global_id.uuid_of(customer_id)
    return (await conversations_of.of_keys([(shop_id, wanted)]))[0] if wanted else None


def _key_of(identifier: str) -> ConversationKey | None:
    """The key in a conversation's id."""
    kind, key = global_id.decode(identifier) or ("", "")
    shop, _, customer = key.partition(":")
    shop_id, customer_id = global_id.integer_of(shop), global_id.uuid_of(customer)
    return (
        (shop_id, customer_id) if kind == "Conversation" and shop_id is not None and customer_id is not None else None
    )


def _is_seller(info: Info) -> bool:
    return info.context.caller is not None and info.context.caller.role in SELLER

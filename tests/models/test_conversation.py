"""A conversation begins with a shopper's reply, and what is said in it is kept in order (R20)."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from models import consent, conversation, metric
from models import database as db
from models.clock import Clock, now
from models.conversation import LONGEST_TEXT, MOST_AN_HOUR, NEWEST_REMARK_FIRST, Author
from models.errors import ErrorCode, Refused
from models.message import MessageKey
from models.page import Page
from models.plan import Plan
from models.shop import Shop
from tests.factories import make_customers, make_resolved, make_shop


class Chat:
    """A shop, a shopper, and a message to them."""

    def __init__(self, shop: Shop, plan: Plan, customer: UUID) -> None:
        self.shop, self.plan, self.customer = shop, plan, customer
        self.message = MessageKey(plan.id, customer)

    async def reply(self, text: str) -> conversation.Conversation | None:
        return await conversation.reply(self.message, text, actor="CUSTOMER::ana")

    async def answer(self, text: str) -> conversation.Conversation | None:
        return await conversation.answer(self.shop.id, self.customer, text, actor="OWNER:bloom:anna")

    async def said(self) -> list[tuple[int, str, str]]:
        """Number, author and text of every remark, the first one first."""
        (found,) = await conversation.remarks([((self.shop.id, self.customer), Page(NEWEST_REMARK_FIRST, 100))])
        return [(remark.number, remark.author.value, remark.text) for remark in reversed(found)]


@pytest.fixture
async def chat(database: None) -> Chat:
    shop = await make_shop()
    (customer,) = await make_customers(shop, 1)
    return Chat(shop, await make_resolved(shop), customer)


async def test_before_the_shopper_replies_the_seller_can_say_nothing(chat: Chat):
    assert await chat.answer("Hello?") is None
    assert await chat.said() == []
    assert await conversation.count(chat.shop.id) == 0


async def test_a_shopper_s_replies_are_so_many_an_hour_at_most(chat: Chat, clock: Clock):
    for number in range(MOST_AN_HOUR):
        await chat.reply(str(number))
        await chat.answer("Yes.")
    before = await chat.said()
    with pytest.raises(Refused) as refused:
        await chat.reply("And?")

    assert [problem.code for problem in refused.value.problems] == [ErrorCode.TOO_MANY]
    assert await chat.said() == before
    clock.move(timedelta(hours=1))
    assert await chat.reply("And now?") is not None


async def test_what_both_say_is_kept_in_order(chat: Chat, clock: Clock):
    opened_at = now()
    await chat.reply("Is it warm?")
    clock.move(timedelta(minutes=1))
    await chat.answer("Very.")
    clock.move(timedelta(minutes=1))
    found = await chat.reply(" And blue? ")

    assert found is not None
    assert (found.opened_at, found.last_at, found.last_author, found.size) == (opened_at, now(), Author.SHOPPER, 3)
    assert await chat.said() == [(1, "SHOPPER", "Is it warm?"), (2, "SELLER", "Very."), (3, "SHOPPER", "And blue?")]


async def test_a_reply_is_also_a_read_and_the_first_counts(chat: Chat, clock: Clock):
    first = now()
    await chat.reply("One")
    clock.move(timedelta(hours=1))
    await chat.reply("Two")

    row = await db.fetch_one("SELECT read_at, replied_at FROM delivery")
    assert row is not None
    assert tuple(row) == (first, first)
    (figures,) = await metric.of_plans([chat.plan.id])
    assert figures is not None
    assert (figures.replied, figures.reply_rate) == (1, 1)


async def test_a_message_that_is_not_in_the_inbox_cannot_be_replied_to(chat: Chat):
    await db.execute("UPDATE delivery SET state = 'SUPPRESSED'")

    assert await chat.reply("Hello?") is None
    assert await conversation.count(chat.shop.id) == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [("  ", ErrorCode.INVALID), ("a\0b", ErrorCode.INVALID), ("x" * (LONGEST_TEXT + 1), ErrorCode.TOO_LONG)],
)
async def test_a_text_that_is_none_is_refused(chat: Chat, text: str, code: ErrorCode):
    with pytest.raises(Refused) as refused:
        await chat.reply(text)

    assert [(problem.field, problem.code) for problem in refused.value.problems] == [(("text",), code)]
    assert await chat.said() == []
    assert await db.fetch_value("SELECT read_at FROM delivery") is None


async def test_an_answer_may_not_lead_out_of_the_shop_but_a_shopper_may_say_what_they_like(chat: Chat):
    await chat.reply("Call me: +52 55 1234 5678")
    with pytest.raises(Refused) as refused:
        await chat.answer("Write to me at sales@elsewhere.example")

    (problem,) = refused.value.problems
    assert (problem.field, problem.code, problem.rule) == (("text",), ErrorCode.FORBIDDEN_CONTENT, "R13")
    assert "sales@elsewhere.example" in problem.message
    assert len(await chat.said()) == 1


async def test_who_has_blocked_the_shop_gets_no_answer_until_they_unblock_it(chat: Chat):
    await chat.reply("Leave me alone")
    await consent.block(chat.shop.id, chat.customer)
    with pytest.raises(Refused) as refused:
        await chat.answer("Sorry!")
    assert [problem.code for problem in refused.value.problems] == [ErrorCode.CHAT_BLOCKED]
    assert len(await chat.said()) == 1

    await consent.unblock(chat.shop.id, chat.customer)
    assert await chat.answer("Sorry!") is not None


async def test_what_is_said_at_once_gets_numbers_of_its_own(chat: Chat):
    await chat.reply("0")
    await asyncio.gather(*(chat.reply(f"{n}") if n % 2 else chat.answer(f"{n}") for n in range(1, 9)))

    said = await chat.said()
    assert [number for number, _, _ in said] == list(range(1, 10))
    assert {text for _, _, text in said} == {str(n) for n in range(9)}


async def test_shops_do_not_share_a_shopper_s_conversation(chat: Chat):
    other = await make_shop("other")
    await make_customers(other, 1)
    await chat.reply("Hi")

    assert await conversation.answer(other.id, chat.customer, "Hi", actor="x") is None
    assert await conversation.of_keys([(other.id, chat.customer)]) == [None]


async def test_who_is_being_erased_is_answered_no_more_and_others_are(chat: Chat):
    await chat.reply("Hi")
    asked = "INSERT INTO erasure (customer_key, customer_id, actor, asked_at) VALUES (sha256($1), $2, 'test', $3)"

    await db.execute(asked, b"another", uuid4(), now())
    assert await chat.answer("Hello") is not None
    await db.execute(asked, b"ana", chat.customer, now())
    assert await chat.answer("Still there?") is None

    assert await chat.said() == [(1, "SHOPPER", "Hi"), (2, "SELLER", "Hello")]
    assert await db.fetch_value("SELECT size FROM conversation") == 2


async def test_a_conversation_is_that_of_one_shop_and_one_shopper(
    chat: Chat, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    (ben,) = await make_customers(chat.shop, 1, prefix="ben")
    both = await make_resolved(chat.shop)
    other = await make_shop("other")
    await make_customers(other, 1)
    clock.move(timedelta(days=1))
    theirs = await make_resolved(other)
    to_ben, elsewhere = Chat(chat.shop, both, ben), Chat(other, theirs, chat.customer)
    monkeypatch.setattr(conversation, "MOST_AN_HOUR", 2)

    await chat.reply("One")
    replied = await db.fetch("SELECT plan_id, customer_id FROM delivery WHERE replied_at IS NOT NULL")
    await to_ben.reply("Two")
    await elsewhere.reply("Three")
    await consent.block(other.id, chat.customer)
    await consent.block(chat.shop.id, ben)
    await chat.answer("Yes.")
    await chat.reply("Thanks")

    assert [tuple(row) for row in replied] == [(chat.plan.id, chat.customer)]
    assert await chat.said() == [(1, "SHOPPER", "One"), (2, "SELLER", "Yes."), (3, "SHOPPER", "Thanks")]
    assert (await to_ben.said(), await elsewhere.said()) == ([(1, "SHOPPER", "Two")], [(1, "SHOPPER", "Three")])
    page = Page(conversation.LATEST_FIRST, 100)
    sizes = [
        [(each.customer_id, each.size) for each in await conversation.conversations(shop.id, page)]
        for shop in (chat.shop, other)
    ]
    assert sorted(sizes[0], key=lambda each: each[1]) == [(ben, 1), (chat.customer, 3)]
    assert sizes[1] == [(chat.customer, 1)]

"""What recommendations are made from equals what plain Python counts in the same history, whatever it was (R25)."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from models import database
from models.clock import Clock
from models.identifier import customer_id
from models.recommendation.figure import HOURS as HOURS_A_DAY
from models.recommendation.figure import Conversion, Hours, Readership, gather
from tests.factories import make_coupon
from tests.outreach import HOURS, Outreach, Place, Sent, at, outreach
from tests.stored_histories import rolled_back

SHOP_S_ZONE = "America/St_Johns"
ZONES = {"ana": "Asia/Kathmandu", "ben": SHOP_S_ZONE, "cleo": "Pacific/Apia"}
LANGUAGES = {"ana": "es-MX", "ben": "en", "cleo": "ja"}
NOW = at(HOURS + 24 * 14)
"""When all that histories tell of is over."""


@pytest.fixture
async def place(database: None, clock: Clock) -> Place:
    """The first shop's plans have a segment each, and one of them a coupon."""
    place = await Place.make(time_zone=SHOP_S_ZONE)
    clock.freeze(NOW)
    await people()
    coupon = await make_coupon(place.shops[0])
    await write("UPDATE plan SET coupon_id = $2 WHERE id = $1", place.plans[0].id, coupon.id)
    await write(
        "UPDATE plan SET segment_id = g.id FROM segment g"
        " WHERE plan.id = $1 AND g.shop_id = plan.shop_id AND g.preset = 'RECENT'",
        place.plans[1].id,
    )  # fmt: skip
    for plan in place.plans:
        await plan.refresh_from_db()
    return place


async def write(statement: str, *arguments: object) -> None:
    assert await database.execute(statement, *arguments)


async def people() -> None:
    """Ben says nothing of his zone, and so lives by the shop's."""
    for name, tag in LANGUAGES.items():
        await database.execute("INSERT INTO language VALUES ($1) ON CONFLICT DO NOTHING", tag)
        await write(
            "INSERT INTO customer (id, external_id, name, language, time_zone, created_at, updated_at)"
            " VALUES ($1, $2, $2, $3, $4, $5, $5)",
            customer_id(name), name, tag, None if name == "ben" else ZONES[name], at(0),
        )  # fmt: skip


def delivered(history: Outreach, since: datetime) -> list[Sent]:
    """The first shop's messages that arrived after that."""
    return [sent for sent in history.sent if sent.plan < 2 and sent.state == "SENT" and at(sent.sent) > since]


def mailed(history: Outreach, since: datetime) -> list[Sent]:
    """The mails of the first shop that were sent, or refused, after that."""
    mails = [sent for sent in history.sent if sent.plan < 2 and sent.channel == "EMAIL"]
    return [sent for sent in mails if sent.state in ("SENT", "FAILED") and at(sent.sent) > since]


def left(history: Outreach, since: datetime) -> set[str]:
    """Who left the first shop after that, by whatever plan or none."""
    return {each.customer for each in history.left if (each.plan or 0) < 2 and at(each.hour) > since}


def converted(history: Outreach, since: datetime) -> dict[int, tuple[int, int]]:
    """What was sent, and what was ordered and stands, by plan: of whole days in the shop's zone."""

    def is_inside(hour: int) -> bool:
        there = ZoneInfo(SHOP_S_ZONE)
        return at(hour).astimezone(there).date() > since.astimezone(there).date()

    sent = Counter(each.plan for each in history.sent if each.state == "SENT" and is_inside(each.sent))
    standing = [order for order in history.bought if order.status == "PLACED" and is_inside(order.hour)]
    orders = Counter(history.plan_of(order) for order in standing)
    return {plan: (sent[plan], orders[plan]) for plan in (0, 1) if sent[plan] or orders[plan]}


def hours(messages: Sequence[Sent]) -> dict[str, Hours]:
    """When messages are sent and read, on their customers' clocks."""
    found = {
        ZONES[message.customer]: Hours(sent=[0] * HOURS_A_DAY, read=[0] * HOURS_A_DAY) for message in messages
    }  # fmt: skip
    for message in messages:
        zone = ZONES[message.customer]
        for counts, hour in ((found[zone].sent, message.sent), (found[zone].read, message.read)):
            if hour is not None:
                counts[at(hour).astimezone(ZoneInfo(zone)).hour] += 1  # type: ignore[index]
    return found


def readers(messages: Sequence[Sent]) -> dict[str, Readership]:
    """How many messages went to whom in another language than theirs."""
    sent = Counter(LANGUAGES[message.customer] for message in messages)
    own = Counter(LANGUAGES[m.customer] for m in messages if LANGUAGES[m.customer].split("-")[0] == m.language)
    return {tag: Readership(tag, count, count - own[tag]) for tag, count in sent.items()}


def numbers(found: Sequence[Conversion]) -> dict[int, tuple[int, int]]:
    return {each.id: (each.sent, each.orders) for each in found if each.sent or each.orders}


BOUNDED = settings(
    max_examples=150,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
"""The same histories each time, and a failure is told as it was met: they are small, and making them smaller takes minutes."""


@BOUNDED
@given(history=outreach(), days=st.integers(13, 29))
async def test_what_is_gathered_equals_what_plain_python_counts(place: Place, history: Outreach, days: int):
    since = NOW - timedelta(days=days)
    async with rolled_back():
        await place.store(history)
        found = await gather(place.shops[0], NOW, timedelta(days=days))

    messages, mails, brought = delivered(history, since), mailed(history, since), converted(history, since)
    assert found.sent == len(messages)
    assert (found.emails, found.bounced) == (len(mails), sum(mail.state == "FAILED" for mail in mails))
    assert found.unsubscribed == len(left(history, since))
    assert found.plans == sum(sent > 0 for sent, _ in brought.values())
    assert numbers(found.segments) == {place.plans[plan].segment_id: each for plan, each in brought.items()}
    assert numbers(found.coupons) == {place.plans[plan].coupon_id: each for plan, each in brought.items() if plan == 0}
    assert found.hours == hours(messages)
    assert {reader.tag: reader for reader in found.readers} == readers(messages)

"""Consents: the latest word counts, whenever it arrives, and a refusal is never lost (R19)."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import consent
from models import database as db
from models.identifier import customer_id
from models.relationship import EmailConsent, latest_consent, latest_consents
from models.shop import Shop
from tests.factories import make_shop
from tests.rows import consent as said
from tests.rows import customer_row, event_row, tell

shops = count()
DAY = datetime(2026, 1, 1, tzinfo=UTC)


def an_hour(hour: int) -> str:
    """An instant of New Year's Day."""
    return (DAY + timedelta(hours=hour)).isoformat()


def a_consent(state: Any, hour: int) -> EmailConsent:
    """What was said at an hour."""
    return EmailConsent(state=state, source="checkout", at=DAY + timedelta(hours=hour))


CONSENTS = st.builds(a_consent, st.sampled_from(["SUBSCRIBED", "UNSUBSCRIBED", "NEVER"]), st.integers(0, 4))


@pytest.mark.parametrize(
    ("known", "later", "state", "hour"),
    [
        (("SUBSCRIBED", 1), ("UNSUBSCRIBED", 2), "UNSUBSCRIBED", 2),
        (("UNSUBSCRIBED", 2), ("SUBSCRIBED", 1), "UNSUBSCRIBED", 2),
        (("UNSUBSCRIBED", 2), ("SUBSCRIBED", 3), "SUBSCRIBED", 3),
        (("UNSUBSCRIBED", 2), ("SUBSCRIBED", 2), "UNSUBSCRIBED", 2),
        (("SUBSCRIBED", 2), ("UNSUBSCRIBED", 2), "UNSUBSCRIBED", 2),
        (("SUBSCRIBED", 2), ("NEVER", 2), "NEVER", 2),
        (("UNSUBSCRIBED", 2), ("NEVER", 3), "UNSUBSCRIBED", 3),
        (("NEVER", 2), ("SUBSCRIBED", 1), "NEVER", 2),
        (("SUBSCRIBED", 1), ("NEVER", 2), "NEVER", 2),
    ],
)
def test_of_two_consents_the_later_counts_and_of_equals_the_one_that_forbids(known, later, state, hour):
    found = latest_consent(a_consent(*known), a_consent(*later))
    assert (found.state, found.at) == (state, DAY + timedelta(hours=hour))


@given(st.lists(CONSENTS, min_size=1), st.randoms(use_true_random=False))
def test_whether_mail_is_allowed_does_not_depend_on_the_order_of_arrival(consents, random):
    person = customer_id("c1")
    once = latest_consents((person, each) for each in consents)[person]
    again = latest_consents((person, each) for each in random.sample(consents, len(consents)))[person]
    assert (once.state == "SUBSCRIBED", once.at) == (again.state == "SUBSCRIBED", again.at)
    assert once.at == max(each.at for each in consents)


async def stored(shop: Shop) -> list[tuple[Any, ...]]:
    """The consents of the shop's customers."""
    rows = await db.fetch(
        "SELECT email_consent, email_consent_source, email_consent_at FROM relationship WHERE shop_id = $1"
        " ORDER BY customer_id",
        shop.id,
    )
    return [tuple(row) for row in rows]


@pytest.mark.usefixtures("database")
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(CONSENTS, min_size=1, max_size=3), min_size=1, max_size=4))
async def test_the_database_follows_the_rule_batch_by_batch(batches):
    shop = await make_shop(f"shop-{next(shops)}")
    expected: EmailConsent | None = None
    for batch in batches:
        await tell(shop, *(customer_row(emailConsent=said(each.state, each.at.isoformat())) for each in batch))
        told = latest_consents((customer_id("c1"), each) for each in batch)[customer_id("c1")]
        expected = latest_consent(expected, told) if expected else told
    assert expected is not None
    assert await stored(shop) == [(expected.state, expected.source, expected.at)]


@pytest.mark.usefixtures("database")
async def test_a_consent_alone_makes_nobody_a_customer_and_belongs_to_its_shop():
    bloom, cedar = await make_shop("bloom"), await make_shop("cedar")
    await tell(bloom, customer_row(emailConsent=said("SUBSCRIBED", an_hour(1))))
    assert await stored(bloom) == [("SUBSCRIBED", "checkout", DAY + timedelta(hours=1))]
    assert await stored(cedar) == []
    assert await db.fetch_value("SELECT count(first_interaction_at) FROM relationship") == 0


@pytest.mark.usefixtures("database")
async def test_what_a_customer_unsubscribed_stays_so_until_a_newer_subscription(clock):
    shop = await make_shop()
    await tell(shop, event_row(), customer_row(emailConsent=said("SUBSCRIBED", an_hour(1))))
    assert await consent.unsubscribe(shop.id, customer_id("c1"), source="link")
    await tell(shop, customer_row(emailConsent=said("SUBSCRIBED", an_hour(2))))
    assert await stored(shop) == [("UNSUBSCRIBED", "link", clock.now())]
    clock.move(timedelta(days=1))
    await tell(shop, customer_row(emailConsent=said("SUBSCRIBED", clock.now().isoformat())))
    assert await stored(shop) == [("SUBSCRIBED", "checkout", clock.now())]


@pytest.mark.usefixtures("database")
async def test_a_row_without_a_consent_leaves_it():
    shop = await make_shop()
    await tell(shop, customer_row(emailConsent=said("SUBSCRIBED", an_hour(1))))
    await tell(shop, customer_row(emailConsent=None), customer_row(name="Ana"))
    assert [row[0] for row in await stored(shop)] == ["SUBSCRIBED"]

"""Consent: the latest word of a customer holds, also against one of the platform's that arrives after it (R19)."""

from datetime import datetime, timedelta

import pytest

from models import consent, database
from models.clock import Clock, now
from models.identifier import customer_id
from models.shop import Shop
from tests.factories import make_shop
from tests.rows import customer_row, tell

pytestmark = pytest.mark.usefixtures("database")

ANA = customer_id("ana")


async def subscribed(shop: Shop, at: datetime) -> None:
    """The platform tells, now, that ana subscribed at this instant."""
    said = {"state": "SUBSCRIBED", "source": "checkout", "at": at.isoformat()}
    await tell(shop, customer_row("ana", email="ana@example.com", emailConsent=said))


async def told() -> tuple[str, str | None, datetime]:
    row = await database.fetch_one(
        "SELECT email_consent, email_consent_source, email_consent_at FROM relationship WHERE customer_id = $1", ANA
    )
    assert row is not None
    return tuple(row)


async def test_who_unsubscribes_again_stays_so_when_it_is_told_late_that_they_had_come_back_in_between(clock: Clock):
    shop = await make_shop()
    await subscribed(shop, now())
    assert await consent.unsubscribe(shop.id, ANA, source="mail")
    clock.move(timedelta(days=1))
    back = now()
    clock.move(timedelta(days=1))
    assert not await consent.unsubscribe(shop.id, ANA, source="app")

    await subscribed(shop, back)

    assert await told() == ("UNSUBSCRIBED", "app", now())
    assert await database.fetch_value("SELECT count(*) FROM unsubscription") == 1


async def test_who_unsubscribes_stays_so_when_an_earlier_word_of_a_clock_that_is_ahead_is_told_again(clock: Clock):
    shop = await make_shop()
    ahead = now() + timedelta(minutes=3)
    await subscribed(shop, ahead)
    clock.move(timedelta(minutes=1))
    assert await consent.unsubscribe(shop.id, ANA, source="mail")

    await subscribed(shop, ahead)

    assert await told() == ("UNSUBSCRIBED", "mail", ahead)
    await subscribed(shop, ahead + timedelta(seconds=1))
    assert (await told())[0] == "SUBSCRIBED"


async def test_what_is_known_of_a_later_word_stays_when_an_unsubscription_comes_again(clock: Clock):
    shop = await make_shop()
    await subscribed(shop, now())
    assert await consent.unsubscribe(shop.id, ANA, source="mail")
    before = await told()

    assert not await consent.unsubscribe(shop.id, ANA, source="app")

    assert await told() == before

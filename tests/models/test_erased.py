"""Who was erased stays so: later rows about them are refused, and their address is not written to."""

from datetime import timedelta

import pytest

from models import database
from models.clock import Clock, now
from models.errors import ErrorCode, Refused
from tests.factories import make_shop
from tests.known_person import dump, erase, event, ingested, order, profile

pytestmark = pytest.mark.usefixtures("database")


async def test_nothing_more_is_taken_in_about_an_erased_person_and_the_rest_of_the_batch_is():
    shop = await make_shop()
    await ingested(shop, profile())
    await erase()

    codes = await ingested(
        shop, profile(), order("o1"), event("e1"), profile("ana", email="ana@example.com"), order("o2", "ana"),
        event("e2", "ana"), {**order("o3"), "amount": -1},
    )  # fmt: skip

    assert codes == [[ErrorCode.ERASED], [ErrorCode.ERASED], [ErrorCode.ERASED], [], [], [], [ErrorCode.INVALID]]
    assert [row["external_id"] for row in await database.fetch("SELECT external_id FROM customer")] == ["ana"]
    assert await database.fetch_value("SELECT count(*) FROM orders") == 1
    assert await database.fetch_value("SELECT count(*) FROM event") == 1


async def test_erasing_again_changes_nothing_and_nobody_is_not_erased(clock: Clock):
    shop = await make_shop()
    await ingested(shop, profile())
    first = await erase()
    clock.move(timedelta(hours=1))
    before = await dump()

    assert await erase() == first
    with pytest.raises(Refused) as refused:
        await erase("nobody")

    assert refused.value.problems[0].code is ErrorCode.NOT_FOUND
    assert await dump() == before


async def test_the_address_stays_suppressed_until_its_owner_subscribes_anew_under_another_id(clock: Clock):
    shop = await make_shop()
    await ingested(shop, profile())
    await erase()
    await ingested(shop, profile("new"), order("o9", "new"))
    assert await database.fetch_value("SELECT reason FROM suppression") == "ERASED"

    clock.move(timedelta(days=1))
    later = {"state": "SUBSCRIBED", "source": "sign-up", "at": now().isoformat()}
    await ingested(shop, profile("new", emailConsent=later))
    assert await database.fetch_value("SELECT count(*) FROM suppression") == 0

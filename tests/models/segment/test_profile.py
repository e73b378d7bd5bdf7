"""Who is in a segment: distributions that add up."""

from datetime import UTC, date, datetime

from models import database as databases
from models.clock import Clock
from models.segment.definition import define
from models.segment.member import Question
from models.segment.profile import Band, Share, profile
from models.shop import Shop
from tests.factories import make_customers, make_shop
from tests.rows import customer_row, tell


async def everyone(shop: Shop) -> Question:
    """All of the shop's customers."""
    return Question(shop.id, define(shop, text="orders >= 0"))


async def test_each_distribution_adds_up_to_the_members(database: None):
    shop = await make_shop()
    await make_customers(shop, 4, language="es")
    await make_customers(shop, 3, prefix="d", language=None)
    await databases.execute(
        "UPDATE customer SET gender = 'FEMALE', region = 'MX-JAL', birth_date = '1990-05-01' WHERE language = 'es'"
    )
    await databases.execute("UPDATE relationship SET order_count = 0, order_amount = 0 WHERE customer_id IN ("
                            " SELECT id FROM customer WHERE external_id = 'd0')")  # fmt: skip
    found = await profile(shop, await everyone(shop))

    assert found.size == 7
    assert found.genders == [Share("FEMALE", 4), Share(None, 3)]
    assert found.regions == [Share("MX-JAL", 4), Share(None, 3)]
    assert found.languages == [Share("es", 4), Share(None, 3)]
    assert found.ages == [Band(35, 45, 4), Band(None, None, 3)]
    assert found.orders == [Band(0, 1, 1), Band(2, 3, 6)]
    assert found.lifetime_values == [Band(0, 1000, 1), Band(2000, 5000, 6)]


async def test_lifetime_values_are_banded_in_the_currencys_main_unit(database: None):
    shop = await make_shop(currency="IQD")
    await make_customers(shop, 1)
    await databases.execute("UPDATE relationship SET order_amount = 2_500_000")

    assert (await profile(shop, await everyone(shop))).lifetime_values == [Band(2_000_000, 5_000_000, 1)]


async def test_ages_turn_at_midnight_of_the_shop_and_leap_days_in_march(database: None, clock: Clock):
    shop = await make_shop(time_zone="Asia/Jakarta")
    await make_customers(shop, 1)
    for born, at, band in (
        (date(2000, 2, 29), datetime(2025, 2, 28, 16, tzinfo=UTC), Band(18, 25, 1)),
        (date(2000, 2, 29), datetime(2025, 2, 28, 17, tzinfo=UTC), Band(25, 35, 1)),
        (date(2000, 3, 1), datetime(2025, 2, 28, 17, tzinfo=UTC), Band(25, 35, 1)),
        (date(2010, 3, 1), datetime(2025, 2, 28, 17, tzinfo=UTC), Band(0, 18, 1)),
        (date(1930, 3, 1), datetime(2025, 2, 28, 17, tzinfo=UTC), Band(65, None, 1)),
    ):
        clock.freeze(at)
        await databases.execute("UPDATE customer SET birth_date = $1", born)
        assert (await profile(shop, await everyone(shop))).ages == [band]


async def test_the_first_day_of_the_calendar_is_a_birth_like_any_other(database: None):
    shop = await make_shop()
    await make_customers(shop, 2)
    await tell(shop, customer_row("c0", birthDate=date.min.isoformat()))

    assert (await profile(shop, await everyone(shop))).ages == [Band(65, None, 1), Band(None, None, 1)]


async def test_nobody_has_no_distribution(database: None):
    shop = await make_shop()
    found = await profile(shop, await everyone(shop))

    assert (found.size, found.ages, found.genders, found.orders) == (0, [], [], [])

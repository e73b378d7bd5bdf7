"""Buckets: the same in Python and in SQL, evenly filled, and independent of one another."""

from uuid import UUID, uuid5

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from models import database
from models.experiment.bucket import BUCKETS, bucket, is_within

CUSTOMERS = [uuid5(UUID(int=0), str(number)) for number in range(20_000)]


@pytest.mark.usefixtures("database")
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    salt=st.from_regex(r"[a-z]{1,10}:[0-9]{1,12}(:[0-9]{1,12})?", fullmatch=True),
    customers=st.lists(st.uuids(), min_size=1, max_size=50),
)
async def test_sql_finds_the_bucket_that_python_does(salt: str, customers: list[UUID]):
    rows = await database.fetch("SELECT bucket($1, id) FROM unnest($2::uuid[]) AS t(id)", salt, customers)

    assert [row[0] for row in rows] == [bucket(salt, customer) for customer in customers]


def test_known_customers_are_where_they_always_were():
    assert [bucket("holdout:1", UUID(int=number)) for number in range(4)] == [882, 2386, 6211, 2307]


@pytest.mark.parametrize("percent", [0, 1, 5, 50, 100])
def test_so_many_percent_are_within_so_many_percent(percent: int):
    within = sum(is_within(percent, bucket("holdout:7", customer)) for customer in CUSTOMERS)

    spread = 5 * (len(CUSTOMERS) * percent * (100 - percent)) ** 0.5 / 100  # five standard deviations of a binomial
    assert abs(within - len(CUSTOMERS) * percent / 100) <= spread


def test_the_buckets_of_two_experiments_have_nothing_to_do_with_each_other():
    both = sum(
        bucket("holdout:1", each) < BUCKETS / 2 and bucket("holdout:2", each) < BUCKETS / 2 for each in CUSTOMERS
    )

    assert abs(both - len(CUSTOMERS) / 4) <= 5 * (len(CUSTOMERS) * 3 / 16) ** 0.5

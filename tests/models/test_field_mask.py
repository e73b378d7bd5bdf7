"""A mask tells a field that was left out from one that is null, in Python and in SQL alike."""

import pytest

from models import database as db
from models.field_mask import FieldMask

pytestmark = pytest.mark.usefixtures("database")

MASK = FieldMask(("colour", "size"))

AFTER = f"""
SELECT {MASK.kept_or_given("known")}
FROM (SELECT $1::integer AS mask, NULL AS colour, 'large' AS size) AS given
CROSS JOIN (SELECT 'red' AS colour, 'small' AS size) AS known
"""


@pytest.mark.parametrize(
    ("given", "after"),
    [
        (set(), ("red", "small")),
        ({"colour"}, (None, "small")),
        ({"size"}, ("red", "large")),
        ({"size", "colour", "unknown"}, (None, "large")),
    ],
)
async def test_what_is_given_is_written_null_included_and_what_is_left_out_is_kept(
    given: set[str], after: tuple[str | None, str]
):
    row = await db.fetch_one(AFTER, MASK.of(given))

    assert row is not None
    assert (row["colour"], row["size"]) == after

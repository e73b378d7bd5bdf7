"""Rows that several fields of an operation wait for together."""

from resolvers import global_id
from tests.api import Api, seller
from tests.factories import make_draft, make_shop

QUERY = """
query ($id: ID!) {
  refused: plan(id: $id) { segment { id } history(before: "no cursor") { totalCount } }
  answered: plan(id: $id) { segment { id } }
}
"""


async def test_a_field_whose_sibling_is_refused_takes_its_row_from_no_other(api: Api):
    shop = await make_shop()
    plan = await make_draft(shop)

    answer = await api.answer(QUERY, seller(shop), id=global_id.encode("Plan", plan.id))

    assert answer["data"] == {
        "refused": None,
        "answered": {"segment": {"id": global_id.encode("Segment", plan.segment_id)}},
    }
    assert [error["path"] for error in answer["errors"]] == [["refused", "history"]]

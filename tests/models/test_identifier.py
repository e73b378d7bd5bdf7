"""Ids that follow from what a row's own system calls it."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from models.identifier import NAMESPACE, customer_id, external_uuid, product_id

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@given(TEXT, TEXT, TEXT)
def test_an_id_is_the_uuid5_of_kind_shop_and_external_id(kind, shop, external_id):
    made = external_uuid(kind, shop, external_id)
    assert made == uuid5(NAMESPACE, f"{kind}\0{shop}\0{external_id}")
    assert isinstance(made, UUID)
    assert hash(made) == hash(UUID(str(made)))


def test_a_customer_has_one_id_everywhere_and_a_product_one_in_each_shop():
    assert customer_id("7") == external_uuid("customer", "", "7")
    assert product_id("bloom", "7") == external_uuid("product", "bloom", "7")
    assert len({customer_id("7"), product_id("bloom", "7"), product_id("cedar", "7")}) == 3

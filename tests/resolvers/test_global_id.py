"""Global ids: opaque, and never more than they say."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.global_id import decode, encode, integer, uuid

SOMEONE = UUID("00000000-0000-5000-8000-000000000001")


@given(
    st.sampled_from(["Plan", "Shop"]),
    st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=50),
)
def test_an_id_gives_back_its_type_and_key(kind: str, key: str):
    assert decode(encode(kind, key)) == (kind, key)


@given(st.text(max_size=30))
def test_any_text_is_an_id_or_none(text: str):
    decoded = decode(text)

    assert decoded is None or len(decoded) == 2


@pytest.mark.parametrize("text", ["", "x", "é", "a" * 501, "UGxhbg", "/+/+", "UGxhbjox\n!", encode("Plan", "a\0b")])
def test_what_is_no_id_is_none(text: str):
    assert integer(text, "Plan") is None


@pytest.mark.parametrize(
    ("key", "number"),
    [
        ("7", 7),
        ("007", 7),
        ("2147483647", 2147483647),
        ("2147483648", None),
        ("-1", None),
        ("9" * 40, None),
        ("٣", None),
        ("", None),
        ("1e3", None),
    ],
)
def test_an_integer_key_fits_its_column(key: str, number: int | None):
    assert integer(encode("Plan", key), "Plan") == number


def test_an_id_of_another_type_is_none():
    assert integer(encode("Shop", 7), "Plan") is None
    assert uuid(encode("Customer", SOMEONE), "Product") is None
    assert uuid(encode("Customer", "x"), "Customer") is None
    assert uuid(encode("Customer", SOMEONE), "Customer") == SOMEONE

"""Global ids: opaque, and never more than they say."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strawberry import UNSET

from resolvers.global_id import MAX_LENGTH, decode, encode, integer, optional, row, uuid

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
def test_what_is_no_id_is_none_and_names_no_row(text: str):
    assert decode(text) is None
    assert integer(text, "Plan") is None
    assert row(text, "Plan") == optional(text, "Plan") == 0


def test_only_an_id_that_is_left_out_or_null_asks_for_nothing():
    assert [optional(given, "Plan") for given in (None, UNSET, encode("Plan", 7))] == [None, None, 7]


def test_an_id_is_read_up_to_its_greatest_length():
    longest, longer = (encode("Plan", "7" * digits) for digits in (370, 371))

    assert len(longest) == MAX_LENGTH < len(longer)
    assert (decode(longest) is None, decode(longer) is None) == (False, True)


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

"""Signed links say what we signed, for what we signed it, and nothing else."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from models.signed_link import LONGEST, Link, Purpose, keys_of, seal, sign, unseal, verify

KEY = b"a key of at least thirty-two bytes"
LINK = Link(7, 12, UUID(int=2**127 + 5))
NUMBERS = st.integers(0, 2**32 - 1)


@given(NUMBERS, NUMBERS, st.uuids())
def test_a_link_comes_back_as_it_was_signed(shop_id, plan_id, customer_id):
    link = Link(shop_id, plan_id, customer_id)
    token = sign(KEY, Purpose.UNSUBSCRIBE, link)

    assert len(token) == 54
    assert verify([KEY], Purpose.UNSUBSCRIBE, token) == link


@given(st.integers(0, 39), st.integers(1, 255))
def test_a_token_with_any_byte_changed_says_nothing(place, change):
    raw = bytearray(urlsafe_b64decode(sign(KEY, Purpose.UNSUBSCRIBE, LINK) + "=="))
    raw[place] ^= change

    assert verify([KEY], Purpose.UNSUBSCRIBE, urlsafe_b64encode(raw).rstrip(b"=").decode()) is None


DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def respelled(token: str) -> list[str]:
    """Other texts that base64's decoders, the more patient ones, make the same bytes of."""
    unused_bits = [token[:-1] + DIGITS[DIGITS.index(token[-1]) + more] for more in range(1, 16)]
    foreign = [f"!{token}", f"{token[:20]}.{token[20:]}", f"{token}\n", f" {token}", f"{token}=", f"{token}=="]
    return [*unused_bits, *foreign, token.replace("_", "/").replace("-", "+")]


def test_no_other_spelling_of_a_token_says_anything():
    token = sign(KEY, Purpose.UNSUBSCRIBE, LINK)
    assert {"-", "_"} & set(token)

    assert [each for each in respelled(token) if verify([KEY], Purpose.UNSUBSCRIBE, each)] == []


@given(st.text(max_size=2 * LONGEST))
def test_any_text_that_is_no_token_is_refused_without_an_error(text):
    assert verify([KEY], Purpose.UNSUBSCRIBE, text) is None


def test_a_token_for_one_purpose_says_nothing_for_another():
    tokens = {purpose: sign(KEY, purpose, LINK) for purpose in Purpose}

    believed = [(made, asked) for made in Purpose for asked in Purpose if verify([KEY], asked, tokens[made])]

    assert believed == [(purpose, purpose) for purpose in Purpose]


@pytest.mark.parametrize("size", [0, 23, 25])
def test_what_we_sealed_for_the_same_purpose_but_is_no_link_is_none(size):
    assert verify([KEY], Purpose.TOUCH, seal(KEY, Purpose.TOUCH, bytes(size))) is None


def test_a_token_is_looked_at_up_to_its_greatest_length_and_no_further():
    longest, longer = seal(KEY, Purpose.EXPORT, bytes(59)), seal(KEY, Purpose.EXPORT, bytes(60))

    assert (len(longest), unseal([KEY], Purpose.EXPORT, longest)) == (LONGEST, bytes(59))
    assert (len(longer), unseal([KEY], Purpose.EXPORT, longer)) == (LONGEST + 2, None)


def test_a_token_of_another_key_says_nothing():
    assert (
        verify([b"another key of thirty-two bytes!!"], Purpose.UNSUBSCRIBE, sign(KEY, Purpose.UNSUBSCRIBE, LINK))
        is None
    )


def test_every_key_is_believed_and_the_first_one_signs(settings):
    old, new = "o" * 32, "n" * 32
    before = keys_of(settings.model_copy(update={"link_keys": SecretStr(old)}))
    both = keys_of(settings.model_copy(update={"link_keys": SecretStr(f"{new} {old}")}))
    after = keys_of(settings.model_copy(update={"link_keys": SecretStr(new)}))
    token = sign(before[0], Purpose.UNSUBSCRIBE, LINK)

    assert both[0] == new.encode()
    assert verify(both, Purpose.UNSUBSCRIBE, token) == LINK
    assert verify(after, Purpose.UNSUBSCRIBE, token) is None


def test_without_keys_of_their_own_links_are_signed_by_the_secret_key(settings):
    assert keys_of(settings) == (settings.secret_key.get_secret_value().encode(),)


def test_without_any_key_nothing_is_signed(settings):
    with pytest.raises(ValueError, match="SECRET_KEY is not set"):
        keys_of(settings.model_copy(update={"secret_key": None}))
